"""No papers to show."""

from __future__ import annotations

from casework.desk import Desk


def states(desk: Desk, case_id: str) -> dict[str, int]:
    """Return no counts."""
    return {}
