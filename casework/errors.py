"""Why casework stops.  Texts name kinds, counts and ids of ours, never a person."""

from __future__ import annotations


class CaseworkError(Exception):
    """The base.  *remedy* says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class BadRequest(CaseworkError):
    """What was asked for cannot be: an unknown case, a missing approval, a state that does not allow it."""


class Misconfigured(CaseworkError):
    """A setting is missing or cannot be used."""


class StillOpen(CaseworkError):
    """The case has findings and may not close.  *findings* counts them by kind."""

    def __init__(self, findings: dict[str, int]) -> None:
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(findings.items()))
        super().__init__(f"findings: {listed}", "See them with `lastday show CASE`, each with its remedy.")
        self.findings = findings


class QuestionsOpen(CaseworkError):
    """The case waits for a person.  *questions* are opaque ids."""

    def __init__(self, questions: list[str]) -> None:
        super().__init__(
            f"open questions: {', '.join(questions)}", "See `lastday show CASE`: it names the command for each."
        )
        self.questions = questions


class NotDueYet(CaseworkError):
    """The case's instant has not come, and the run does not wait so long."""


class Paused(CaseworkError):
    """Somebody has pulled the emergency brake: nothing is asked of a vendor."""


class EvidenceError(CaseworkError):
    """Why a piece of evidence cannot be had."""


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
