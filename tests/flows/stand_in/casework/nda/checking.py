"""Papers hold nothing up: here there are none."""

from __future__ import annotations

from casework.context import Context, note  # type: ignore[attr-defined]  # the stand-in's own context


async def check_if_due(context: Context, case_id: str) -> None:
    note(case_id, "papers")
