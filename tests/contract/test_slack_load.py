"""Fifty people leave at the same minute: Slack's limits, and what may be shared without anybody seeing less or later."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from connectors.errors import OutcomeUnknown
from connectors.kit.limits import Limit, Limits, OwnLedger, Rank
from connectors.kit.pacing import Pace
from connectors.slack import Settings
from connectors.slack.connector import PACE, SlackConnector
from connectors.slack.limits import LIMITS, scim_sets
from connectors.slack.transport import Transport
from emulators.company import PEOPLE
from emulators.fault_proxy import Fault
from emulators.slack.state import person_id
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, RevocationResult, Service
from tests.contract.rig import Rig, leaver
from tests.contract.rig_slack import rig

K = EntitlementKind
ALL = frozenset(K)
CONTAINMENT = frozenset({K.SIGN_IN, K.SESSION})


def accounts(r: Rig) -> list[Account]:
    """Return everybody's account but our own."""
    return [Account(Service.SLACK, m.id) for m in r.tenant.people() if m.id != r.tenant.automation_id]


def calls(r: Rig) -> Counter[str]:
    """Count the requests by method."""
    return Counter(q.path.rpartition("/")[2] for q in r.stage.journal)


async def memberships(r: Rig, label: str) -> list[Entitlement]:
    """Return everybody's membership of one group."""
    found = await asyncio.gather(*(r.connector.list_access(a, frozenset({K.GROUP})) for a in accounts(r)))
    r.stage.journal.clear()
    return [row for rows in found for row in rows if row.label == label]


class TestSharedReads:
    async def test_tenant_wide_lists(self) -> None:
        """Lists that are the same for everybody are asked for a few times, not once a person, and each listing is proven."""
        async with rig() as r:
            asked_at = datetime.now(UTC)
            kinds = frozenset({K.ROLE, K.GROUP})
            found = await asyncio.gather(*(r.connector.list_access(a, kinds) for a in accounts(r)))
            seen = calls(r)
            assert seen["admin.roles.listAssignments"] <= 2
            assert (
                seen["usergroups.list"] <= len(found) / 1.5
            )  # eleven for sixty people, and more on a machine that is busy
            for account, listing in zip(accounts(r), found, strict=True):
                assert {row.id for row in listing} == {e for e in r.held(account.id) if ":group:" in e or ":role:" in e}
                assert all(e.sent_at >= asked_at for kind in kinds for e in listing.evidence[kind])

    async def test_never_an_older_answer(self) -> None:
        """Who asks while a list is under way is given the next one: a read-back never rests on an answer from before."""
        async with rig(plan="business_plus") as r:
            account = Account(Service.SLACK, r.account_id("E1001"))
            r.stage.faults.append(Fault("usergroups.list", delay=0.5, after=True))
            early = asyncio.ensure_future(r.connector.list_access(account, frozenset({K.GROUP})))
            while r.stage.faults[0].times != 0:
                await asyncio.sleep(0.01)
            asked_at = datetime.now(UTC)
            late = await r.connector.list_access(account, frozenset({K.GROUP}))
            assert min(e.sent_at for e in late.evidence[K.GROUP]) >= asked_at
            assert [row.id for row in await early] == [row.id for row in late]
            assert calls(r)["usergroups.list"] == 2

    async def test_failing_together(self) -> None:
        """A list that fails makes each of those who share it unreadable, with the exchange as evidence."""
        async with rig() as r:
            r.stage.faults.append(Fault("listAssignments", status=200, body="<html>", times=None))
            found = await asyncio.gather(*(r.connector.list_access(a, frozenset({K.ROLE})) for a in accounts(r)[:9]))
            for listing in found:
                assert [row.state for row in listing] == [EntitlementState.UNREADABLE]
                assert listing.evidence[K.ROLE]


