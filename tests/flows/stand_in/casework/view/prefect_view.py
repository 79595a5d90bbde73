"""One row, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from casework.context import Context, read  # type: ignore[attr-defined]  # the stand-in's own context


@dataclass(frozen=True, slots=True)
class TruthCount:
    connection: str
    kind: str
    state: str
    confirmed_by: str
    count: int


@dataclass(frozen=True, slots=True)
class OpaqueView:
    settled: int
    rows: int
    truth: list[TruthCount]
    questions: list[object] = field(default_factory=list)
    papers: list[object] = field(default_factory=list)
    paused_at: None = None


def opaque_view(context: Context, case_id: str) -> OpaqueView:
    closed = read(case_id).get("state") == "closed"
    state = "observed_closed" if closed else "still_open"
    return OpaqueView(int(closed), 1, [TruthCount("slack", "sign_in", state, "read", 1)])


def opaque_questions(_context: Context, _case_id: str) -> tuple[object, ...]:
    return ()
