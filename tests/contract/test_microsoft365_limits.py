"""Microsoft 365: the limits that Microsoft publishes are kept, not learnt from its refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.activity import Window
from connectors.contract import Kinds
from connectors.kit.limits import Limit, Limits, OwnLedger, Rank
from connectors.kit.pacing import Pace
from connectors.microsoft365.activity.sources import DIRECTORY, SIGN_INS
from connectors.microsoft365.limits import LIMITS, READS, REPORTS, SEARCHES, WRITES, limit_of
from emulators.company import PEOPLE
from emulators.fault_proxy import Fault, Request
from models.vocabulary import ACCOUNT, Account, Entitlement, EntitlementKind, Service
from tests.contract.rig import Rig
from tests.contract.rig_microsoft365 import graph_of, rig

NIGHT = 50
K = EntitlementKind
URGENT: dict[str, tuple[str, Kinds | None, EntitlementKind | None, set[tuple[str, bool]]]] = {
    "a block": ("E1010", None, K.SIGN_IN, {(WRITES, True)}),
    "sessions ended": ("E1010", None, K.SESSION, {(WRITES, True)}),
    "an administrator's block, and who else is one": ("E1009", None, K.SIGN_IN, {(READS, True), (WRITES, True)}),
    "a removal, and what is read back": ("E1001", None, K.GROUP, {(READS, True), (WRITES, True)}),
    "sign-in and sessions": ("E1009", frozenset({K.SIGN_IN, K.SESSION}), None, {(READS, True)}),
    "sign-in alone": ("E1010", frozenset({K.SIGN_IN}), None, {(READS, True)}),
    "sessions alone, by one request": ("E1010", frozenset({K.SESSION}), None, {(READS, True)}),
    "groups": ("E1001", frozenset({K.GROUP}), None, {(READS, False)}),
    "all": ("E1009", None, None, {(READS, False)}),
}
"""Whose account, which kinds are listed or which one is taken away, and what is asked of which limit: urgently or not."""


@dataclass
class Clock:
    """A clock that only waiting moves, and not while a request is on its way."""

    at: float = 0.0
    under_way: int = 0

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        while self.under_way:
            await asyncio.sleep(0.001)
        self.at += seconds


def timed(r: Rig, clock: Clock) -> list[tuple[float, Request]]:
    """Let the limits be held on *clock*; return the list that each arriving request is written to, with its time."""
    arrived: list[tuple[float, Request]] = []

    class Journal(list[Request]):
        def append(self, request: Request) -> None:
            arrived.append((clock(), request))
            super().append(request)

    async def send(*request: Any) -> Any:
        clock.under_way += 1
        try:
            return await really(*request)
        finally:
            clock.under_way -= 1

    adapter: Any = graph_of(r).client().adapter
    really, adapter.send_primitive_async = adapter.send_primitive_async, send
    r.stage.journal = Journal()
    limits = graph_of(r).limits
    limits.clock, limits.ledger = clock, OwnLedger(clock)
    return arrived


def most(arrived: list[tuple[float, Request]], seconds: float, counts: Callable[[Request], bool]) -> int:
    """Return the most requests of a kind that arrived within so many *seconds*."""
    times = [at for at, request in arrived if counts(request)]
    return max((sum(begin <= at < begin + seconds for at in times) for begin in times), default=0)


async def leaves(r: Rig, person: str) -> None:
    """List what one leaver holds, and read what Entra's logs tell."""
    account = Account(Service.MICROSOFT365, r.account_id(person))
    now = datetime.now(UTC)
    await r.connector.list_access(account)
    for source in (SIGN_INS, DIRECTORY):
        cursor: str | None = None
        while True:
            page = await r.connector.activity(account, source, Window(now - timedelta(days=7), now), cursor)
            if (cursor := page.cursor) is None:
                break


