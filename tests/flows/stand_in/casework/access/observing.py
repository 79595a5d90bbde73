"""The stand-in looks once, and may break."""

from __future__ import annotations

from casework.context import Context, note, read  # type: ignore[attr-defined]  # the stand-in's own context
from tests.flows.personal import ADDRESS, KANJI, ROMAJI


async def observe_until_closed(context: Context, case_id: str) -> None:
    note(case_id, "observe")
    if read(case_id)["story"] == "breaks":
        raise ExceptionGroup(f"reading back {ROMAJI}", [OSError(f"{ADDRESS} refused"), KeyError(KANJI)])
