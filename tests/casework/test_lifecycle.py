"""The life of a case is one table: what it has happens and is sealed, what it lacks is refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from sqlmodel import select

from audit.leaf import read
from casework import lifecycle, runbook
from casework.access import rechecking
from casework.access import restore as restoring
from casework.access.revoking import begin
from casework.decisions import signatures as waiving
from casework.errors import BadRequest
from casework.intake.moving import reschedule, withdraw
from casework.lifecycle import TABLE, Transition, move
from casework.truth.findings import assess
from casework.truth.rows import accounts_of
from connectors.errors import Unreachable
from models.tables import Case, CaseEntitlement
from models.vocabulary import CaseState
from tests import documents
from tests.casework.conftest import Office
from tests.unit.reading_source import ROOT, source_files, tree

S = CaseState
MOVES = [step for step in TABLE if step.source is not None]


def told(office: Office) -> set[Transition]:
    """Every transition that the trail tells, its verb left out."""
    steps = {step.event for step in TABLE}
    with office.context.store.read() as session:
        said = [read(entry.leaf) for entry in office.context.store.trail.entries(session.connection())]
    return {
        Transition(S(e["from_state"]) if "from_state" in e else None, S(e["state"]), "", e["type"])
        for e in said
        if e["type"] in steps
    }


def put(office: Office, case: Case, state: CaseState) -> None:
    with office.context.store.write() as session:
        session.get_one(Case, case.id).state = state


class TestTable:
    @pytest.mark.parametrize("step", MOVES, ids=lambda step: f"{step.source}-{step.to}")
    def test_moves_and_seals(self, office: Office, step: Transition) -> None:
        """Each transition of the table sets the state, and seals one event that says from where to where."""
        case = office.report()
        assert step.source is not None
        put(office, case, step.source)
        before = told(office)
        with office.context.store.write() as session:
            move(office.context, session, session.get_one(Case, case.id), step.to)
        assert office.context.case(case.id).state is step.to
        assert told(office) - before == {Transition(step.source, step.to, "", step.event)}

    @pytest.mark.parametrize("state", list(S))
    def test_what_it_lacks_is_refused(self, office: Office, state: CaseState) -> None:
        """No other pair of states is a transition: nothing is written, nothing sealed."""
        case = office.report()
        put(office, case, state)
        before = told(office)
        for to in set(S) - {step.to for step in MOVES if step.source is state}:
            with (
                pytest.raises(BadRequest, match=f"cannot become {to}: it is {state}"),
                office.context.store.write() as session,
            ):
                move(office.context, session, session.get_one(Case, case.id), to)
        assert office.context.case(case.id).state is state
        assert told(office) == before

    def test_is_one_line_a_pair(self) -> None:
        """From one state to another there is one way, and its event names the state, or that the case came back to it."""
        assert len({(step.source, step.to) for step in TABLE}) == len(TABLE)
        for step in TABLE:
            named = {None: "case.opened", S.CLOSED: "case.reopened"} if step.to in {S.OPEN, S.DEPROVISIONED} else {}
            assert step.event == named.get(step.source, f"case.{step.to}")

    def test_groups_are_made_of_states_that_belong_together(self) -> None:
        """What is before the cut may be withdrawn, what is under way may be restored, what has ended moves no more."""
        withdrawn = {step.source for step in MOVES if step.to is S.WITHDRAWN}
        restored = {step.source for step in MOVES if step.to is S.RESTORING}
        cut = {step.source for step in MOVES if step.to is S.CUTTING}
        assert withdrawn == cut == lifecycle.BEFORE_THE_CUT
        assert restored == lifecycle.UNDER_WAY | {S.CLOSED}
        assert {step.source for step in MOVES} | lifecycle.ENDED == set(S)
        assert set(S) - lifecycle.UNDER_WAY == lifecycle.NOT_TO_BE_CUT
        assert {step.source for step in MOVES if step.verb == "observe"} == lifecycle.ADVANCING
        assert {step.source for step in MOVES if step.verb == "plan"} == lifecycle.PLAN_WANTED

    def test_the_picture_is_the_tables(self) -> None:
        """docs/architecture.md shows the table as it is: `python -m tests.documents picture` prints it."""
        page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
        (picture,) = re.findall(r"```mermaid\n(stateDiagram-v2\n.*?\n)```", page, re.DOTALL)
        assert picture == documents.picture()

    def test_nothing_else_writes_a_state(self) -> None:
        """Only the table's own file sets the state of a case: `move` is the one way."""
        writers = [f"{p.relative_to(ROOT)}:{line}" for p in source_files() for line in _states_written(tree(p))]
        assert [place for place in writers if not place.startswith("casework/lifecycle.py:")] == []


