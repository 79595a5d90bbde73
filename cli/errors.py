"""What the terminal says when it cannot go on: a sentence, a remedy and an exit code, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass

from cli.terminal import say

DONE, REMAINS, BAD_INPUT = 0, 1, 2
"""The exit codes: done; findings or questions remain; bad input or settings."""


class Refused(Exception):
    """A verb that cannot do what was asked.  *remedy* says what to do, *code* how the command exits."""

    def __init__(self, message: str, remedy: str, code: int = BAD_INPUT) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.code = code


@dataclass(frozen=True, slots=True)
class Complaint:
    """One failure in the words of the terminal."""

    error: str
    remedy: str
    code: int


def complaint(exc: BaseException) -> Complaint | None:
    """Return how to tell *exc*, None for one that nobody foresaw."""
    if isinstance(exc, Refused):
        return Complaint(str(exc), exc.remedy, exc.code)
    return _of_casework(exc) or _of_connector(exc) or _of_settings(exc) or _of_trail(exc) or _of_storage(exc)


def _of_casework(exc: BaseException) -> Complaint | None:
    from casework.errors import CaseworkError, NotDueYet, QuestionsOpen, StillOpen

    if not isinstance(exc, CaseworkError):
        return None
    remains = isinstance(exc, (StillOpen, QuestionsOpen, NotDueYet))
    return Complaint(str(exc), exc.remedy, REMAINS if remains else BAD_INPUT)


def _of_connector(exc: BaseException) -> Complaint | None:
    from connectors.errors import ConnectorError, OutcomeUnknown, Throttled, Unreachable

    if not isinstance(exc, ConnectorError):
        return None
    passing = isinstance(exc, (Throttled, Unreachable, OutcomeUnknown))
    return Complaint(str(exc), exc.advice, REMAINS if passing else BAD_INPUT)


def _of_settings(exc: BaseException) -> Complaint | None:
    """Name the settings that are missing or wrong, never their values."""
    from pydantic import ValidationError

    if not isinstance(exc, ValidationError):
        return None
    faults = "; ".join(
        f"{'.'.join(str(part) for part in e['loc']) or 'as a whole'}: {e['msg']}"
        for e in exc.errors(include_input=False, include_url=False, include_context=False)
    )
    return Complaint(f"settings: cannot be used: {faults}", "`lastday doctor` lists what is missing.", BAD_INPUT)


def _of_trail(exc: BaseException) -> Complaint | None:
    from audit.continuity import Discontinued, SigningStopped
    from audit.keys import KeyRefused
    from audit.leaf import LeafError
    from audit.note import NoteError
    from audit.placing import TrailError

    if isinstance(exc, (Discontinued, SigningStopped)):
        return Complaint(str(exc), say(exc.remedy, exc.remedy_ja), REMAINS)
    if isinstance(exc, KeyRefused):
        return Complaint(str(exc), "Correct LASTDAY_AUDIT_KEY_FILE, or the file's owner and mode (0600).", BAD_INPUT)
    if isinstance(exc, NoteError):
        return Complaint(str(exc), "Give a checkpoint and a key of this log.", BAD_INPUT)
    if isinstance(exc, (TrailError, LeafError)):
        return Complaint(str(exc), "Run `lastday trail check`, and keep the database as it is.", REMAINS)
    return None


def _of_storage(exc: BaseException) -> Complaint | None:
    """A database's text holds statements and addresses: only the class is told."""
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(exc, SQLAlchemyError):
        return Complaint(
            f"database: cannot be used: {type(exc).__name__}",
            "Check LASTDAY_DATABASE_URL, its disk and its rights, then run `lastday doctor`.",
            BAD_INPUT,
        )
    if isinstance(exc, OSError):
        return Complaint(
            f"system: cannot go on: {exc.strerror or type(exc).__name__}", "Correct it and run again.", BAD_INPUT
        )
    return None
