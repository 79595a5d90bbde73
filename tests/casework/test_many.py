"""A leaver who holds very much: planned, cut, closed and exported like any other, with leaves of a bounded size."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from audit import reading
from audit.leaf import WIDEST
from audit.tables import audit_payload
from audit.verify import verify
from casework.record.exporting import export
from casework.truth import deriving
from casework.truth.states import RowFacts, RowVerdict, verdict_of
from connectors.contract import Kinds, Listing
from models.vocabulary import Account, Entitlement, EntitlementKind
from tests.casework.conftest import Office
from tests.casework.leaving import export_office
from tests.casework.paper import Killed, Paper
from tests.casework.shown import show

K = EntitlementKind


@dataclass
class Populous(Paper):
    """A service that asks two requests for each group, as Google's API wants it: who is in it, and with which role."""

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        listing = await Paper.list_access(self, account, kinds)
        groups = sum(row.kind is K.GROUP for row in listing)
        asked = tuple(self._exchange("GET") for _ in range(1 + 2 * groups))
        return Listing(listing, {**listing.evidence, **({K.GROUP: asked} if K.GROUP in listing.evidence else {})})


def leaver_in(make_office: Callable[..., Office], groups: int) -> Office:
    """An office whose leaver is a member of so many groups."""
    office = make_office(kind=Populous)
    holder = office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
    holder.held[K.GROUP] = {f"group-{n:05d}" for n in range(groups)}
    return office


class TestManyGroups:
    @pytest.mark.parametrize("groups", [50, 200])
    async def test_is_cut_and_closed(self, make_office: Callable[..., Office], groups: int) -> None:
        """However many groups the leaver is in, the case closes, and no leaf is longer than 4 KiB."""
        office = leaver_in(make_office, groups)
        case = office.report()
        office.clock.pass_by(hours=10)
        began = time.perf_counter()
        await office.run(case.id)
        print(f"{groups} groups: {time.perf_counter() - began:.1f} s")  # noqa: T201  # a figure to read, not to hold anybody to
        assert show(office.context, case.id)["state"] == "closed"
        assert office.paper.holders["g1"].held[K.GROUP] == set()
        assert longest_leaf(office) <= WIDEST

    async def test_twice_as_many_cost_twice_as_much(
        self, make_office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What a case costs grows with what the leaver holds, not with its square: statements, verdicts, and what is told."""
        few, many = [await self.cost(make_office, monkeypatch, groups) for groups in (40, 80)]
        assert all(twice <= 2.1 * once for once, twice in zip(few, many, strict=True)), (few, many)

    async def cost(
        self, make_office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch, groups: int
    ) -> tuple[int, int, int]:
        """Carry such a leaver to the end, a run that is killed in the middle of it included, and count."""
        office, counted = leaver_in(make_office, groups), Counter[str]()
        event.listen(office.context.store.engine, "before_cursor_execute", lambda *_: counted.update(["statement"]))

        def counting(known: RowFacts) -> RowVerdict:
            counted["verdict"] += 1
            return verdict_of(known)

        monkeypatch.setattr(deriving, "verdict_of", counting)
        case, left = office.report(), iter(range(groups // 2))
        office.clock.pass_by(hours=10)

        def strike(row: Entitlement) -> None:
            if row.kind is K.GROUP and next(left, None) is None:
                office.paper.kill()

        office.paper.after = strike
        with pytest.raises(Killed):
            await office.run(case.id)
        office.clock.pass_by(hours=1)
        office.paper.dead, office.paper.after = False, lambda _: None
        await office.run(case.id)
        with office.context.store.read() as session:
            told = session.connection().execute(select(func.sum(func.length(audit_payload.c.payload)))).scalar_one()
        office.context.store.engine.dispose()  # the next office has the same file
        return counted["statement"], counted["verdict"], told

    @pytest.mark.chaos
    @pytest.mark.timeout(1800)
    async def test_five_thousand_are_exported(self, make_office: Callable[..., Office], tmp_path: Path) -> None:
        """Five thousand groups: planned, cut, closed and exported, in a time that grows with their number."""
        office = leaver_in(make_office, 5_000)
        office.clock.at = datetime.now(UTC) - timedelta(minutes=30)  # an authority stamps the export, by its own clock
        case = office.report(employment_ends_on=str(office.clock.at.date() - timedelta(days=2)))
        began = time.perf_counter()
        await office.run(case.id)
        cut = time.perf_counter()
        office.clock.at = datetime.now(UTC)
        with export_office(office, tmp_path / "outside") as exporting:
            export(office.context, exporting, case.id, tmp_path / "bundle", by="auditor")
        print(f"5000 groups: {cut - began:.0f} s, exported in {time.perf_counter() - cut:.0f} s")  # noqa: T201  # a figure to read
        assert show(office.context, case.id)["state"] == "closed"
        assert verify(tmp_path / "bundle", tmp_path / "outside/trust").sound
        assert longest_leaf(office) <= WIDEST


def longest_leaf(office: Office) -> int:
    with office.context.store.read() as session:
        return max(len(entry.leaf) for entry in reading.entries(session.connection()))
