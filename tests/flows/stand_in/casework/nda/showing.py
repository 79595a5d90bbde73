"""No papers to show."""

from __future__ import annotations

from casework.context import Context


def states(context: Context, case_id: str) -> dict[str, int]:
    """Return no counts."""
    return {}