class TestNightOfFifty:
    async def test_is_within_the_limits(self) -> None:
        """Five reports in ten seconds, and 3,500 resource units in ten seconds, at three a call."""
        clock = Clock()
        async with rig(pace=Pace(sleep=clock.sleep)) as r:
            arrived = timed(r, clock)
            people = [person.employee_no for person in PEOPLE if person.employee_no]
            await asyncio.gather(*(leaves(r, people[n % len(people)]) for n in range(NIGHT)))
        reports = [request for _, request in arrived if "/auditLogs/" in request.path]
        assert len(reports) >= 3 * NIGHT
        assert 3 <= most(arrived, 10, lambda q: "/auditLogs/" in q.path) <= 5
        in_graph = [q for _, q in arrived if q.path.startswith("/v1.0/") and q.path != "/v1.0/$batch"]
        assert len(in_graph) - len(reports) >= 7 * NIGHT
        assert 3 * most(arrived, 10, lambda q: q in in_graph and q not in reports) <= 3_500
        assert {q.status for q in in_graph} == {200}

    async def test_each_read_in_a_batch_counts(self) -> None:
        """Seven reads in one batch are seven."""
        taken: list[int] = []

        class Counting(OwnLedger):
            async def take(self, connection: str, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
                assert (connection, limit) == (Service.MICROSOFT365, next(one for one in LIMITS if one.name == READS))
                taken.append(calls)
                return 0.0, 1.0

        async with rig() as r:
            limits = graph_of(r).limits
            limits.ledger = Counting()
            await r.connector.list_access(Account(Service.MICROSOFT365, r.account_id("E1010")))
            assert len([q for q in r.stage.journal if q.inner]) == 7
            assert sum(taken) - sum(queue.left for queue in limits._queues.values()) == 7


class TestWhatWaits:
    @pytest.mark.parametrize(
        ("method", "path", "limit"),
        [
            ("GET", "/users/1/memberOf", READS),
            ("POST", "/$batch", READS),
            ("PATCH", "/users/1", WRITES),
            ("DELETE", "/oauth2PermissionGrants/1", WRITES),
            ("GET", "/auditLogs/directoryAudits", REPORTS),
            ("GET", "/beta/auditLogs/signIns", REPORTS),
            ("GET", "/security/auditLog/queries", SEARCHES),
            ("POST", "/security/auditLog/queries", SEARCHES),
        ],
    )
    def test_limit(self, method: str, path: str, limit: str) -> None:
        """Each call counts against one limit."""
        assert limit_of(method, path) == limit

    @pytest.mark.parametrize("throttled", ["memberOf", r"POST /v1.0/\$batch"], ids=["one in a batch", "the batch"])
    async def test_a_listing_holds_up_no_cut(self, throttled: str) -> None:
        """Where listings are throttled, other listings wait as long, and a block does not."""
        clock = Clock()
        async with rig(pace=Pace(tries=1, sleep=clock.sleep)) as r:
            arrived = timed(r, clock)
            account = Account(Service.MICROSOFT365, r.account_id("E1010"))
            r.stage.faults.append(Fault(throttled, status=429, headers={"Retry-After": "20"}))
            await r.connector.list_access(account)
            throttled_at = clock()
            await r.connector.revoke(Entitlement(Service.MICROSOFT365, account.id, EntitlementKind.SIGN_IN, ACCOUNT))
            await r.connector.list_access(account)
            (blocked_at,) = [at for at, q in arrived if q.method == "PATCH"]
            assert blocked_at - throttled_at < 1
            assert [q.status for _, q in arrived if q.inner][-1] == 200
            assert arrived[-1][0] - throttled_at > 19

    @pytest.mark.parametrize("case", URGENT, ids=str)
    async def test_what_is_urgent(self, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a cut waits for goes before listings: a write, what is read before and after it, sign-in and sessions; a whole listing does not."""
        turns: list[tuple[str, bool]] = []
        really = Limits.turn

        def recorded(limits: Limits, *names: str, urgent: bool = False) -> AbstractAsyncContextManager[None]:
            turns.extend((name, urgent) for name in names)
            return really(limits, *names, urgent=urgent)

        person, kinds, revoked, expected = URGENT[case]
        async with rig(page_size=1, own_roles=["Privileged Authentication Administrator"]) as r:
            account = Account(Service.MICROSOFT365, r.account_id(person))
            listing = await r.connector.list_access(account) if revoked is not None else []
            r.stage.faults.append(Fault("DELETE", status=404, body='{"error": {"code": "Request_ResourceNotFound"}}'))
            monkeypatch.setattr(Limits, "turn", recorded)
            if revoked is not None:
                await r.connector.revoke(next(row for row in listing if row.kind is revoked))
            else:
                await r.connector.list_access(account, kinds)
        assert set(turns) == expected
        assert len(turns) >= len(expected)

    async def test_what_the_tenant_was_given(self) -> None:
        """Where Microsoft gave a tenant other limits, its settings have them."""
        async with rig(settings={"limits": {REPORTS: 60}}) as r:
            limits = graph_of(r).limits._limits
            assert (limits[REPORTS].a_minute, limits[WRITES].a_minute) == (60, 1_200)
