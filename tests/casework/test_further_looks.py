"""No case closes before each service was searched at the addresses that the leaver's accounts have in others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

import pytest
from sqlmodel import select

from casework import runbook
from casework.errors import BadRequest, CaseworkError
from casework.matching import searching
from casework.matching.searching import find_everywhere, find_in
from connectors.contract import FoundAccounts
from connectors.errors import Unreachable
from models.tables import Case, CaseAccount, Search
from models.vocabulary import CaseState, ConnectionId, Leaver, Match, Standing
from tests.casework.conftest import Office
from tests.casework.paper import Paper
from tests.casework.three_services import GOOGLE, SLACK, standings


class TestFurtherLook:
    @pytest.mark.parametrize("answers_after", [0.0, 0.2])
    async def test_a_further_look_that_fails_is_no_search(
        self, papers: tuple[Office, dict[ConnectionId, Paper]], answers_after: float
    ) -> None:
        """
        An account that bears only an address of the leaver's account elsewhere is missed when that look fails: the service
        counts as not searched, and no case closes before the account is known.
        """
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="old.alias@example.test", name="星 空子")
        three[SLACK].add("s1", email="old.alias@example.test", name="Sora")
        failures, find, find_at = [1], three[SLACK].find_accounts, three[SLACK].find_at

        async def later(leaver: Leaver) -> FoundAccounts:
            await asyncio.sleep(answers_after)
            return await find(leaver)

        async def broken(leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
            if failures:
                failures.pop()
                raise Unreachable("slack: cannot list users: 503", code="503")
            return await find_at(leaver, addresses)

        three[SLACK].find_accounts = later  # type: ignore[method-assign]  # slow on purpose
        three[SLACK].find_at = broken  # type: ignore[method-assign]  # fails once
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(CaseworkError):
            await office.run(case.id)
        assert failures == []
        assert standings(office, case.id) == {"google_workspace:g1": "accepted", "slack:s1": "asked"}
        assert office.context.case(case.id).state is not CaseState.CLOSED

    async def test_a_further_look_in_no_time_is_no_search(
        self, papers: tuple[Office, dict[ConnectionId, Paper]]
    ) -> None:
        """A service that does not answer at the address of an account elsewhere counts as not searched."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="old.alias@example.test", name="星 空子")

        async def silent(leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
            await asyncio.sleep(5)
            return []

        async def later(leaver: Leaver) -> FoundAccounts:
            await asyncio.sleep(0.1)
            return await find(leaver)

        find, three[GOOGLE].find_accounts = three[GOOGLE].find_accounts, later  # type: ignore[method-assign]  # the last
        three[SLACK].find_at = silent  # type: ignore[method-assign]  # hangs
        case = office.report()
        await find_everywhere(office.context, case.id, patience=0.3)
        assert not searching.is_searched(office.context, case.id, SLACK)
        with office.context.store.read() as session:
            search = session.get_one(Search, (case.id, SLACK))
        assert search.problem == "slack: no answer in time"

    @pytest.mark.parametrize("planned", [False, True])
    async def test_what_one_search_brings_is_looked_for_in_all_others(
        self, papers: tuple[Office, dict[ConnectionId, Paper]], *, planned: bool
    ) -> None:
        """
        Google is searched last, because its first search failed, or since its account has a new address: no case closes before
        the other services were searched at that address.
        """
        office, three = papers
        failures, find = [] if planned else [1], three[GOOGLE].find_accounts
        three[GOOGLE].add("g1", employee_no="E1", email="e1@example.test", name="星 空子")

        async def late(leaver: Leaver) -> FoundAccounts:
            if failures:
                failures.pop()
                raise Unreachable("google_workspace: 503", code="503")
            await asyncio.sleep(0.2)
            return await find(leaver)

        case = office.report()
        if planned:
            await runbook.make_plan(office.context, case.id)
        three[GOOGLE].add("g1", employee_no="E1", email="new.alias@example.test", name="星 空子")
        three[SLACK].add("s1", email="new.alias@example.test", name="Sora")
        three[GOOGLE].find_accounts = late  # type: ignore[method-assign]  # the last to answer
        office.clock.pass_by(hours=10)
        with pytest.raises(CaseworkError):
            await office.run(case.id)
        assert standings(office, case.id) == {"google_workspace:g1": "accepted", "slack:s1": "asked"}

    @pytest.mark.parametrize("erased", [False, True])
    async def test_a_further_look_counts_for_its_own_person(
        self, papers: tuple[Office, dict[ConnectionId, Paper]], *, erased: bool
    ) -> None:
        """A case that is erased, or corrected, while that look fails keeps no failure of it."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="old.alias@example.test", name="星 空子")

        async def broken(leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
            with office.context.store.write() as session:
                row = session.get_one(Case, case.id)
                row.erased_at = office.clock() if erased else None
                row.leaver = row.leaver | {"name": "月 影子"}
            raise Unreachable("slack: cannot list users: 503", code="503")

        three[SLACK].find_at = broken  # type: ignore[method-assign]  # fails
        case = office.report()
        await find_in(office.context, case.id, SLACK)
        with contextlib.suppress(BadRequest):
            await find_in(office.context, case.id, GOOGLE)
        with office.context.store.read() as session:
            assert session.get_one(Search, (case.id, SLACK)).problem is None

    async def test_what_was_rejected_meanwhile_leads_nowhere(
        self, papers: tuple[Office, dict[ConnectionId, Paper]]
    ) -> None:
        """The addresses of an account that a person rejects while another service is searched bring in nobody."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="shared.alias@example.test", name="星 空子")
        case = office.report()
        await find_everywhere(office.context, case.id)
        three[SLACK].add("s9", email="shared.alias@example.test", name="Tsuki")
        find = three[SLACK].find_accounts

        async def meanwhile(leaver: Leaver) -> FoundAccounts:
            found = await find(leaver)
            with office.context.store.write() as session:
                row = session.exec(select(CaseAccount).where(CaseAccount.vendor_id == "g1")).one()
                row.standing, row.decided_by, row.decided_at = Standing.REJECTED, "it", office.clock()
            return found

        three[SLACK].find_accounts = meanwhile  # type: ignore[method-assign]  # a person decides while it is searched
        await find_in(office.context, case.id, SLACK)
        await find_everywhere(office.context, case.id)
        assert standings(office, case.id) == {"google_workspace:g1": "rejected"}
