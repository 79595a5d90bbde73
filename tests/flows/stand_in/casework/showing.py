"""What the stand-in shows."""

from __future__ import annotations

from dataclasses import dataclass

from casework.context import Context, read  # type: ignore[attr-defined]  # the stand-in's own context


@dataclass(frozen=True, slots=True)
class TruthRow:
    service: str
    kind: str
    state: str
    confirmed_by: str
    count: int


@dataclass(frozen=True, slots=True)
class OpaqueQuestion:
    id: str
    kind: str


def truth_table(context: Context, case_id: str) -> list[TruthRow]:
    state = "observed_closed" if read(case_id).get("state") == "closed" else "still_open"
    return [TruthRow("slack", "sign_in", state, "read", 1)]


def progress(context: Context, case_id: str) -> tuple[int, int]:
    return (1, 1) if read(case_id).get("state") == "closed" else (0, 1)


def open_questions(context: Context, case_id: str) -> list[OpaqueQuestion]:
    return []
