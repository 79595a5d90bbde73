"""The watch on other accounts keeps to what policy allows, and is sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from casework.activity import re_entry
from casework.policy import ActivityPolicy as Rules
from casework.policy import Policy, WatchPolicy
from casework.truth.rows import accounts_of
from models.tables import Case
from models.vocabulary import ActivityKind, Standing
from tests.casework.conftest import Office
from tests.casework.ledger import Ledger, event
from tests.casework.quiet import cut, ledger, read
from tests.casework.shown import show

K = ActivityKind
WATCHED = frozenset({"google_workspace:g2"})


def _events(account_ip: str, hours: int, kind: ActivityKind = K.SIGN_IN, **more: str) -> list[dict[str, Any]]:
    return [event(500 + hours, datetime.fromisoformat("2026-11-30T16:00:00+00:00") + timedelta(hours=hours), kind, ip=account_ip, **more)]  # fmt: skip


class TestWatch:
    RULES = WatchPolicy(on=True, purpose="trade secrets", rule="就業規則第42条", accounts=WATCHED)

    async def _watched(
        self, make_office: Callable[..., Office], rules: WatchPolicy, colleague_ip: str, *colleagues: str
    ) -> tuple[Office, Case]:
        office = make_office(Policy(activity=Rules(watch=rules)), Ledger)
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        office.paper.add("g2", employee_no="E2", email="e2@example.test", name="月 影子")
        ledger(office).happened("g1", _events("198.51.100.9", -24))
        case, _ = await cut(office)
        for colleague in colleagues or ("g2",):
            ledger(office).happened(colleague, _events(colleague_ip, 5))
        office.clock.pass_by(hours=25)
        await read(office, case)
        return office, case

    def _sealed(self, office: Office, case: Case) -> list[dict[str, Any]]:
        with office.context.store.read() as session:
            entries = [orjson.loads(e.leaf) for e in office.context.store.trail.entries(session.connection(), case.id)]
        return [leaf for leaf in entries if leaf["type"] == "case.watched"]

    async def test_finds_the_leavers_address(self, make_office: Callable[..., Office]) -> None:
        """The leaver's address on a colleague's account after the cut is a finding, and the watch is sealed."""
        office, case = await self._watched(make_office, self.RULES, "198.51.100.9")
        [finding] = show(office.context, case.id)["findings"]
        assert (finding["kind"], finding["account"]) == ("re_entry", "g2")
        assert self._sealed(office, case)[0]["count"] == 1

    async def test_an_administrators_address_is_not_the_leavers(self, make_office: Callable[..., Office]) -> None:
        """What others did to the leaver's account names their address: where they work on is no re-entry."""
        office = make_office(Policy(activity=Rules(watch=self.RULES)), Ledger)
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        office.paper.add("g2", employee_no="E2", email="e2@example.test", name="月 影子")
        ledger(office).happened("g1", _events("192.0.2.50", -24, K.OTHER, actor_id="admin-7"))
        ledger(office).happened("g2", _events("192.0.2.50", 5))
        case, _ = await cut(office)
        office.clock.pass_by(hours=25)
        assert (await read(office, case))["findings"] == []

    async def test_a_strangers_account_names_no_address(self, make_office: Callable[..., Office]) -> None:
        """What was read of an account that turned out not to be the leaver's is held against nobody."""
        office, case = await self._watched(make_office, self.RULES, "203.0.113.80")
        with office.context.store.write() as session:
            [account] = accounts_of(session, case.id)
            account.standing = Standing.REJECTED
            session.add(account)
        ledger(office).happened("g2", _events("198.51.100.9", 6))
        await re_entry.watch(office.context, case.id)
        assert self._sealed(office, case)[-1]["count"] == 0

    @pytest.mark.parametrize(("shared_by", "found"), [(2, 2), (1, 0)])
    async def test_an_address_that_many_use_is_the_companys(
        self, make_office: Callable[..., Office], shared_by: int, found: int
    ) -> None:
        """What more accounts use than policy allows is the company's own address, and no sign; what fewer use is one in each."""
        watched = WATCHED | {"google_workspace:g3"}
        rules = self.RULES.model_copy(update={"accounts": watched, "shared_by": shared_by})
        office, case = await self._watched(make_office, rules, "198.51.100.9", "g2", "g3")
        assert [finding["kind"] for finding in show(office.context, case.id)["findings"]] == ["re_entry"] * found
        assert self._sealed(office, case)[0]["count"] == found

    async def test_sealed_without_a_find(self, make_office: Callable[..., Office]) -> None:
        """A watch that found nothing is in the trail as well."""
        office, case = await self._watched(make_office, self.RULES, "203.0.113.80")
        assert show(office.context, case.id)["findings"] == []
        assert self._sealed(office, case)[0]["count"] == 0

    @pytest.mark.parametrize("lost", ["service", "file"])
    async def test_counts_what_it_could_not_read(self, make_office: Callable[..., Office], lost: str) -> None:
        """A log of the leaver's whose service is gone, or whose file is: the watch goes on, and seals how many were unread."""
        office, case = await self._watched(make_office, self.RULES, "203.0.113.80")
        evidence = office.context.evidence
        assert evidence is not None
        context = replace(office.context, connectors={}) if lost == "service" else office.context
        for row in evidence.list(case.id, "downloads/google") if lost == "file" else ():
            evidence.path_of(row).unlink()
        await re_entry.watch(context, case.id)
        sealed = self._sealed(office, case)[-1]
        assert sealed["count"] == 0
        assert sealed["counts"]["unread"] >= 1

    async def test_off_by_default(self, make_office: Callable[..., Office]) -> None:
        """Without policy nobody's account but the leaver's is read."""
        office, case = await self._watched(make_office, WatchPolicy(), "198.51.100.9")
        assert show(office.context, case.id)["findings"] == []
        assert self._sealed(office, case) == []

    @pytest.mark.parametrize("missing", ["purpose", "rule", "accounts"])
    def test_needs_its_ground(self, missing: str) -> None:
        """Without a purpose, a rule that allows it and named accounts it cannot be switched on."""
        given = {"on": True, "purpose": "x", "rule": "y", "accounts": WATCHED} | {missing: () if missing == "accounts" else ""}  # fmt: skip
        with pytest.raises(ValueError, match="needs"):
            WatchPolicy.model_validate(given)
