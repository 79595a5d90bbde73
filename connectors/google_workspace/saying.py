"""What Google says when it refuses, whichever of its shapes it uses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """
    A refusal, read from its body.

    *reason* is the classic `errors[0].reason`, *status* the newer word, *details* the reasons of the newest shape;
    *text* is the whole body where it is not JSON.  The SDK's own parsing takes whichever comes first, so it is not used.
    """

    reason: str | None = None
    message: str = ""
    status: str | None = None
    details: tuple[str, ...] = ()
    text: str = ""

    @property
    def code(self) -> str | None:
        """The vendor's word for it: the most specific there is."""
        return self.reason or self.status or next(iter(self.details), None)

    @classmethod
    def of(cls, content: bytes) -> Said:
        """Read *content*; whatever it is, it does not raise."""
        text = content.decode("utf-8", errors="replace")
        try:
            body: Any = json.loads(text)
        except ValueError:
            return cls(text=text.strip())
        if isinstance(body, list):  # seen in the field; the SDK breaks on it
            body = body[0] if body else {}
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, str):
            return cls(reason=error)
        return cls._from(error) if isinstance(error, dict) else cls(text=text.strip())

    @classmethod
    def _from(cls, error: dict[str, Any]) -> Said:
        return cls(
            reason=next(iter(_reasons(error.get("errors"))), None),
            message=_text(error.get("message")) or "",
            status=_text(error.get("status")),
            details=tuple(_reasons(error.get("details"))),
        )


def _reasons(rows: Any) -> list[str]:
    if not isinstance(rows, list):
        return []
    return [row["reason"] for row in rows if isinstance(row, dict) and isinstance(row.get("reason"), str)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
