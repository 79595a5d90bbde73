"""The stand-in's gate."""

from __future__ import annotations

from casework.context import Context, change, note, read  # type: ignore[attr-defined]  # the stand-in's own context
from casework.errors import QuestionsOpen, StillOpen
from tests.flows.personal import KANJI


def close(context: Context, case_id: str) -> None:
    case = read(case_id)
    if case["story"] == "asks" and not case.get("answered"):
        raise QuestionsOpen(["q-0123456789abcdef", KANJI])
    if case["story"] in {"explodes", "open"}:
        raise StillOpen({"still_open": 2, f"group of {KANJI}": 1})
    change(case_id, state="closed")
    note(case_id, "close")
