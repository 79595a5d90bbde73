"""For any order of reads, commands, signatures and returns: no row is settled that a read shows open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete, select

from casework.access.closing import close
from casework.access.revoking import begin, finish
from casework.errors import CaseworkError
from casework.truth.deriving import derive, known_of
from casework.truth.findings import assess
from casework.truth.listing import take_in
from casework.truth.rows import load, rows_of
from casework.truth.states import verdict_of
from connectors.contract import Listing, cannot_look
from connectors.errors import Denied, OutcomeUnknown, Unreachable
from models.actor import actor_of
from models.tables import Attestation, Case, CaseAccount, CaseEntitlement, KindRead, Search, Waiver
from models.vocabulary import (
    SETTLED,
    SIGNED,
    AccountKind,
    CaseState,
    DepartureKind,
    Entitlement,
    Evidence,
    MatchReason,
    OpenReason,
    Receipt,
    RevocationResult,
    Service,
    Standing,
)
from models.vocabulary import EntitlementKind as K
from models.vocabulary import EntitlementState as S
from tests.casework.conftest import Office

GOOGLE = Service.GOOGLE_WORKSPACE
ITEMS = {K.SIGN_IN: ("account",), K.SESSION: ("account",), K.PASSWORD: ("account",), K.ROLE: ("flag",), K.GRANT: ("a",),
         K.BACKUP_CODE: ("all",), K.GROUP: ("x",)}  # fmt: skip
"""What the account may hold, by kind."""
STAMPED, IMPLIED = {K.SESSION, K.PASSWORD}, {K.ROLE}
_NUMBERS = count(1)

kinds = st.sampled_from([K.GRANT, K.GRANT, K.GRANT, K.SIGN_IN, K.SIGN_IN, K.SESSION, K.BACKUP_CODE, K.ROLE, K.PASSWORD])
failures = st.sampled_from([S.UNREADABLE, S.UNREADABLE, S.NOT_ON_PLAN, S.NO_API])
results = st.sampled_from(["commanded", "commanded", "already_absent", "refused", "denied", "unknown", "failed"])
late = st.sampled_from([0, 0, 0, 1.5, 2.5, 90])
"""How many seconds ago a listing was sent that arrives now."""
read = st.tuples(st.just("read"), kinds, st.one_of(st.integers(0, 1), st.integers(0, 1), failures), late, st.booleans())
ask = st.tuples(st.just("ask"), kinds, st.one_of(st.none(), results))
sign = st.one_of(
    st.tuples(st.just("attest"), kinds, st.sampled_from([False, False, True])),
    st.tuples(st.just("waive"), kinds, st.sampled_from(OpenReason), st.integers(-1, 2), st.booleans(), st.booleans()),
)  # fmt: skip
turn = st.one_of(
    st.tuples(st.just("answer"), results),
    st.tuples(st.just("correct"), st.sampled_from([-60, -1, 0, 1])),
    st.tuples(st.just("pass"), st.sampled_from([1, 1, 30, 60, 86400])),
)  # fmt: skip
overtaken = st.tuples(st.just("overtaken"), kinds, st.integers(0, 1))
disproved = st.tuples(st.just("disproved"), kinds)
acts: st.SearchStrategy[tuple[Any, ...]] = st.sampled_from(
    [read] * 5 + [ask] * 3 + [overtaken, disproved, sign, sign, turn]
).flatmap(lambda one: one)


@dataclass
class Told:
    """What the test itself knows of one kind: its successful reads, as sent."""

    sent_at: datetime | None = None
    shown: frozenset[str] = frozenset()


@dataclass
class World:
    """One account of one case, and what has happened to it, written down beside the code."""

    office: Office
    case_id: str
    told: dict[K, Told] = field(default_factory=lambda: {kind: Told() for kind in K})
    attempted: dict[K, datetime] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    contradicted: set[str] = field(default_factory=set)

    @classmethod
    def new(cls, office: Office) -> World:
        context, number = office.context, next(_NUMBERS)
        case_id = f"case-{number:016x}"
        with context.store.write() as session:
            session.exec(delete(Waiver))
            session.add(Case(
                id=case_id, employee_no=f"N{number}", employee_key=f"n{number}", timezone="Asia/Tokyo", due_at=context.now(),
                employment_ends_on=context.now().date(), kind=DepartureKind.RESIGNATION, state=CaseState.WAITING, leaver={},
                reported_by="hr", opened_at=context.now(), contained_at=context.now(), for_real=True, connections=[str(GOOGLE)],
            ))  # fmt: skip
            session.add(CaseAccount(
                case_id=case_id, connection=GOOGLE, vendor_id="g1", ref=f"acct-{number:016x}", kind=AccountKind.MEMBER, label="",
                reason=MatchReason.EMPLOYEE_NO, standing=Standing.ACCEPTED, listed_at=context.now(),
            ))  # fmt: skip
            session.add(Search(case_id=case_id, connection=GOOGLE, searched_at=context.now(), found=1))
        return cls(office, case_id)

    def act(self, name: str, *how: Any) -> None:
        verb: Callable[..., bool | None] = getattr(self, f"_{name}")
        self.office.clock.pass_by(seconds=1)
        with self.session() as session:
            before = facts(session, self.case_id)
        changed = verb(*how)
        self._assess()
        with self.session() as session:
            if changed is False:
                assert facts(session, self.case_id) == before, "an older read changed something"

    def session(self) -> Any:
        return self.office.context.store.write()

    def account(self, session: Session) -> CaseAccount:
        return session.exec(select(CaseAccount).where(CaseAccount.case_id == self.case_id)).one()

    def _read(self, kind: K, outcome: S | int, late: float, ended: bool) -> bool:
        """A listing of one kind that was sent *late* seconds ago: a failure, or which of the items it shows."""
        now = self.office.clock()
        sent = now - timedelta(seconds=late)
        evidence = (Evidence("GET /paper", sent, now, 200, None, "0" * 64, "1" * 64),)
        told, older = self.told[kind], kind in self.attempted and sent < self.attempted[kind]
        if isinstance(outcome, S):
            rows = [cannot_look(GOOGLE, "g1", kind, outcome, problem="no", remedy="look")]
        else:
            shown = ITEMS[kind] if kind in STAMPED else tuple(x for n, x in enumerate(ITEMS[kind]) if outcome >> n & 1)
            rows = [
                Entitlement(GOOGLE, "g1", kind, x, ended_at=now if ended and kind in STAMPED else None) for x in shown
            ]
            if told.sent_at is None or sent >= told.sent_at:
                self.told[kind], older = Told(sent, frozenset(shown)), False
        if kind not in self.attempted or sent >= self.attempted[kind]:
            self.attempted[kind] = sent
        with self.session() as session:
            take_in(
                self.office.context, session, self.account(session), Listing(rows, {kind: evidence}), frozenset({kind})
            )
            self._note_contradictions(session)
        return not older

    def _overtaken(self, kind: K, shown: int) -> None:
        """A listing fails, and one that was sent just before it succeeds."""
        self._read(kind, S.UNREADABLE, 0, ended=False)
        self._read(kind, shown, 0.5, ended=False)

    def _disproved(self, kind: K) -> None:
        """Somebody signs for it, and a read shows it; later it is gone, is asked for all the same, and can be looked at no more."""
        self._attest(kind, whole=False)
        self._pass(1)
        self._read(kind, 1, 0, ended=False)
        self._assess()
        self._read(kind, 0, 0, ended=False)
        self._ask(kind, "commanded")
        self._pass(1)
        self._read(kind, S.UNREADABLE, 0, ended=False)

    def _assess(self) -> None:
        with self.session() as session:
            assess(self.office.context, session, self.case_id)

    def _note_contradictions(self, session: Session) -> None:
        for a in session.exec(select(Attestation).where(Attestation.case_id == self.case_id)).all():
            kind, item = K(a.entitlement_id.split(":")[2]), a.entitlement_id.split(":")[3]
            told = self.told[kind]
            if kind not in STAMPED and item in told.shown and told.sent_at is not None and told.sent_at > a.attested_at:
                self.contradicted.add(a.id)

    def _row(self, session: Session, kind: K, *, whole: bool = False) -> CaseEntitlement | None:
        rows = [r for r in rows_of(session, self.case_id) if r.kind is kind and (r.vendor_id == "*") is whole]
        return rows[0] if rows else None

    def _ask(self, kind: K, result: str | None) -> None:
        """Ask the vendor; the answer comes now, or later."""
        with self.session() as session:
            row, account = self._row(session, kind), self.account(session)
            due = session.get_one(Case, self.case_id).due_at <= self.office.clock.at
        if row is not None and row.op is None and due:
            begin(self.office.context, account, [row])
            self.asked.add(row.id)
            if result is not None:
                self._answer(result)

    def _answer(self, result: str) -> None:
        for row_id in list(self.asked):
            with self.session() as session:
                account = self.account(session)
                row = session.get_one(CaseEntitlement, (self.case_id, row_id))
            now = self.office.clock()
            evidence = (Evidence("POST /paper", now, now, 200, None, "0" * 64, "1" * 64),)
            errors = {"denied": Denied, "unknown": OutcomeUnknown, "failed": Unreachable}
            receipt = None if result in errors else Receipt(row.id, RevocationResult(result), evidence)
            finish(self.office.context, account, [(row, receipt or errors[result]("paper: no"))])
            self.asked.discard(row_id)

    def _attest(self, kind: K, whole: bool) -> None:
        with self.session() as session:
            row = self._row(session, kind, whole=whole)
            if row is not None:
                session.add(Attestation(id=self.office.context.name("attest"), case_id=self.case_id, entitlement_id=row.id, person=actor_of("p"),
                                        statement="s", attested_at=self.office.clock()))  # fmt: skip

    def _waive(self, kind: K, accepts: OpenReason, days: int, approved: bool, own: bool) -> None:
        with self.session() as session:
            row = self._row(session, kind) or self._row(session, kind, whole=True)
            now = self.office.clock()
            session.add(Waiver(
                id=self.office.context.name("waiver"), case_id=self.case_id if own else None, connection=GOOGLE, kind=kind,
                entitlement_id=row.id if own and row is not None else None, accepts=accepts, reason="r",
                until=now.date() + timedelta(days=days), requested_by=actor_of("a"), requested_at=now, approved_at=now if approved else None,
            ))  # fmt: skip

    def _correct(self, minutes: int) -> None:
        with self.session() as session:
            case = session.get_one(Case, self.case_id)
            case.due_at = self.office.clock() + timedelta(minutes=minutes)
            session.add(case)

    def _pass(self, seconds: int) -> None:
        self.office.clock.pass_by(seconds=seconds)

    # -- what must hold

    def check(self) -> None:
        with self.session() as session:
            before = facts(session, self.case_id)
            table = load(self.office.context, session, self.case_id)
            derive(self.office.context, session, table)
            assert facts(session, self.case_id) == before, "deriving twice changes something"
            for _, known in known_of(self.office.context, session, table):  # the same ingredients, gathered anew
                verdict = verdict_of(known)
                row = known.row
                assert (verdict.state, verdict.reason, verdict.settled_by) == (row.state, row.reason, row.settled_by)
                self._check_row(session, row)

    def _check_row(self, session: Session, row: CaseEntitlement) -> None:
        told = self.told[row.kind]
        listed = row.kind not in STAMPED | IMPLIED and row.vendor_id != "*"
        if row.state is S.WAIVED:
            self._check_waiver(session.get_one(Waiver, row.settled_by), row)
        elif listed and row.state in {S.OBSERVED_CLOSED, S.ATTESTED}:
            assert row.vendor_id not in told.shown, "settled while the newest read shows it"
        if listed and row.state is S.OBSERVED_CLOSED:
            assert told.sent_at is not None
            assert row.op is None
            assert row.commanded_at is None or told.sent_at >= row.commanded_at, (
                "closed by a read from before the answer"
            )
        if row.state is S.ATTESTED:
            assert row.settled_by not in self.contradicted, "a contradicted attestation settles"
        assert (row.observed_at is not None) == (row.state is S.OBSERVED_CLOSED)

    def _check_waiver(self, waiver: Waiver, row: CaseEntitlement) -> None:
        assert waiver.approved_at is not None
        assert waiver.until >= (self.office.clock.at + timedelta(hours=9)).date()
        assert (waiver.kind, waiver.accepts) == (row.kind, row.reason)

    def check_closing(self) -> None:
        """Try to close it, from a state in which only the rows can forbid it."""
        with self.session() as session:
            case = session.get_one(Case, self.case_id)
            if case.due_at > self.office.clock.at:
                return
            case.state = CaseState.DEPROVISIONED
            session.add(case)
        try:
            close(self.office.context, self.case_id)
        except CaseworkError:
            return
        with self.session() as session:
            due_at = session.get_one(Case, self.case_id).due_at
            for kind in self.office.paper.manifest.kinds:
                whole = self._row(session, kind, whole=True)
                read = self.told[kind].sent_at
                assert (read is not None and read >= due_at) or (whole is not None and whole.state in SIGNED), kind
            for row in rows_of(session, self.case_id):
                assert row.state in SETTLED, row.id
                assert row.op is None, row.id


def facts(session: Session, case_id: str) -> list[tuple[Any, ...]]:
    """Return all that is stored of a case's rows, reads and attestations."""
    session.flush()
    reads = session.exec(select(KindRead).where(KindRead.case_id == case_id)).all()
    attested = session.exec(select(Attestation).where(Attestation.case_id == case_id)).all()
    return [
        *(tuple(sorted(row.model_dump().items())) for row in rows_of(session, case_id)),
        *(("read", str(sorted(read.model_dump(exclude={"attempted_at"}).items(), key=str))) for read in reads),
        *((a.id, a.ended_at) for a in attested),
    ]


