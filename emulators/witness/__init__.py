"""A rehearsal's C2SP witness.  Worthless against the operator, who has its key: somebody else runs a real one."""

from emulators.witness.witness import Witness

__all__ = ["Witness"]
