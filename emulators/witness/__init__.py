"""A rehearsal's C2SP witness.  Worthless against the operator, who holds its key: a real one is run by somebody else."""

from emulators.witness.witness import Witness

__all__ = ["Witness"]
