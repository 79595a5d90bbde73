"""Why a piece of evidence cannot be had.  Texts name the case and the file, which are random or ours."""

from __future__ import annotations

from casework.errors import CaseworkError


class EvidenceError(CaseworkError):
    """The base."""


class Damaged(EvidenceError):
    """The bytes on the disk are not those that were written: altered, reordered, cut short, or another file's."""

    def __init__(self, what: str) -> None:
        super().__init__(f"evidence: cannot read: {what}", "Keep the file as it is, and restore it from a backup.")


class Erased(EvidenceError):
    """The case's key is gone, and with it every byte of its evidence."""

    def __init__(self, case_id: str) -> None:
        super().__init__(
            f"{case_id}: its evidence was erased", "The trail says when and why; it cannot be brought back."
        )


class Missing(EvidenceError):
    """No such file of this case, or one that is not whole yet."""


class InUse(EvidenceError):
    """Another process is writing this file."""