class TestSharedWrites:
    async def test_one_write_for_all_who_leave_a_group(self) -> None:
        """Everybody who leaves a group at once is taken out by one write, and nobody else is."""
        async with rig() as r:
            rows = (await memberships(r, "all-tokyo"))[:30]
            group = r.tenant.groups[rows[0].vendor_id.split("/")[1]]
            before, going = list(group.users), {row.account_id for row in rows}
            receipts = await asyncio.gather(*(r.connector.revoke(row) for row in rows))
            assert {x.result for x in receipts} == {RevocationResult.COMMANDED}
            assert [x.entitlement_id for x in receipts] == [row.id for row in rows]
            assert group.users == [u for u in before if u not in going]
            assert r.changed() == going
            assert calls(r) == {"usergroups.list": 2, "usergroups.users.update": 1}

    async def test_has_the_rank_of_a_due_cut(self) -> None:
        """Its reads never wait among other listings: whoever leaves next waits for them, a due cut too."""
        async with rig() as r, night(r) as (connector, limits):
            (row, *_) = await memberships(r, "all-tokyo")
            await connector.revoke(row)
            assert {rank for name, rank in limits._queues if name == "usergroups.list"} == {Rank.DUE}

    async def test_last_of_many(self) -> None:
        """Where all members leave at once one stays, and is told why: the group is never emptied."""
        async with rig() as r:
            rows = await memberships(r, "hanami")
            group = r.tenant.groups[rows[0].vendor_id.split("/")[1]]
            receipts = await asyncio.gather(*(r.connector.revoke(row) for row in rows))
            refused = [row for row, x in zip(rows, receipts, strict=True) if x.result is RevocationResult.REFUSED]
            assert [row.account_id for row in refused] == group.users
            assert "successor" in next(x.text for x in receipts if x.result is RevocationResult.REFUSED)

    async def test_one_is_gone_already(self) -> None:
        """Among those who leave at once, one who is not in the group any more is told so."""
        async with rig() as r:
            rows = await memberships(r, "hanami")
            r.tenant.groups[rows[0].vendor_id.split("/")[1]].users.remove(rows[0].account_id)
            receipts = await asyncio.gather(*(r.connector.revoke(row) for row in rows[:2]))
            assert [x.result for x in receipts] == [RevocationResult.ALREADY_ABSENT, RevocationResult.COMMANDED]

    async def test_unknown_to_all(self) -> None:
        """A write whose answer is lost is unknown to each of them, and sent once."""
        async with rig() as r:
            rows = await memberships(r, "hanami")
            r.stage.faults.append(Fault("users.update", drop=True, after=True, times=None))
            failures = await asyncio.gather(*(r.connector.revoke(row) for row in rows[:2]), return_exceptions=True)
            assert [type(x) for x in failures] == [OutcomeUnknown] * 2
            assert calls(r)["usergroups.users.update"] == 1

    async def test_who_gave_up_in_time(self) -> None:
        """Whoever is called off before the write is made up is not in it."""
        async with rig() as r:
            rows = await memberships(r, "hanami")
            group = r.tenant.groups[rows[0].vendor_id.split("/")[1]]
            r.stage.faults.append(Fault("usergroups.list", delay=0.3))
            first, second = (asyncio.ensure_future(r.connector.revoke(row)) for row in rows[:2])
            third = asyncio.ensure_future(_later(0.1, r, rows[2]))
            await asyncio.sleep(0.2)
            third.cancel()
            await asyncio.gather(first, second)
            with pytest.raises(asyncio.CancelledError):
                await third
            await asyncio.sleep(0.1)
            assert rows[2].account_id in group.users
            assert not {rows[0].account_id, rows[1].account_id} & set(group.users)


async def _later(seconds: float, r: Rig, row: Entitlement) -> None:
    await asyncio.sleep(seconds)
    await r.connector.revoke(row)


class TestPace:
    def test_a_minute_is_ordinary(self) -> None:
        """Slack's windows are minutes: a wait of a whole one is waited out, not given up."""
        assert PACE.longest > 60

    async def test_fifty_and_twenty_a_minute(self) -> None:
        """A method that lets few through at once, and says wait to the others, loses nobody's request."""
        async with rig() as r:
            r.stage.faults.append(Fault("session.list", status=429, headers={"retry-after": "30"}, times=8))
            found = await asyncio.gather(*(r.connector.list_access(a, frozenset({K.SESSION})) for a in accounts(r)))
            assert not [row for listing in found for row in listing if row.state is EntitlementState.UNREADABLE]

    async def test_throttled_without_a_word_of_how_long(self) -> None:
        """`ratelimited` that names no time, as it comes with status 200, closes the method for half a minute."""
        waits = list[float]()

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async with rig(plan="pro") as r:
            pace = Pace(base=0.0, longest=65.0, sleep=sleep)
            transport = Transport(settings_of(r), pace, Limits(Service.SLACK, LIMITS, sleep, pace.longest))
            r.stage.faults.append(Fault("users.info", status=200, body='{"ok":false,"error":"ratelimited"}'))
            await transport.web("users.info", {"user": r.account_id("E1001")}, [])
            assert 29 < max(waits) <= 30


class Clock:
    """Time that passes only while all who are at work sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    async def sleep(self, seconds: float) -> None:
        """Sleep so many of this clock's seconds."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._number), woken))
        await woken

    async def run(self, limits: Counted) -> None:
        """Let time pass, from one waking to the next, whenever no request is under way."""
        while True:
            await asyncio.sleep(0.001 if limits.under_way else 0)
            if self._sleepers and not limits.under_way:
                self.now, _, woken = heapq.heappop(self._sleepers)
                woken.set_result(None)


