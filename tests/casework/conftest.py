"""A context with one made-up service and a clock that tests move."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.trail import Trail
from casework import runbook
from casework.context import Context
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.policy import Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from models.tables import Case
from models.vocabulary import Service
from tests.casework.ledger import Ledger
from tests.casework.paper import Paper
from tests.casework.registers import hire  # noqa: F401  # a fixture for every file
from tests.casework.three_services import papers  # noqa: F401  # the same


@dataclass
class Clock:
    """An aware clock that moves a millisecond with each look, and by what is slept."""

    at: datetime = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def pass_by(self, **amount: float) -> None:
        self.at += timedelta(**amount)


@dataclass
class Office:
    """A context, its one service, its clock, and the verbs that tests use most."""

    context: Context
    paper: Paper
    clock: Clock

    def report(self, **fields: Any) -> Case:
        """Report a departure of E1 on the clock's day, for real, and return its case."""
        for_real = fields.pop("for_real", True)
        given = {
            "employee_no": "E1", "name": "星 空子", "email": "e1@example.test", "employment_ends_on": "2026-11-30",
            "kind": "resignation",
        }  # fmt: skip
        intake = open_cases(self.context, read_options(**(given | fields)), reported_by="hr", for_real=for_real)
        assert not intake.refused, intake.refused
        return intake.opened[0].case

    async def run(self, case_id: str) -> None:
        """Carry the case's runbook and, as a run does, at a context of its own; raises what it raises."""
        context = replace(self.context, own_accounts={}, leases={})
        async with runbook.claim(context, case_id, f"test-{self.clock()}") as ours:
            assert ours
            await runbook.offboard(context, case_id)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once and copied for each test."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def make_office(tmp_path: Path, empty_database: Path) -> Iterator[Callable[..., Office]]:
    engines = []

    def build(policy: Policy | None = None, kind: type[Paper] = Paper) -> Office:
        shutil.copy(empty_database, tmp_path / "case.db")
        engine = open_engine(f"sqlite:///{tmp_path}/case.db")
        engines.append(engine)
        clock = Clock()
        paper = kind(now=clock)
        trail = Trail(origin="test.example/audit/2026", clock=clock)
        store = Store(engine, trail)
        context = Context(
            store,
            policy or Policy(),
            {Service.GOOGLE_WORKSPACE: paper},
            now=clock,
            sleep=clock.sleep,
            evidence=EvidenceStore(store, tmp_path / "evidence", KeyFile(tmp_path / "evidence.key", lambda: True)),
        )
        return Office(context, paper, clock)

    yield build
    for engine in engines:
        engine.dispose()


@pytest.fixture
def logged(make_office: Callable[..., Office]) -> Office:
    """An office whose service keeps a log: the leaver E1 at a context of his own, due today."""
    built = make_office(kind=Ledger)
    built.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
    return built


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    """An office with the leaver E1 at a context of his own, due today, and a colleague E2."""
    built = make_office()
    built.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
    built.paper.add("g2", employee_no="E2", email="e2@example.test", name="月 影子")
    return built
