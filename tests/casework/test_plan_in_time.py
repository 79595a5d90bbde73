"""A plan that is still to be made when the instant is near holds up no cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Never

import pytest

from casework import runbook
from models.vocabulary import Service
from tests.casework.conftest import Office
from tests.casework.paper import Paper


async def test_a_silent_service_keeps_no_other_waiting_past_the_instant(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reported a moment before the instant: the plan is cut short at the instant, as it is for a case that is due already."""

    async def silence(*_: object, **__: object) -> Never:
        await asyncio.sleep(3_600)
        raise AssertionError

    silent = Paper(now=office.clock, service=Service.SLACK)
    monkeypatch.setattr(silent, "find_accounts", silence)
    context = replace(office.context, connectors={**office.context.connectors, Service.SLACK: silent})
    case = office.report()
    office.clock.at = case.due_at - timedelta(seconds=0.5)
    running = asyncio.ensure_future(runbook.offboard(context, case.id))
    async with asyncio.timeout(30):
        while not any(":sign_in:" in write for write in office.paper.writes):
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait({running})
