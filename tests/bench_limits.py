"""Calls a minute on a night of fifty leavers, by what the vendor counts, beside what it publishes: `python -m tests.bench_limits`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from types import SimpleNamespace
from unittest.mock import patch

from connectors.google_workspace.limits import LIMITS as GOOGLE
from connectors.google_workspace.limits import REPORTS
from connectors.kit.limits import Limit, OwnLedger
from connectors.kit.pacing import Pace
from connectors.slack.limits import LIMITS as SLACK
from models.vocabulary import Account, Entitlement, EntitlementState, Service
from tests.bench_process import Figures
from tests.contract import test_google_workspace_limits as google
from tests.contract import test_slack_load as slack
from tests.contract.rig_google_workspace import rig as google_rig
from tests.contract.rig_slack import rig as slack_rig

LEAVERS = 50


async def slack_night() -> dict[str, list[float]]:
    """Find, list, cut and list again; return when each call was let go, by the name of its limit."""
    async with slack_rig() as r, slack.night(r) as (connector, limits):
        await asyncio.gather(*(slack.leave(connector, r, number) for number in slack.staff(r)[:LEAVERS]))
        return dict(limits.calls)


async def google_night() -> dict[str, list[float]]:
    """List, cut and list again; return when each call arrived, by method and by the name of its limit."""
    clock = google.Clock()
    seen = SimpleNamespace(time=clock, monotonic=time.monotonic, sleep=time.sleep)
    with patch("emulators.fault_proxy.time", seen):
        async with google_rig(pace=Pace(sleep=clock.sleep)) as r:
            limits = r.connector._transport._limits  # type: ignore[attr-defined]  # as `connect` has made it
            limits.clock, limits.ledger = clock, OwnLedger(clock)
            accounts = google.hired(r, LEAVERS)

            async def leave(one: Account) -> None:
                rows = await r.connector.list_access(one)
                await r.connector.freeze(one)
                for row in (row for row in rows if row.state is EntitlementState.FOUND and row.guard is None):
                    await r.connector.revoke(row)
                await r.connector.revoke(Entitlement(Service.GOOGLE_WORKSPACE, one.id, google.K.SIGN_IN, "account"))
                await r.connector.list_access(one)

            await asyncio.gather(*map(leave, accounts))
            calls: dict[str, list[float]] = defaultdict(list)
            for q in r.stage.journal:
                name = "reports.filtered" if "/activity/users/" in q.path else "directory"
                calls[name].append(q.at)
                calls[REPORTS].extend([q.at] if name != "directory" else [])
            return dict(calls)


def rows(limits: tuple[Limit, ...], calls: dict[str, list[float]], vendor: str) -> Figures:
    """Return a line for each limit that was used."""
    return [
        (
            f"night of {LEAVERS}, {vendor} {limit.name}",
            f"{google.busiest_minute(calls[limit.name]):>5} of {limit.a_minute} in the busiest minute, {len(calls[limit.name])} calls",
        )
        for limit in limits
        if calls.get(limit.name)
    ]


def bench() -> Figures:
    """Both vendors that count by the minute."""
    return rows(SLACK, asyncio.run(slack_night()), "Slack") + rows(GOOGLE, asyncio.run(google_night()), "Google")


if __name__ == "__main__":
    sys.stdout.writelines(f"{what:<58} {figure}\n" for what, figure in bench())
