"""
One process that offboards so many leavers at once, and tells what it cost: `python -m tests.bench_leavers JSON`.

Runs in the first core's tree too: what differs stands in `tests.bench_cores`.  `_alone` is the floor: the same
accounts listed, revoked and confirmed by the connectors, with no casework.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import logging
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Integer, event, text, update
from sqlmodel import SQLModel, col, select

from casework.schema import migrate
from casework.store import open_engine
from models.tables import Case, CaseEntitlement, Waiver
from models.vocabulary import EntitlementKind, Leaver
from tests.bench_cores import Core, first, now
from tests.bench_process import peak_mb, tell

Person: TypeAlias = "dict[str, str]"


@dataclass(slots=True)
class Meter:
    """When it began and ended, and the CPU seconds in between."""

    figures: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.figures["began"], cpu = time.time(), time.process_time()
        try:
            yield
        finally:
            self.figures |= {"ended": time.time(), "cpu": time.process_time() - cpu}


async def _offboard(
    core: Core, people: list[Person], *, kind: str, before: int, again: bool, profiled: bool, idle: int
) -> dict[str, Any]:
    """
    Offboard *people*, the first *before* of them before the figures are taken, and *again* beside the others.

    *idle*: look afterwards for what is due among so many closed cases.
    """
    engine, meter, counted = open_engine(os.environ["LASTDAY_DATABASE_URL"]), Meter(), Counter[str]()
    migrate(engine)
    engine.dispose()
    async with core.open() as context:
        core.waive(context)
        opening = _opened(core, context, kind)
        old = [opening(person) for person in people[:before]]
        await asyncio.gather(*(core.carry(context, one) for one in old), return_exceptions=True)
        event.listen(context.store.engine, "begin", lambda _: counted.update(["transactions"]))
        event.listen(context.store.engine, "commit", lambda _: counted.update(["commits"]))
        events = _trail(context)
        with ExitStack() as stack:
            if profiled:
                profile = importlib.import_module("tests.bench_profile")
                meter.figures["profile"] = stack.enter_context(profile.sampled())
            stack.enter_context(meter.running())
            due = [opening(person) for person in people[before:]]
            ends = await asyncio.gather(
                *(core.carry(context, one) for one in [*(old if again else ()), *due]), return_exceptions=True
            )
        told = Counter("no more to do" if end is None else str(end) for end in ends)
        figures = meter.figures | counted | {
            "events": _trail(context) - events, "ends": told, "closed": len(due) - len(_open(context, due)),
            "blocks": _blocks(context, due, meter.figures["began"]), "peak_mb": peak_mb(),
        }  # fmt: skip
        return figures | (await _idle(core, context, due[0], idle) if idle else {})


async def _idle(core: Core, context: Any, case_id: str, count: int) -> dict[str, float]:
    """Copy the closed case *count* times, each thousandth still in its looks; return what a turn costs, and one as a waiver ends."""
    _multiply(context, case_id, count)
    taken = []
    for _ in range(3):
        began = time.process_time()
        await core.turn(context)
        taken.append(time.process_time() - began)
    with context.store.write() as session:
        session.execute(update(Waiver).values(until=datetime.now(UTC).date() - timedelta(days=2)))
    began = time.perf_counter()
    await core.turn(context)
    return {"idle_ms": 1000 * min(taken), "waiver_ends": time.perf_counter() - began}


def _multiply(context: Any, case_id: str, count: int) -> None:
    """Copy the case within the database; a key that counts by itself is left to it."""
    fresh = {
        "case_id": "'case-' || printf('%08x', n)",
        "ref": "ref || n",
        "looked_at": "CASE WHEN n % 1000 THEN due_at END",
    }
    fresh |= {"employee_key": "'copy' || n", "employee_no": "'copy' || n"}
    with context.store.write() as session:
        for name in ("offboarding_case", "account", "entitlement", "look"):
            table = SQLModel.metadata.tables[name]
            own = "case_id" if "case_id" in table.columns else "id"
            values = {
                column.name: fresh.get("case_id" if column.name == own else column.name, f'"{column.name}"')
                for column in table.columns
                if not (column.primary_key and isinstance(column.type, Integer))
            }
            names = ", ".join(f'"{one}"' for one in values)
            copied = f"SELECT {', '.join(values.values())} FROM {name}, copy WHERE {own} = '{case_id}'"  # noqa: S608  # names of ours
            copies = f"WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {count})"  # noqa: S608  # a number
            session.execute(text(f"INSERT INTO {name} ({names}) {copies} {copied}"))


def _opened(core: Core, context: Any, kind: str) -> Callable[[Person], str]:
    """Return what opens a case that is due already."""
    ends_on = str((datetime.now(UTC) - timedelta(days=2)).date())

    def opening(person: Person) -> str:
        reading = core.read(**person, employment_ends_on=ends_on, kind=kind)
        intake = core.intake(context, reading, reported_by="bench", for_real=True)
        assert not intake.refused, intake.refused
        return str(intake.opened[0].case.id)

    return opening


def _trail(context: Any) -> int:
    with context.store.read() as session:
        return int(context.store.trail.size(session.connection()))


def _open(context: Any, case_ids: list[str]) -> list[str]:
    with context.store.read() as session:
        closed = session.exec(select(Case.id).where(col(Case.id).in_(case_ids), col(Case.closed_at).is_not(None))).all()
    return [one for one in case_ids if one not in closed]


def _blocks(context: Any, case_ids: list[str], began: float) -> dict[str, dict[str, float]]:
    """Return, by service, the seconds until the blocks were seen: how many, the median and the last."""
    signs = select(CaseEntitlement).where(
        col(CaseEntitlement.case_id).in_(case_ids), CaseEntitlement.kind == EntitlementKind.SIGN_IN
    )
    with context.store.read() as session:
        rows = session.exec(signs).all()
    seen = [(row.id.partition(":")[0], row.observed_at.timestamp() - began) for row in rows if row.observed_at]
    by_service = {name: sorted(s for of, s in seen if of == name) for name in sorted({of for of, _ in seen})}
    return {
        name: {"seen": len(each), "median": statistics.median(each), "last": each[-1]}
        for name, each in by_service.items()
    }


async def _alone(people: list[Person]) -> dict[str, Any]:
    from casework.settings import read_settings
    from connectors.registry import open_connectors

    meter = Meter()
    async with open_connectors(read_settings().services) as connectors:
        with meter.running():
            await asyncio.gather(*(connector.probe() for connector in connectors.values()))
            leavers = [Leaver(one["employee_no"], one["name"], one["email"]) for one in people]
            await asyncio.gather(*(_by(one, who) for one in connectors.values() for who in leavers))
    return meter.figures | {"peak_mb": peak_mb()}


async def _by(connector: Any, leaver: Leaver) -> None:
    """List, revoke and confirm what the account with the leaver's address holds."""
    for match in await connector.find_accounts(leaver):
        if leaver.email not in match.primary:
            continue
        order = {kind: row.order for kind, row in connector.manifest.kinds.items() if not row.frozen}
        listed = await connector.list_access(match.account)
        rows = sorted(
            (row for row in listed if row.state == "found" and row.kind in order), key=lambda row: order[row.kind]
        )
        await connector.freeze(match.account)
        for _, together in itertools.groupby(rows, key=lambda row: order[row.kind]):
            await asyncio.gather(*map(connector.revoke, together), return_exceptions=True)
        await connector.list_access(match.account)


def main(asked: dict[str, Any]) -> None:
    """Print the figures of what is *asked*; a warning would tear the bar of the one who waits."""
    logging.disable(logging.WARNING)
    people = asked["people"]
    if asked["core"] == "alone":
        tell(asyncio.run(_alone(people)))
        return
    core = {"now": now, "first": first}[asked["core"]]()
    more = {"kind": "resignation", "before": 0, "again": False, "profiled": False, "idle": 0}
    tell(asyncio.run(_offboard(core, people, **{name: asked.get(name, usual) for name, usual in more.items()})))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
