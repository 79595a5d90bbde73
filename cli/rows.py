"""One row of `lastday doctor`: the check's name, its state ("ok", "amber", "missing", "failed" or "red"), what is wrong, what to do."""

from __future__ import annotations

from typing import Any

from cli.errors import refusal

Row = dict[str, Any]


def row(check: str, state: str = "ok", detail: str | None = None, remedy: str | None = None) -> Row:
    """Return the row of *check*."""
    return {"check": check, "state": state, "detail": detail, "remedy": remedy}


def failed(check: str, exc: Exception, state: str = "failed") -> Row:
    """Tell a foreseeable failure; raises any other one again."""
    told = refusal(exc)
    return row(check, state, str(told), told.remedy)
