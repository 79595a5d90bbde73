"""What the trail tells of a case: who asked, decided, approved and signed, and its milestones."""

from __future__ import annotations

from casework.actor import UNAUTHENTICATED
from casework.record.facts import Facts, Told
from portal.document import Cell, Clock, Grid, Section, cell, mono
from portal.words import EVENTS, MANY, Phrase, joined, said, titled

_OF_WHAT = ("service", "connection", "kind", "finding", "state", "choice", "scope", "basis")


def people(facts: Facts, clock: Clock) -> Section:
    """Who asked, decided, approved and signed: each line is an event of the trail, named by its file."""
    grid = Grid(
        {"Event": 8, "When": 16, "What happened": 28, "Who": 16, "In their words": 32},
        tuple(_act(told, clock) for told in facts.told if told.by is not None),
        empty=said("The words were erased; the events cannot be." if facts.erased_at else "None."),
    )
    return Section(*titled("people"), grids=(grid,))


def _act(told: Told, clock: Clock) -> tuple[Cell, ...]:
    choice = told.fields.get("choice")
    chosen = f"({choice})" if isinstance(choice, str) and choice else None
    nobody_made_sure = said("(unauthenticated)") if told.made_sure_by == UNAUTHENTICATED else None
    return (
        mono(f"{told.seq:04d}"),
        clock(told.at),
        cell(joined(" ", EVENTS[told.type], chosen)),
        cell(joined(" ", told.by, nobody_made_sure)),
        cell(told.reason),
    )


def events(facts: Facts, clock: Clock) -> Section:
    """The case's milestones; each request and each read stands in `events/`."""
    shown = [told for told in facts.told if told.type not in MANY]
    grid = Grid(
        {"Event": 8, "When": 20, "What happened": 40, "Of what": 32},
        tuple((mono(f"{told.seq:04d}"), clock(told.at), cell(EVENTS[told.type]), _of_what(told)) for told in shown),
    )
    rest = len(facts.told) - len(shown)
    lead = Phrase(
        f"Each line is a sealed event; {rest} more (requests, answers and reads) are in events/.",
        f"各行は封緘された事象。このほか {rest} 件 (要求・応答・読み取り) が events/ にある。",
    )
    return Section(*titled("events")[:2], lead, grids=(grid,))


def _of_what(told: Told) -> Cell:
    return cell(" ".join(str(told.fields[name]).replace("_", " ") for name in _OF_WHAT if told.fields.get(name)))
