"""Foreseen errors at the terminal: a sentence, a remedy and an exit code, never a traceback."""

from __future__ import annotations

from cli.terminal import advice, say

DONE, REMAINS, BAD_INPUT = 0, 1, 2
"""The exit codes: done; findings or questions remain; bad input or settings."""


class CommandRefused(Exception):
    """The command cannot do what was asked.  *remedy*: what to do.  *code*: the exit code."""

    def __init__(self, message: str, remedy: str, code: int = BAD_INPUT) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.code = code


def refusal(exc: Exception) -> CommandRefused:
    """Return *exc* as a `CommandRefused`.  Raises *exc* again if it is not a foreseen error."""
    told = exc if isinstance(exc, CommandRefused) else _of_ours(exc) or _of_libraries(exc)
    if told is None:
        raise exc
    return told


def _of_ours(exc: Exception) -> CommandRefused | None:
    from audit.appending import TrailError
    from audit.keys import KeyRefused
    from audit.leaf import LeafError
    from audit.note import NoteError
    from audit.rollback_check import RollbackError, SigningStopped
    from casework.errors import CaseNotDue, CaseworkError, Paused, QuestionsOpen, StillOpen
    from connectors.errors import ConnectorError, OutcomeUnknown, Throttled, Unreachable

    match exc:
        case CaseworkError() | ConnectorError():
            waits = isinstance(
                exc, (StillOpen, QuestionsOpen, CaseNotDue, Paused, Throttled, Unreachable, OutcomeUnknown)
            )
            remedy = exc.remedy if isinstance(exc, CaseworkError) else exc.advice
            return CommandRefused(str(exc), remedy, REMAINS if waits else BAD_INPUT)
        case RollbackError() | SigningStopped():
            return CommandRefused(str(exc), say(exc.remedy, exc.remedy_ja), REMAINS)
        case KeyRefused():
            return CommandRefused(*advice("key_refused", why=exc))
        case NoteError():
            return CommandRefused(*advice("note_refused", why=exc))
        case TrailError() | LeafError():
            return CommandRefused(*advice("trail_refused", why=exc), REMAINS)
        case _:
            return None


def _of_libraries(exc: Exception) -> CommandRefused | None:
    """Name the wrong settings or fields, never their values.  Of a database error show only the class: its text has statements and addresses."""
    from pydantic import ValidationError
    from sqlalchemy.exc import SQLAlchemyError

    match exc:
        case ValidationError():
            faults = "; ".join(
                f"{'.'.join(str(part) for part in e['loc']) or 'as a whole'}: {e['msg']}"
                for e in exc.errors(include_input=False, include_url=False, include_context=False)
            )
            if exc.title.endswith("Settings"):
                return CommandRefused(*advice("settings_unusable", faults=faults))
            return CommandRefused(*advice("database_unreadable", what=exc.title, faults=faults), REMAINS)
        case SQLAlchemyError():
            return CommandRefused(*advice("database_unusable", why=type(exc).__name__))
        case OSError():
            return CommandRefused(*advice("system_stopped", why=exc.strerror or type(exc).__name__))
        case _:
            return None
