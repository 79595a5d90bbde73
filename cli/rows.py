"""One row of `lastday doctor`: the check's name, its state ("ok", "amber", "missing", "failed" or "red"), what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cli.errors import refusal
from connectors.errors import NotConfigured

Row = dict[str, Any]


def row(check: str, state: str = "ok", detail: str | None = None, remedy: str | None = None) -> Row:
    """Return the row of *check*."""
    return {"check": check, "state": state, "detail": detail, "remedy": remedy}


def examined(check: str, examine: Callable[[], Row], state: str = "failed") -> Row:
    """Return the row that *examine* gives; what it raises and was foreseen is a row too, in *state*."""
    try:
        return examine()
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return failed(check, exc, state)


def failed(check: str, exc: Exception, state: str = "failed") -> Row:
    """Tell a foreseeable failure, "missing" where it is a setting; raises any other one again."""
    told = refusal(exc)
    return row(check, "missing" if isinstance(exc, NotConfigured) else state, str(told), told.remedy)
