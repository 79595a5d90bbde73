"""What nobody foresaw in one service is that service's finding: the others are cut, and nothing is closed over it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from casework.access import revoking
from casework.access.rechecking import look_again
from casework.activity import openers
from casework.errors import StillOpen
from casework.matching import searching
from casework.view.reading.case import case_view
from connectors.errors import ConnectorError, Denied
from models.tables import CaseAccount, CaseEntitlement, Search
from models.vocabulary import Entitlement, EntitlementKind, EntitlementState, Opener, Service
from tests.casework.conftest import Office
from tests.casework.ledger import DRIVE, Ledger
from tests.casework.paper import Paper

GOOGLE, SLACK = Service.GOOGLE_WORKSPACE, Service.SLACK
UNFORESEEN = cast("ConnectorError", AttributeError("no attribute of 星 空子"))


@pytest.fixture
def broken(office: Office) -> Paper:
    """A second service beside the office's own, with an account of the leaver."""
    paper = Paper(SLACK, office.clock)
    paper.add("s1", employee_no="E1", email="e1@example.test", name="星 空子")
    office.context = replace(office.context, connectors={**office.context.connectors, SLACK: paper})
    return paper


class TestAnExceptionNobodyForesaw:
    async def test_in_what_a_search_writes_down_makes_no_quiet_look(
        self, office: Office, broken: Paper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was found after closing and could not be kept: the look is made again, and never said to be quiet."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        keep = searching._note_found

        def fail(*given: Any) -> bool:
            if any(isinstance(one, Search) and one.connection == broken.service for one in given):
                raise LookupError
            return keep(*given)

        monkeypatch.setattr(searching, "_note_found", fail)
        office.clock.pass_by(days=2)
        assert (await look_again(office.context))["not_looked"] == [case.id]

    @pytest.mark.parametrize("where", ["search_error", "list_error"])
    async def test_is_that_services_finding(self, office: Office, broken: Paper, where: str) -> None:
        """In a search or in a listing: the other service is cut and seen closed, the case stays open, and the text stays out."""
        setattr(broken, where, UNFORESEEN)
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        view = case_view(office.context, case.id)
        told = [finding for finding in view.findings if "AttributeError at paper.py" in finding.text]
        assert {finding.connection for finding in told} == {SLACK}
        assert "星" not in "".join(finding.text for finding in told)
        (account,) = [one for one in view.taken if one.connection == GOOGLE]
        assert {row.state for row in account.entitlements} == {EntitlementState.OBSERVED_CLOSED}

    async def test_once_it_is_mended_the_case_closes(self, office: Office, broken: Paper) -> None:
        """Nothing of it is remembered."""
        broken.search_error = UNFORESEEN
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        broken.search_error = None
        await office.run(case.id)
        assert case_view(office.context, case.id).state == "closed"

    async def test_of_the_log_of_administration_is_asked_again_in_time(self, logged: Office) -> None:
        """Who let an account in is then not known; no turn fails, and the log is not asked at each of them."""
        log = cast("Ledger", logged.paper)
        log.activity_sources = (replace(DRIVE, of_administration=True),)
        case = logged.report()
        logged.clock.pass_by(hours=10)
        await logged.run(case.id)
        log.holders["g1"].active = True
        logged.clock.pass_by(minutes=90)
        await look_again(logged.context)

        def broken(number: int, cursor: str | None) -> None:
            raise UNFORESEEN

        log.fault, asked = broken, len(log.asked)
        for _ in range(3):
            await openers.ask(logged.context)
        assert len(log.asked) == asked + 1
        (account,) = case_view(logged.context, case.id).taken
        assert {row.detail.opener for row in account.entitlements} == {None, Opener.NOT_READ}


class TestHalfACharacter:
    """A vendor that cuts a text in the middle of a character hands out what no database holds: no reason not to cut."""

    @pytest.mark.parametrize("whose", ["group", "account"])
    async def test_in_a_name_keeps_nobody_in(self, office: Office, monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
        """The leaver's own name, or that of a group, is kept as far as it can be; the account is blocked and the case closes."""
        holder, row = office.paper.holders["g1"], office.paper._row
        if whose == "account":
            holder.profile = replace(holder.profile, account=replace(holder.profile.account, label="星\ud83d"))
        else:
            monkeypatch.setattr(office.paper, "_row", lambda *about: replace(row(*about), label="営業\ud83d"))
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert (case_view(office.context, case.id).state, holder.active) == ("closed", False)

    async def test_in_a_refusal_is_that_rows_alone(self, office: Office) -> None:
        """What was refused in such words has its outcome and its finding, and so has what was asked for beside it."""

        def before(row: Entitlement) -> None:
            if row.vendor_id == "sales":
                raise Denied("paper: cannot remove: 営業\ud83d\0")

        office.paper.before = before
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        (finding,) = case_view(office.context, case.id).findings
        assert finding.text == "paper: cannot remove: 営業??"
        assert office.paper.holders["g1"].held[EntitlementKind.GROUP] == {"sales"}


async def test_a_write_that_fails_leaves_no_other_behind(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong with one outcome is raised once the requests beside it have theirs: until then the case is held."""
    ended: list[str] = []

    async def asked(_: object, row: CaseEntitlement) -> list[object]:
        await asyncio.sleep(0 if row.id == "fails" else 0.01)
        return [row]

    def finish(_: object, __: object, answered: list[CaseEntitlement]) -> None:
        if answered[0].id == "fails":
            raise ZeroDivisionError
        ended.extend(row.id for row in answered)

    monkeypatch.setattr(revoking, "_asked", asked)
    monkeypatch.setattr(revoking, "finish", finish)
    monkeypatch.setattr(revoking, "begin", lambda _, __, rows: rows)
    rows = [SimpleNamespace(id=name, op=None, kind=EntitlementKind.GROUP) for name in ("fails", "goes on")]
    account = SimpleNamespace(connection=office.paper.service)
    with pytest.raises(ZeroDivisionError):
        await revoking.revoke(office.context, cast("CaseAccount", account), cast("list[CaseEntitlement]", rows))
    assert ended == ["goes on"]
