"""The errors of casework.  Their texts name kinds, counts and our own ids, never a person."""

from __future__ import annotations


class CaseworkError(Exception):
    """The base.  *remedy* says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class BadRequest(CaseworkError):
    """The request cannot be carried out: an unknown case, a missing approval, a state that does not allow it."""


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


class CaseNotDue(CaseworkError):
    """The case is due too far ahead for a run to wait."""


class Paused(CaseworkError):
    """A pause is in force: nothing is written at a vendor."""


class EvidenceError(CaseworkError):
    """A piece of evidence cannot be read or written."""


class EvidenceDamaged(EvidenceError):
    """The bytes on the disk are not those that were written: altered, reordered, cut short, or another file's."""

    def __init__(self, what: str) -> None:
        super().__init__(f"evidence: cannot read: {what}", "Keep the file as it is, and restore it from a backup.")


class EvidenceErased(EvidenceError):
    """The case's key was destroyed: its evidence can never be read again."""

    def __init__(self, case_id: str) -> None:
        super().__init__(
            f"{case_id}: its evidence was erased", "The trail says when and why; it cannot be brought back."
        )


class EvidenceMissing(EvidenceError):
    """The case has no such file, or the file is not complete yet."""


class EvidenceLocked(EvidenceError):
    """Another process is writing this file."""
