"""Google Workspace: a night of fifty leavers stays below what Google publishes, on a clock that waits alone move."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from connectors.activity import Window
from connectors.google_workspace import connect
from connectors.google_workspace.limits import DIRECTORY, FILTERED, REPORTS
from connectors.kit.limits import Limit, OwnLedger, Rank
from connectors.kit.pacing import Pace
from emulators.google_workspace.reports_logs import QUOTA
from emulators.google_workspace.state import User, user_id
from models.vocabulary import Account, ConnectionId, Entitlement, EntitlementKind, Service
from tests.contract.rig import Rig
from tests.contract.rig_google_workspace import FAST, rig

K = EntitlementKind
SEEN_BY_THE_LOG = frozenset({K.SIGN_IN, K.SESSION, K.PASSWORD})
DIRECTORY_A_MINUTE = 2_400


class Clock:
    """Seconds; whoever sleeps moves them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def hired(r: Rig, count: int) -> list[Account]:
    """Hire so many people."""
    users = [User(user_id(f"hired {n}"), f"hired.{n}@hoshizora.example", "H", str(n)) for n in range(count)]
    r.tenant.users.update({user.id: user for user in users})
    return [Account(Service.GOOGLE_WORKSPACE, user.id, label=user.email) for user in users]


def busiest_minute(times: Iterable[float]) -> int:
    """Return how many calls the minute has that has most."""
    at = sorted(times)
    return max(bisect_left(at, start + 60.0) - n for n, start in enumerate(at))


class TestNight:
    async def test_of_fifty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All are cut, seen cut and their logs read at once: no minute has more calls than Google allows, and cuts do not wait for logs."""
        clock = Clock()
        monkeypatch.setattr(
            "emulators.fault_proxy.time", SimpleNamespace(time=clock, monotonic=time.monotonic, sleep=time.sleep)
        )
        async with rig(pace=Pace(sleep=clock.sleep)) as r:
            limits = r.connector._transport._limits  # type: ignore[attr-defined]  # as `connect` has made it
            limits.clock, limits.ledger = clock, OwnLedger(clock)
            accounts, now = hired(r, 50), datetime.now(UTC)
            week = Window(now - timedelta(days=7), now)

            async def cut(account: Account) -> None:
                await r.connector.freeze(account)
                await r.connector.revoke(Entitlement(Service.GOOGLE_WORKSPACE, account.id, K.SIGN_IN, "account"))
                rows = {row.kind: row for row in await r.connector.list_access(account, SEEN_BY_THE_LOG)}
                assert set(rows) == {K.SESSION, K.PASSWORD}
                assert None not in {row.ended_at for row in rows.values()}

            async def collect(account: Account) -> None:
                for source in ("admin", "login"):
                    cursor: str | None = None
                    while (page := await r.connector.activity(account, source, week, cursor)).cursor is not None:
                        cursor = page.cursor

            logs = [asyncio.ensure_future(collect(account)) for account in accounts]
            await asyncio.gather(*map(cut, accounts))
            cut_by = clock.now
            await asyncio.gather(*logs)
            filtered = [q.at for q in r.stage.journal if "/activity/users/" in q.path]
            directory = [q.at for q in r.stage.journal if "/admin/directory/" in q.path]
            assert len(filtered) > 2 * QUOTA
            assert busiest_minute(filtered) <= QUOTA
            assert busiest_minute(directory) <= DIRECTORY_A_MINUTE
            assert {q.status for q in r.stage.journal} == {200}
            assert cut_by < clock.now / 2


class TestLedger:
    async def test_is_the_connections(self) -> None:
        """What is taken is the connection's own, by the limit's name, and as many as the setting says that Google gave."""
        taken: set[tuple[str, str, int]] = set()

        class Book:
            async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
                taken.add((connection, limit.name, limit.a_minute))
                return 0.0, 1.0

        async with rig() as r:
            settings = r.connector._transport._settings.model_copy(update={"limits": {DIRECTORY: 4_800}})  # type: ignore[attr-defined]  # as the rig has them
            further = await connect(settings, Book(), pace=FAST, connection="google_workspace.acquired")
            await further.list_access(Account(Service.GOOGLE_WORKSPACE, r.account_id("E1001")), frozenset({K.PASSWORD}))
            await further.aclose()
        assert taken == {
            ("google_workspace.acquired", DIRECTORY, 4_800),
            ("google_workspace.acquired", REPORTS, 2_400),
            ("google_workspace.acquired", FILTERED, 250),
        }
