"""What the terminal says when it cannot go on: a sentence, a remedy and an exit code, never a traceback."""

from __future__ import annotations

from cli.terminal import say

DONE, REMAINS, BAD_INPUT = 0, 1, 2
"""The exit codes: done; findings or questions remain; bad input or settings."""


class Refused(Exception):
    """A verb that cannot do what was asked.  *remedy* says what to do, *code* how the command exits."""

    def __init__(self, message: str, remedy: str, code: int = BAD_INPUT) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.code = code


def refusal(exc: Exception) -> Refused:
    """Return *exc* in the words of the terminal; raises one that nobody foresaw again."""
    told = exc if isinstance(exc, Refused) else _of_ours(exc) or _of_libraries(exc)
    if told is None:
        raise exc
    return told


def _of_ours(exc: Exception) -> Refused | None:
    from audit.continuity import Discontinued, SigningStopped
    from audit.keys import KeyRefused
    from audit.leaf import LeafError
    from audit.note import NoteError
    from audit.placing import TrailError
    from casework.errors import CaseworkError, NotDueYet, Paused, QuestionsOpen, StillOpen
    from connectors.errors import ConnectorError, OutcomeUnknown, Throttled, Unreachable

    code = BAD_INPUT
    match exc:
        case CaseworkError():
            code = REMAINS if isinstance(exc, (StillOpen, QuestionsOpen, NotDueYet, Paused)) else BAD_INPUT
            remedy = exc.remedy
        case ConnectorError():
            code = REMAINS if isinstance(exc, (Throttled, Unreachable, OutcomeUnknown)) else BAD_INPUT
            remedy = exc.advice
        case Discontinued() | SigningStopped():
            code, remedy = REMAINS, say(exc.remedy, exc.remedy_ja)
        case KeyRefused():
            remedy = "Correct LASTDAY_AUDIT_KEY_FILE, or the file's owner and mode (0600)."
        case NoteError():
            remedy = "Give a checkpoint and a key of this log."
        case TrailError() | LeafError():
            code, remedy = REMAINS, "Run `lastday trail check`, and keep the database as it is."
        case _:
            return None
    return Refused(str(exc), remedy, code)


def _of_libraries(exc: Exception) -> Refused | None:
    """Name the settings or fields that are wrong, never their values; of a database's text, statements and addresses, only the class."""
    from pydantic import ValidationError
    from sqlalchemy.exc import SQLAlchemyError

    match exc:
        case ValidationError():
            faults = "; ".join(
                f"{'.'.join(str(part) for part in e['loc']) or 'as a whole'}: {e['msg']}"
                for e in exc.errors(include_input=False, include_url=False, include_context=False)
            )
            if exc.title.endswith("Settings"):
                return Refused(f"settings: cannot be used: {faults}", "`lastday doctor` lists what is missing.")
            remedy = "Another version wrote it, or somebody by hand: run `lastday trail check`, and keep the database as it is."
            return Refused(f"database: what it holds cannot be read as {exc.title}: {faults}", remedy, REMAINS)
        case SQLAlchemyError():
            remedy = "Check LASTDAY_DATABASE_URL, its disk and its rights, then run `lastday doctor`."
            return Refused(f"database: cannot be used: {type(exc).__name__}", remedy)
        case OSError():
            return Refused(f"system: cannot go on: {exc.strerror or type(exc).__name__}", "Correct it and run again.")
        case _:
            return None
