"""Fifty people leave at the same minute: Slack's limits, and what may be shared without anybody seeing less or later."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import OutcomeUnknown
from connectors.kit.pacing import Pace
from connectors.slack.connector import PACE
from connectors.slack.lanes import ABREAST, Lanes
from connectors.slack.transport import Transport
from emulators.stage import Fault
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, RevocationResult, Service
from tests.contract.rig import Rig
from tests.contract.rig_slack import rig, settings_for

K = EntitlementKind


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


class TestSharedLooks:
    async def test_tenant_wide_lists(self) -> None:
        """Lists that are the same for everybody are asked for a few times, not once a person, and each look is proven."""
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
            r.stage.faults.append(Fault("session.list", status=429, headers={"retry-after": "30"}, times=ABREAST))
            found = await asyncio.gather(*(r.connector.list_access(a, frozenset({K.SESSION})) for a in accounts(r)))
            assert not [row for listing in found for row in listing if row.state is EntitlementState.UNREADABLE]

    async def test_throttled_without_a_word_of_how_long(self) -> None:
        """`ratelimited` that names no time, as it comes with status 200, closes the method for half a minute."""
        waits = list[float]()

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async with rig(plan="pro") as r:
            endpoint: str = r.connector._transport._settings.web_endpoint  # type: ignore[attr-defined]  # the rig's own
            root = endpoint.removesuffix("/api/")
            transport = Transport(settings_for(r.tenant, root), Pace(base=0.0, longest=65.0, sleep=sleep))
            r.stage.faults.append(Fault("users.info", status=200, body='{"ok":false,"error":"ratelimited"}'))
            await transport.web("users.info", {"user": r.account_id("E1001")}, [])
            assert 29 < max(waits) <= 30


class TestLanes:
    async def test_one_says_wait_and_all_wait(self) -> None:
        """Once a method has said wait, nobody asks it before that time is over; other methods go on."""
        now, waits = [100.0], list[float]()

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            now[0] += seconds

        lanes = Lanes(sleep, 65.0, lambda: now[0])
        async with lanes.turn("users.list"):
            lanes.close("users.list", timedelta(seconds=40))
            lanes.close("users.list", timedelta(seconds=10))
        async with lanes.turn("users.info"):
            assert waits == []
        now[0] += 5
        for _ in range(2):
            async with lanes.turn("users.list"):
                assert waits == [35]

    async def test_too_long_or_not_said(self) -> None:
        """A wait that is too long for this owner, or not named, holds nobody else up."""
        waits = list[float]()

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        lanes = Lanes(sleep, 65.0, lambda: 0.0)
        lanes.close("users.list", timedelta(hours=1))
        lanes.close("users.list", None)
        async with lanes.turn("users.list"):
            assert waits == []

    async def test_few_abreast(self) -> None:
        """Only so many requests of one method are under way at once, so that only so many tries are lost at once."""
        lanes, under_way, most = Lanes(asyncio.sleep, 65.0), 0, 0

        async def go() -> None:
            nonlocal under_way, most
            async with lanes.turn("users.list"):
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0)
                under_way -= 1

        await asyncio.gather(*(go() for _ in range(50)))
        assert most == ABREAST
