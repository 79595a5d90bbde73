"""Whatever HR sends, in whatever order: an emergency never gets a later instant, a case that has begun never moves."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from audit.trail import Trail
from casework.context import Context
from casework.errors import BadRequest
from casework.intake.moving import reschedule, withdraw
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.lifecycle import begun
from casework.policy import CutPolicy, Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from models.tables import Case, CaseEntitlement
from models.vocabulary import CaseState, Confirmation, EntitlementKind, EntitlementState, Service
from tests.casework.conftest import Clock

DAYS = ("2026-11-20", "2026-11-30", "2026-12-31", "2027-03-31")
KINDS = ("resignation", "dismissal", "continued")
NAMES = (("星 空子", "e1@example.test"), ("星 空子", "e9@example.test"), ("別 人", "other@example.test"))
MOVABLE = (CaseState.OPEN, CaseState.PLANNED, CaseState.WAITING, CaseState.CUTTING)

_days = st.sampled_from(DAYS)
_last = st.sampled_from((None, "2026-11-15", "2026-11-20 12:00"))
_notices = st.tuples(
    st.just("notice"), st.sampled_from(NAMES), _days, _last, st.sampled_from(KINDS), st.sampled_from(("Asia/Tokyo", "UTC")), st.booleans()
)  # fmt: skip
_moves = st.tuples(st.just("move"), _days, st.booleans())
_steps = _notices | _moves | st.tuples(st.sampled_from(("begun", "early", "plan", "withdraw", "day")))


@dataclass
class World:
    """A database, and what each living case must never do from now on."""

    context: Context
    clock: Clock

    def cases(self) -> dict[str, Case]:
        with self.context.store.read() as session:
            return {case.id: case for case in session.exec(select(Case)).all()}

    def has_begun(self, case_id: str) -> bool:
        with self.context.store.read() as session:
            return begun(session, case_id)

    def step(self, step: tuple) -> None:  # type: ignore[type-arg]  # drawn: its first word says what follows
        match step:
            case ("notice", (name, email), day, last, kind, zone, at_once):
                reading = read_options(
                    employee_no="E1", name=name, email=email, employment_ends_on=day, last_working_at=last, kind=kind, timezone=zone
                )  # fmt: skip
                open_cases(self.context, reading, reported_by="hr", for_real=True, at_once=at_once)
            case ("move", day, now):
                for case_id in self.cases():
                    with suppress(BadRequest):
                        reschedule(
                            self.context,
                            case_id,
                            ends_on=date.fromisoformat(day),
                            last_working_at=None,
                            by="hr",
                            now=now,
                        )
            case ("withdraw",):
                for case_id in self.cases():
                    with suppress(BadRequest):
                        withdraw(self.context, case_id, by="hr", reason="stays")
            case ("day",):
                self.clock.pass_by(days=1)
            case (word,):
                self._mark(word)

    def _mark(self, word: str) -> None:
        """Have a sign-in asked for (only of what is due, as `begin` sees to), a group taken early, or a plan made."""
        now = self.clock()
        with self.context.store.write() as session:
            for case in session.exec(select(Case)).all():
                if case.state not in MOVABLE:
                    continue
                if word == "plan":
                    case.state = CaseState.WAITING
                elif word == "early" or case.due_at <= now:
                    kind = EntitlementKind.SIGN_IN if word == "begun" else EntitlementKind.GROUP
                    session.merge(row_of(case.id, kind, now))


def row_of(case_id: str, kind: EntitlementKind, at: datetime) -> CaseEntitlement:
    return CaseEntitlement(
        case_id=case_id, id=f"google_workspace:g1:{kind}:x", connection=Service.GOOGLE_WORKSPACE, account_id="g1", kind=kind,
        vendor_id="x", state=EntitlementState.COMMANDED, confirmation=Confirmation.READ, found_at=at, attempts=1,
    )  # fmt: skip


@contextmanager
def world(at: str) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.db"
        path.write_bytes(_empty())
        engine = open_engine(f"sqlite:///{path}")
        clock = Clock()
        policy = Policy(cut=CutPolicy(at="last_working" if at == "last_working" else "employment_ends"))
        yield World(
            Context(Store(engine, Trail(origin="test.example/audit/2026", clock=clock)), policy, now=clock), clock
        )
        engine.dispose()


_DATABASE: list[bytes] = []


def _empty() -> bytes:
    """Return a migrated database, made once."""
    if not _DATABASE:
        with tempfile.TemporaryDirectory() as folder:
            engine = open_engine(f"sqlite:///{folder}/empty.db")
            migrate(engine)
            engine.dispose()
            _DATABASE.append((Path(folder) / "empty.db").read_bytes())
    return _DATABASE[0]


class TestInAnyOrder:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(steps=st.lists(_steps, min_size=2, max_size=14), at=st.sampled_from(("employment_ends", "last_working")))
    def test_emergencies_and_what_has_begun_never_move(self, steps: list[tuple], at: str) -> None:  # type: ignore[type-arg]  # as drawn
        """
        For any sequence of notices, corrections, other days, emergencies and begun cuts: an emergency never gets a later
        instant and stays one; a case that has begun keeps its instant and its day; nobody else's notice changes a case.
        """
        with world(at) as there:
            for step in steps:
                before = there.cases()
                frozen = {case_id for case_id in before if there.has_begun(case_id)}
                there.step(step)
                now = there.cases()
                assert before.keys() <= now.keys(), "no case is lost"
                for case_id, old in before.items():
                    new = now[case_id]
                    if old.at_once_at is not None:
                        assert new.due_at <= old.due_at
                        assert (new.at_once_at, new.at_once_by) == (old.at_once_at, old.at_once_by)
                    if case_id in frozen:
                        assert (new.due_at, new.employment_ends_on) == (old.due_at, old.employment_ends_on)
                    if step[0] == "notice" and step[1] == NAMES[2] and old.leaver["name"] != "別 人":
                        assert new.leaver == old.leaver
                living = [c for c in now.values() if c.state is not CaseState.WITHDRAWN]
                assert len({(c.employee_key, c.employment_ends_on) for c in living}) == len(living)
                assert not any(c.kind == "continued" for c in living)
