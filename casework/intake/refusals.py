"""Why a notice is refused: a code, whose sentence and remedy stand in `casework/messages/intake.toml`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from casework.messages import Message

_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Refusal(Message):
    """
    Why a cell, a row or a file is not taken, and what to do about it.  The code stays the same across languages and releases.

    *row* None: the whole file.  *column* as the file spells it, None: the whole row.  *value* is the offending text,
    shortened, with unprintable characters escaped: personal data, for the sender's eyes and never for a log.  The facts that
    fill the sentences are numbers, positions, names of columns and cases, never the value.
    """

    row: int | None
    column: str | None
    value: str | None

    @classmethod
    def of(
        cls, code: str, *, row: int | None = None, column: str | None = None, value: str | None = None, **facts: object
    ) -> Refusal:
        """Make *value* fit to be shown."""
        return cls(code, facts, row, column, None if value is None else shown(value))


class Flaw(Exception):
    """What stops a cell, a row or a file from being read: a refusal on its way, with what the raiser knows of its place."""

    def __init__(self, code: str, **told: Any) -> None:
        """Take what `Refusal.of` takes."""
        super().__init__(code)
        self.code = code
        self.refusal = Refusal.of(code, **told)

    def at(self, row: int, column: str | None = None, value: str | None = None) -> Refusal:
        """Return the refusal of a cell."""
        return replace(self.refusal, row=row, column=column, value=None if value is None else shown(value))


def shown(value: str) -> str:
    """Return *value* fit for a terminal and for JSON: one line, shortened, nothing unprintable."""
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[:_SHOWN])
    return text + ("…" if len(value) > _SHOWN else "")