def _whole_story(world: World, story: list[tuple[Any, ...]]) -> None:
    for kind in ITEMS:
        world.act("read", kind, 1, 0, False)
    for name, *how in story:
        world.act(name, *how)
        world.check()
    world.act("answer", "commanded")
    world.check()
    world.check_closing()


@pytest.mark.timeout(600)  # sixty stories on one core beside other work
class TestAnyOrder:
    @given(story=st.lists(acts, min_size=8, max_size=20))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def test_holds(self, office: Office, story: list[tuple[Any, ...]]) -> None:
        """
        A row is settled only by a read that does not show it, or by a signature that counts; what is stored follows from reads,
        commands and signatures; and an older read changes nothing.
        """
        _whole_story(World.new(office), story)

    @given(story=st.lists(acts, max_size=6), left_out=st.one_of(st.none(), kinds), signs=st.booleans())
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    def test_closes_only_when_everything_was_read(
        self,
        office: Office,
        story: list[tuple[Any, ...]],
        left_out: K | None,
        signs: bool,
    ) -> None:
        """Every kind of every accepted account has a read from the instant on, or is signed for; else the case stays open."""
        world = World.new(office)
        for name, *how in story:
            world.act(name, *how)
        for kind in K:
            if kind in ITEMS and kind is not left_out:
                world.act("read", kind, 0, 0, True)
                world.act("ask", kind, None)
        world.act("answer", "commanded")
        for kind in ITEMS:
            world.act("pass", 1)
            world.act("read", kind, S.UNREADABLE if kind is left_out else 0, 0, True)
        if left_out is not None and signs:
            world.act("attest", left_out, True)
        world.check()
        world.check_closing()

    @pytest.mark.timeout(1_200)
    @pytest.mark.chaos
    @given(story=st.lists(acts, min_size=10, max_size=60))
    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    def test_holds_for_long(self, office: Office, story: list[tuple[Any, ...]]) -> None:
        """The same, longer and more often."""
        _whole_story(World.new(office), story)
