"""A rehearsal's RFC 3161 authority.  Worthless against the operator, who holds its key: a real one is run by somebody else."""

from emulators.timestamping.authority import Authority

__all__ = ["Authority"]
