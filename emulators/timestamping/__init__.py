"""A rehearsal's RFC 3161 authority.  Worthless against the operator, who has its key: somebody else runs a real one."""

from emulators.timestamping.authority import Authority

__all__ = ["Authority"]
