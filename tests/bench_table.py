"""The figures to reach, each beside the same of the first core, taken in the same run on the same machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

Results = Mapping[tuple[str, str], Mapping[str, Any]]
"""What was measured, by (scene, core): see `tests.bench_core.runs`."""
_GOOGLE, _MICROSOFT = "20 on Google, 50 ms a call", "20 on Microsoft, 50 ms a call"
_DISMISSAL, _BESIDE = "a dismissal, warm, 100 ms a call", "10 due beside 30 with old findings"
PEERS = (
    (
        "GAM7, the same 20 Google leavers, measured elsewhere",
        "6.3 s, 348 calls unread; 11.4 s, 468 calls with a read-back",
    ),
    ("CLI for Microsoft 365, the same 20, measured elsewhere", "11.8 to 12.4 s"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of both cores; None where it was not taken."""

    figure: str
    first: float | None
    now: float | None
    unit: str
    goal: str


def lines(results: Results) -> Iterator[Line]:
    """Yield the figures of what was measured."""
    thousand = _of(results, "1,000 closed cases", "first", "idle_ms")
    yield Line(
        "idle turn over 100,000 closed cases, CPU (first core: 100 times one over 1,000)",
        None if thousand is None else 100 * thousand, _of(results, "100,000 closed cases", "now", "idle_ms"), "ms", "50 ms",
    )  # fmt: skip
    yield Line(
        "the turn in which their standing waiver ends",
        None,
        _of(results, "100,000 closed cases", "now", "waiver_ends"),
        "s",
        "1 s",
    )
    for name, leavers in (("1 leaver", 1), ("10 leavers", 10), ("50 leavers", 50), ("200 leavers", 200)):
        alone = _of(results, name, "alone", "cpu")
        goal = "" if alone is None else f"2 x the connectors alone: {2 * alone / leavers:.2f} s"
        first, now = (_of(results, name, core, "cpu") for core in ("first", "now"))
        yield Line(f"{name}: CPU a leaver", first and first / leavers, now and now / leavers, "s", goal)
    yield from _both(results, "50 leavers", "seconds", "s")
    yield from _both(results, "200 leavers", "seconds", "s", "150 s")
    yield from _both(results, "200 leavers", "last", "s", "30 s", "last block seen")
    for name, seconds, calls in ((_GOOGLE, "5.5 s", "650"), (_MICROSOFT, "3.5 s", "360")):
        yield from _both(results, name, "seconds", "s", seconds)
        yield from _both(results, name, "asked", "", calls, "calls")
    yield from _both(results, _DISMISSAL, "last", "s", "2 s", "last block seen")
    yield from _both(results, _BESIDE, "last", "s", "10 s", "last block of the 10 seen")


def _both(results: Results, name: str, what: str, unit: str, goal: str = "", words: str = "whole") -> Iterator[Line]:
    yield Line(f"{name}: {words}", _of(results, name, "first", what), _of(results, name, "now", what), unit, goal)


def _of(results: Results, name: str, core: str, what: str) -> float | None:
    took = results.get((name, core))
    if took is None:
        return None
    if what == "asked":
        return float(sum(took["calls"].values()))
    if what == "last":
        return max((at["last"] for at in took["blocks"].values()), default=None)
    return float(took[what])


def table(results: Results) -> Table:
    """Return the table: figure, first core, now, ratio, goal."""
    drawn = Table("figure", "first core", "now", "first / now", "goal, at most")
    for line in lines(results):
        ratio = f"{line.first / line.now:.1f}" if line.first and line.now else ""
        drawn.add_row(line.figure, _said(line.first, line.unit), _said(line.now, line.unit), ratio, line.goal)
    return drawn


def _said(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:,.2f} {unit}" if value < 10 and unit else f"{value:,.0f} {unit}"