class Counted(Limits):
    """The limits, with the instants at which calls went, by what they count for, and how many are under way."""

    calls: defaultdict[str, list[float]]
    under_way: int

    @asynccontextmanager
    async def turn(self, *names: str, urgent: bool = False) -> AsyncIterator[None]:
        """See `Limits.turn`."""
        async with super().turn(*names, urgent=urgent):
            self.under_way += 1
            for name in names:
                self.calls[name].append(self.clock())
            try:
                yield
            finally:
                self.under_way -= 1


class TestNight:
    async def test_fifty_leavers(self) -> None:
        """
        Fifty people are found, listed, cut and read again at once, and no minute has more calls of anything than Slack's pages
        allow.  The calls are those that arrived there, each with the instant at which it was let go.
        """
        async with rig() as r, night(r) as (connector, limits):
            left = await asyncio.gather(*(leave(connector, r, number) for number in staff(r)[:50]))
            assert len(left) == 50
            assert not [row for rows in left for row in rows if row.state is EntitlementState.UNREADABLE]
            published = {
                "admin.users.session.list": 20, "admin.users.session.reset": 20, "usergroups.list": 20,
                "usergroups.users.update": 20, "users.list": 20, "admin.roles.removeAssignments": 20,
                "admin.roles.listAssignments": 50, "admin.teams.list": 50, "users.lookupByEmail": 50, "users.info": 100,
                "DELETE /Users": 180, "GET /Users/{id}": 300, "SCIM reads": 1000, "SCIM writes": 600,
            }  # fmt: skip
            for name, allowed in published.items():
                at = sorted(limits.calls[name])
                assert at, name
                assert all(later - at_ >= 60 for at_, later in zip(at, at[allowed:], strict=False)), name
            assert counted(r) == Counter({name: len(at) for name, at in limits.calls.items()})

    async def test_a_cut_goes_first(self) -> None:
        """An account that a cut waits for is read, and its sessions are ended, in less than half of the time that fifty others' listings take."""
        async with rig() as r, night(r) as (connector, limits):
            others, last = [Account(Service.SLACK, r.account_id(number)) for number in staff(r)[1:51]], staff(r)[0]
            listings = [asyncio.ensure_future(connector.list_access(other, ALL)) for other in others]
            while len(limits.calls["admin.users.session.list"]) < 20:
                await asyncio.sleep(0.001)
            began = limits.clock()
            rows = await connector.list_access(Account(Service.SLACK, r.account_id(last)), CONTAINMENT)
            await asyncio.gather(*(connector.revoke(row) for row in rows if row.kind is K.SESSION))
            took = limits.clock() - began  # on a slow machine this clock goes on while we work
            await asyncio.gather(*listings)
            assert took < (limits.clock() - began) / 2

    @pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
    def test_source(self, limit: Limit) -> None:
        """Each number has the page on which Slack publishes it."""
        assert limit.source.startswith("docs.slack.dev/reference/")


@asynccontextmanager
async def night(r: Rig) -> AsyncIterator[tuple[SlackConnector, Counted]]:
    """Yield a connector of the rig's tenant that waits for Slack's limits, by a clock of its own."""
    clock = Clock()
    limits = Counted(
        Service.SLACK, LIMITS, clock.sleep, PACE.longest, {}, OwnLedger(lambda: clock.now), lambda: clock.now
    )
    limits.calls, limits.under_way = defaultdict(list), 0
    connector = SlackConnector(Transport(settings_of(r), Pace(longest=PACE.longest, sleep=clock.sleep), limits))
    time_passes = asyncio.ensure_future(clock.run(limits))
    yield connector, limits
    time_passes.cancel()
    await connector.aclose()


def staff(r: Rig) -> list[str]:
    """Return the employee numbers of those who have an account, but for that of our own tokens."""
    numbers = [p.employee_no for p in PEOPLE if p.employee_no]
    return [n for n in numbers if person_id(n) in r.tenant.members and person_id(n) != r.tenant.automation_id]


async def leave(connector: SlackConnector, r: Rig, employee_no: str) -> list[Entitlement]:
    """Find one person, list, cut, and return what is read again."""
    await connector.find_accounts(leaver(employee_no))
    account = Account(Service.SLACK, r.account_id(employee_no))
    for row in await connector.list_access(account, ALL):
        if row.state is EntitlementState.FOUND and row.guard is None:
            await connector.revoke(row)
    return await connector.list_access(account, ALL)


def counted(r: Rig) -> Counter[str]:
    """Count the requests that arrived, by what they count for."""
    found = Counter[str]()
    for q in r.stage.journal:
        method = q.path.removeprefix("/api/")
        scim = scim_sets(q.method, q.path.removeprefix("/scim/v2/"))
        found.update(scim if method == q.path else (method,))
    return found


def settings_of(r: Rig) -> Settings:
    """Return the settings of a rig's connector."""
    settings: Settings = r.connector._transport._settings  # type: ignore[attr-defined]  # the rig's own
    return settings
