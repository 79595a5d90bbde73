"""People's decisions on a case: pauses, waivers, attestations, approvals."""
