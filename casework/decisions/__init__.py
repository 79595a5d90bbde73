"""What people decide about a case: questions, waivers, attestations, approvals."""
