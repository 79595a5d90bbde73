"""The two cores, asked alike: today's, and the first one where its tree is what is imported."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from models.vocabulary import EntitlementKind, Service


@dataclass(frozen=True, slots=True)
class Core:
    """
    How a core is asked: *open* opens its context, *intake* takes what *read* gives, *waive* signs for the tenant's own gap,
    *carry* takes one case through the runbook, *turn* looks once for what is due.
    """

    open: Callable[[], Any]
    read: Callable[..., Any]
    intake: Callable[..., Any]
    waive: Callable[[Any], None]
    carry: Callable[[Any, str], Awaitable[object]]
    turn: Callable[[Any], Awaitable[object]]


def now() -> Core:
    from casework import bootstrap, health, runbook, sweeping
    from casework.access import rechecking
    from casework.decisions import signatures
    from casework.intake import reading, submission
    from casework.settings import read_settings
    from models.vocabulary import OpenReason

    async def carry(context: Any, case_id: str) -> None:
        async with runbook.claim(context, case_id, context.name("bench")) as ours:
            assert ours
            await runbook.offboard(context, case_id)

    def waive(context: Any) -> None:
        asked = signatures.waive_for_tenant(context, connection=Service.SLACK, accepts=OpenReason.NO_API, **_waiver())
        signatures.approve(context, asked.id, by="it-lead")

    async def turn(context: Any) -> None:
        sweeping.unclaimed(context)
        sweeping.due_for_run(context)
        health.health(context, read_settings())
        await rechecking.look_again(context)

    return Core(bootstrap.open_context, reading.read_options, submission.open_cases, waive, carry, turn)


def first() -> Core:
    """As its `flows.offboard_many` does, without Prefect."""
    names = ("conduct", "desk", "cases", "intake", "waiving", "sweeping", "activity.snapshot")
    conduct, desk, cases, intake, waiving, sweeping, snapshot = (
        importlib.import_module(f"casework.{n}") for n in names
    )

    async def everywhere(context: Any, case_id: str, step: Callable[..., Awaitable[object]]) -> None:
        steps = (step(context, case_id, service) for service in context.connectors)
        await asyncio.gather(*steps, return_exceptions=True)

    async def carry(context: Any, case_id: str) -> None:
        async with conduct.claim(context, case_id, context.name("bench")) as ours:
            assert ours
            await conduct.make_plan(context, case_id)
            await conduct.wait_until_due(context, case_id)
            await everywhere(context, case_id, conduct.contain)
            await everywhere(context, case_id, conduct.deprovision)
            await conduct.observe_until_closed(context, case_id)
            await everywhere(context, case_id, snapshot.take)
            await snapshot.conclude(context, case_id)
            await conduct.check_papers(context, case_id)
            conduct.close(context, case_id)

    def waive(context: Any) -> None:
        asked = waiving.waive_for_tenant(context, service=Service.SLACK, **_waiver())
        waiving.approve(context, asked.id, by="it-lead")

    async def turn(context: Any) -> None:
        sweeping.due_for_run(context)
        await sweeping.look_again(context)

    return Core(desk.open_desk, intake.read_options, cases.open_cases, waive, carry, turn)


def _waiver() -> dict[str, Any]:
    until = datetime.now(UTC).date() + timedelta(days=90)
    return {"kind": EntitlementKind.GRANT, "reason": "Slack has no API for them", "until": until, "by": "it"}