def _states_written(module: ast.Module) -> Iterator[int]:
    """Yield the lines that assign to `case.state`, alone or among others."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Assign):
            continue
        for target in [t for whole in node.targets for t in (whole.elts if isinstance(whole, ast.Tuple) else [whole])]:
            if isinstance(target, ast.Attribute) and target.attr == "state" and ast.unparse(target.value) == "case":
                yield node.lineno


class TestLives:
    """Cases as the verbs carry them: together they take every transition of the table, and no other."""

    async def test_take_every_line_of_the_table(self, office: Office) -> None:
        """A line that no verb takes is no rule, and a verb that would need another line is refused."""
        for life in LIVES:
            office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
            office.clock.at = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
            await life(office)
            with office.context.store.read() as session:
                cases = session.exec(select(Case)).all()
            for case in cases:
                put(office, case, S.RESTORED)
        assert told(office) == {Transition(step.source, step.to, "", step.event) for step in TABLE}


async def closed_reopened_restored(office: Office) -> None:
    case = office.report()
    office.clock.pass_by(hours=10)
    await office.run(case.id)
    office.paper.holders["g1"].active = True
    office.clock.pass_by(hours=2)
    assert (await rechecking.look_again(office.context))["reopened"] == [case.id]
    await office.run(case.id)
    await given_back(office, case.id)


async def given_back(office: Office, case_id: str) -> None:
    request = restoring.request_restore(office.context, case_id, by="hr", reason="wrong person")
    waiving.approve(office.context, request.id, by="it")
    await restoring.restore(office.context, case_id)


async def restored_from_each_state(office: Office) -> None:
    for state in sorted(lifecycle.UNDER_WAY):
        case = office.report(employee_no=f"R-{state}")
        put(office, case, state)
        await given_back(office, case.id)


async def withdrawn_from_each_state(office: Office) -> None:
    for state in sorted(lifecycle.BEFORE_THE_CUT):
        case = office.report(employee_no=f"W-{state}")
        put(office, case, state)
        withdraw(office.context, case.id, by="hr", reason="stays")


async def planned_while_a_service_is_away(office: Office) -> None:
    case = office.report()
    office.paper.search_error = Unreachable("paper: cannot search: 503", code="503")
    await runbook.make_plan(office.context, case.id)
    office.paper.search_error = None
    await runbook.make_plan(office.context, case.id)
    office.report(email="other@example.test")


async def cut_from_each_state(office: Office) -> None:
    case = office.report()
    await runbook.make_plan(office.context, case.id)
    office.clock.pass_by(hours=10)
    for state in sorted(lifecycle.BEFORE_THE_CUT):
        put(office, case, state)
        with office.context.store.read() as session:
            (account,) = accounts_of(session, case.id)
            row = session.get_one(CaseEntitlement, (case.id, "google_workspace:g1:group:sales"))
        begin(office.context, account, [row])


async def moved_before_the_block(office: Office) -> None:
    case = office.report()
    put(office, case, S.CUTTING)
    reschedule(office.context, case.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")


async def contained_without_a_request(office: Office) -> None:
    """The person has no account anywhere: nothing is to be asked for."""
    case = office.report(employee_no="E9", name="誰か", email=None)
    await runbook.make_plan(office.context, case.id)
    office.clock.pass_by(hours=10)
    for state in (S.PLANNED, S.WAITING, S.CUTTING):
        put(office, case, state)
        with office.context.store.write() as session:
            assess(office.context, session, case.id)


LIVES = [
    closed_reopened_restored,
    restored_from_each_state,
    withdrawn_from_each_state,
    planned_while_a_service_is_away,
    cut_from_each_state,
    moved_before_the_block,
    contained_without_a_request,
]
