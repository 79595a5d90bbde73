"""A release of the blast radius is for the cases that it names, and for no other."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from sqlalchemy import event

from casework import runbook
from casework.access import blast_radius
from casework.decisions import signatures as signing
from casework.errors import BadRequest, QuestionsOpen
from casework.intake.moving import reschedule, withdraw
from casework.policy import BlastRadiusPolicy, Policy
from models.actor import at_terminal
from models.tables import Case
from models.vocabulary import Entitlement, EntitlementKind
from tests.casework.conftest import Office
from tests.casework.shown import open_questions, show

MARCH = "2027-03-31"


def leave(office: Office, *numbers: int, ends_on: str = "2026-11-30") -> list[Case]:
    """Report a departure of each number."""
    for n in numbers:
        office.paper.add(f"p{n}", employee_no=f"P{n}", email=f"p{n}@example.test", name=f"人 {n}")
    return [
        office.report(employee_no=f"P{n}", email=f"p{n}@example.test", name=f"人 {n}", employment_ends_on=ends_on)
        for n in numbers
    ]


def asked(office: Office, case: Case) -> str:
    """The id of the release that is asked for."""
    return str(blast_radius.ask_early(office.context, case.id))


@contextlib.contextmanager
def sessions_loading(read: list[Case]) -> Iterator[None]:
    """Note each case that is read from the database."""

    def note(case: Case, _: object) -> None:
        read.append(case)

    event.listen(Case, "load", note)
    try:
        yield
    finally:
        event.remove(Case, "load", note)


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    """Where one departure a window is cut unasked."""
    return make_office(Policy(blast_radius=BlastRadiusPolicy(departures=1)))


class TestRelease:
    def test_names_a_window_a_number_and_the_list(self, office: Office) -> None:
        """Who releases sees until when, how many and which; the digest is of the sorted ids, one a line."""
        case, other = leave(office, 1, 2)
        asked(office, case)
        release = show(office.context, case.id)["questions"][0]["release"]
        ids = sorted([case.id, other.id])
        assert (release["until"], release["count"], release["cases"]) == (case.due_at.isoformat(), 2, ids)
        assert release["sha256"] == hashlib.sha256("\n".join(ids).encode()).hexdigest()

    def test_asked_again_with_another_list_is_another_revision(self, office: Office) -> None:
        """What was seen before the list grew is not released; looking again at the same list changes nothing."""
        case, _ = leave(office, 1, 2)
        question = asked(office, case)
        office.clock.pass_by(hours=10)
        assert asked(office, case) == question
        assert open_questions(office.context, case.id)[0].revision == 1
        leave(office, *range(10, 20))
        assert asked(office, case) == question
        with pytest.raises(BadRequest, match="changed since revision 1"):
            signing.approve(office.context, question, by="second", revision=1)
        signing.approve(office.context, question, by="second", revision=2)
        assert blast_radius.ask_early(office.context, case.id) is None

    async def test_does_not_reach_another_window(self, office: Office) -> None:
        """Moved to a day on which others leave, a released case is asked about anew; nothing is written before."""
        case, _ = leave(office, 1, 2)
        signing.approve(office.context, released := asked(office, case), by="second")
        reschedule(office.context, case.id, ends_on=date.fromisoformat(MARCH), last_working_at=None, by="one")
        leave(office, 10, ends_on=MARCH)
        office.clock.at = office.clock.at.replace(year=2027, month=4, day=1)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        assert office.paper.writes == []
        assert asked(office, case) != released

    def test_that_was_overtaken_stays_so(self, office: Office) -> None:
        """Once the list grew, the former release allows nothing any more, even when the list is the former one again."""
        case, _ = leave(office, 1, 2)
        signing.approve(office.context, asked(office, case), by="second")
        (third,) = leave(office, 3)
        again = asked(office, case)
        withdraw(office.context, third.id, by="hr", reason="stays")
        assert asked(office, case) == again

    def test_holds_for_fewer(self, office: Office) -> None:
        """Whoever stays after all does not have to be released again."""
        case, _, third = leave(office, 1, 2, 3)
        signing.approve(office.context, asked(office, case), by="second")
        withdraw(office.context, third.id, by="hr", reason="stays")
        assert blast_radius.ask_early(office.context, case.id) is None

    async def test_that_nobody_needs_any_more_holds_no_case(self, office: Office) -> None:
        """A question that became moot is settled, and the case closes; it was released by nobody."""
        case, other = leave(office, 1, 2)
        question = asked(office, case)
        for day in (date.fromisoformat(MARCH), case.employment_ends_on):
            reschedule(office.context, other.id, ends_on=day, last_working_at=None, by="hr")
            again = blast_radius.ask_early(office.context, case.id)
        assert again not in {None, question}, "settled is not released"
        withdraw(office.context, other.id, by="hr", reason="stays")
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert office.context.case(case.id).state == "closed"

    def test_is_decided_without_the_cases_of_former_years(self, office: Office) -> None:
        """Whoever was cut before the window is not even read: each intent asks, and holds the database meanwhile."""
        case, *others = leave(office, *range(1, 30), ends_on="2025-11-30")
        (new,) = leave(office, 40)
        with office.context.store.write() as session:
            for old in (case, *others):
                session.get_one(Case, old.id).contained_at = old.due_at
        read: list[Case] = []
        with sessions_loading(read):
            assert blast_radius.ask_early(office.context, new.id) is None
        assert {one.id for one in read} == {new.id}

    async def test_is_not_asked_for_in_the_middle_of_a_cut(self, office: Office) -> None:
        """A case of which a sign-in was asked to be blocked is carried through, whoever is reported meanwhile."""
        (case,) = leave(office, 1)
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)

        def report_more(row: Entitlement) -> None:
            if row.kind is EntitlementKind.SIGN_IN:
                leave(office, *range(10, 13))

        office.paper.after = report_more
        await office.run(case.id)
        assert office.context.case(case.id).state == "closed"


class TestSecondPerson:
    @pytest.mark.parametrize("first", ["hr", "security"])
    def test_is_nobody_who_brought_it_about(self, office: Office, first: str) -> None:
        """Neither who reported the case nor who made it an emergency releases it."""
        day = date.fromisoformat(MARCH)
        for case in leave(office, 1, 2, ends_on=MARCH):
            reschedule(office.context, case.id, ends_on=day, last_working_at=None, by="security", now=True)
        with pytest.raises(BadRequest, match="same person"):
            signing.approve(office.context, asked(office, case), by=at_terminal(first))
        assert signing.approve(office.context, asked(office, case), by="it") == "release"
