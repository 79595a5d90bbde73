"""Whole cases over a made-up vendor, in any order: nobody else is written to, and closed means that it is closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import delete, select

from casework.access import rechecking
from casework.decisions import signatures
from casework.errors import CaseworkError
from casework.matching.answering import answer
from casework.questions import open_questions
from casework.trail.comparing import differences
from casework.truth.findings import assess, open_findings
from casework.truth.rows import accepted_rows, accounts_of, reads_of
from connectors.errors import ConnectorError, Denied, OutcomeUnknown, Unreachable
from models.tables import Attestation, Case, CaseEntitlement, Look, Waiver
from models.vocabulary import SETTLED, Entitlement, OpenReason, Service, Standing
from models.vocabulary import EntitlementKind as K
from models.vocabulary import EntitlementState as S
from tests.casework.conftest import Office
from tests.casework.paper import Holder, Killed

_NUMBERS = count(1)
STAMPED = {K.SESSION, K.PASSWORD}
kinds = st.sampled_from(K)


class Machine(RuleBasedStateMachine):
    """One leaver, a namesake, and whatever people and vendors do."""

    office: Office
    loop: asyncio.AbstractEventLoop

    @initialize(kind=st.sampled_from(["resignation", "dismissal"]), lag=st.integers(0, 2), synced=st.booleans())
    def report(self, kind: str, lag: int, synced: bool) -> None:
        number, paper = next(_NUMBERS), self.office.paper
        with self.office.context.store.write() as session:
            session.exec(delete(Waiver))
            session.exec(delete(Look))  # of former cases, whose accounts are gone
        paper.holders.clear()
        paper.writes.clear()
        paper.late, paper.list_error, paper.search_error, paper.dead = lag, None, None, False
        paper.blind, paper.by_hand = {}, frozenset()
        paper.before = paper.after = self._watch
        self.leaver, self.namesake = f"m{number}", f"n{number}"
        mail = f"e{number}@example.test"
        paper.add(self.leaver, employee_no=f"M{number}", email=mail, name="星 空子", synced=synced)
        paper.add(self.namesake, email=f"x{number}@example.test", name="星 空子")
        self.case_id = self.office.report(
            employee_no=f"M{number}", email=mail, kind=kind, employment_ends_on=str(self.office.clock.at.date())
        ).id

    # -- what people and vendors do

    @rule(
        fails=st.sampled_from(
            ["", "", "", "refused", "lost before", "lost after", "down", "killed before", "killed after"]
        ),
        at=st.integers(0, 6),
    )
    def run(self, fails: str, at: int) -> None:
        """A run, in which the write with that number goes wrong; a killed one is found dead an hour later."""
        paper, left = self.office.paper, iter(range(at, -1, -1))

        def strike(when: str) -> Callable[[Entitlement], None]:
            def hook(row: Entitlement) -> None:
                self._watch(row)
                if fails.endswith(when) and next(left, -1) == 0:
                    self._fail(fails)

            return hook

        before = "before" if fails.endswith(("before", "after")) else fails
        paper.before, paper.after = strike(before) if fails else self._watch, strike("after") if fails else self._watch
        try:
            self._do(self.office.run(self.case_id))
        except Killed:
            self.office.clock.pass_by(hours=1)
        except CaseworkError:
            pass
        else:
            self._check_closed()
        finally:
            paper.dead, paper.before, paper.after = False, self._watch, self._watch

    def _fail(self, how: str) -> None:
        if how.startswith("killed"):
            self.office.paper.kill()
        errors: dict[str, type[ConnectorError]] = {"refused": Denied, "down": Unreachable}
        raise errors.get(how, OutcomeUnknown)("paper: cannot: it goes wrong here")

    @rule()
    def look(self) -> None:
        """The next look falls due."""
        with self.office.context.store.write() as session:
            for look in session.exec(select(Look).where(Look.case_id == self.case_id)).all():
                look.due_at = self.office.clock() if look.looked_at is None else look.due_at
                session.add(look)
        self._do(rechecking.look_again(self.office.context))

    @rule(kind=kinds, whole=st.booleans())
    def attest(self, kind: K, whole: bool) -> None:
        if (row := self._row(kind, whole=whole)) is not None:
            with contextlib.suppress(CaseworkError):
                signatures.attest(
                    self.office.context, case_id=self.case_id, entitlement_id=row.id, statement="seen", by="it"
                )

    @rule(kind=kinds, whole=st.booleans(), days=st.integers(0, 3), approved=st.booleans())
    def waive(self, kind: K, whole: bool, days: int, approved: bool) -> None:
        if (row := self._row(kind, whole=whole)) is not None:
            self._sign(approved, lambda: signatures.waive(
                self.office.context, case_id=self.case_id, entitlement_id=row.id, reason="r", until=self._in(days), by="a"
            ))  # fmt: skip

    @rule(kind=kinds, accepts=st.sampled_from(OpenReason), days=st.integers(0, 3), approved=st.booleans())
    def waive_for_tenant(self, kind: K, accepts: OpenReason, days: int, approved: bool) -> None:
        self._sign(approved, lambda: signatures.waive_for_tenant(
            self.office.context, connection=Service.GOOGLE_WORKSPACE, kind=kind, accepts=accepts, reason="r", until=self._in(days), by="a"
        ))  # fmt: skip

    def _sign(self, approved: bool, ask: Callable[[], Waiver]) -> None:
        with contextlib.suppress(CaseworkError):
            waiver = ask()
            if approved:
                signatures.approve(self.office.context, waiver.id, by="b")

    @rule(ours=st.booleans())
    def answer(self, ours: bool) -> None:
        """Somebody says whose the namesake's account is."""
        with self.office.context.store.read() as session:
            asked = open_questions(session, self.case_id)
        for question in asked:
            with contextlib.suppress(CaseworkError):
                answer(self.office.context, question.id, chosen=[self.namesake] if ours else [], by="it")

    @rule(hours=st.sampled_from([1, 10, 30]))
    def time_passes(self, hours: int) -> None:
        self.office.clock.pass_by(hours=hours)

    @rule(blind=st.dictionaries(kinds, st.sampled_from([S.UNREADABLE, S.NOT_ON_PLAN, S.NO_API]), max_size=1),
          down=st.booleans(), by_hand=st.booleans())  # fmt: skip
    def vendor(self, blind: dict[K, S], down: bool, by_hand: bool) -> None:
        """From now on some kinds cannot be listed, nothing can, or a person must block."""
        paper = self.office.paper
        paper.blind, paper.list_error = blind, Unreachable("paper: cannot list: 503") if down else None
        paper.by_hand = frozenset({K.SIGN_IN}) if by_hand else frozenset()

    @rule(what=st.sampled_from(["enable", "block", "grant", "group"]))
    def somebody(self, what: str) -> None:
        """Somebody else enables the account, blocks it, or adds to it."""
        holder: Holder = self.office.paper.holders[self.leaver]
        if what in {"enable", "block"}:
            holder.active = what == "enable"
        else:
            holder.held[K(what)].add("more")

    def teardown(self) -> None:
        """
        In the end all is well at the vendor, people answer what they are asked and sign for what is left: then it closes.

        So every story is tried at the closing gate, whatever happened in it.
        """
        if not hasattr(self, "case_id"):
            return
        self.vendor(blind={}, down=False, by_hand=False)
        self.office.clock.pass_by(hours=30)
        for _ in range(4):
            self.answer(ours=False)
            if self._closes():
                return
            self._sign_for_what_is_left()
        pytest.fail("it never closes")

    def _closes(self) -> bool:
        self.run(fails="", at=0)
        return self.office.context.case(self.case_id).state == "closed"

    def _sign_for_what_is_left(self) -> None:
        """Sign what each finding asks for: a waiver by two people, and that it was done by hand."""
        context = self.office.context
        with context.store.read() as session:
            left = [f.entitlement_id for f in open_findings(session, self.case_id) if f.entitlement_id is not None]
        for row_id in left:
            ask = partial(signatures.waive, context, case_id=self.case_id, entitlement_id=row_id)
            self._sign(True, partial(ask, reason="r", until=self._in(30), by="a"))
            with contextlib.suppress(CaseworkError):
                signatures.attest(
                    context, case_id=self.case_id, entitlement_id=row_id, statement="done by hand", by="it"
                )

    # -- what must hold

    @invariant()
    def the_tables_say_what_was_sealed(self) -> None:
        """Each change of a case, an account, a row, a finding or a signature stands in the trail."""
        if hasattr(self, "case_id"):
            with self.office.context.store.read() as session:
                assert [*differences(session, self.case_id)] == []

    @invariant()
    def nothing_is_settled_that_a_read_shows(self) -> None:
        """But by a waiver that counts."""
        if not hasattr(self, "case_id"):
            return
        with self.office.context.store.write() as session:
            assess(self.office.context, session, self.case_id)
            reads = reads_of(session, self.case_id)
            for row in accepted_rows(session, self.case_id):
                read = reads.get((row.connection, row.account_id, row.kind))
                shown = read is not None and row.vendor_id in read.shown and row.kind not in STAMPED | {K.ROLE}
                assert not shown or row.state not in {S.OBSERVED_CLOSED, S.ATTESTED}, row.id
                if row.state is S.WAIVED:
                    self._check_waiver(
                        session.get_one(Waiver, row.settled_by), row, session.get_one(Case, self.case_id)
                    )

    def _check_waiver(self, waiver: Waiver, row: CaseEntitlement, case: Case) -> None:
        assert waiver.approved_at is not None
        assert waiver.accepts is row.reason
        kept = case.closed_at is not None and waiver.case_id is None
        assert kept or waiver.until >= (self.office.clock.at + timedelta(hours=9)).date()

    def _watch(self, row: Entitlement) -> None:
        """Nothing is written to an account that is not accepted in that moment, and nothing without an intent."""
        with self.office.context.store.read() as session:
            standing = {a.vendor_id: a.standing for a in accounts_of(session, self.case_id)}
            stored = session.get_one(CaseEntitlement, (self.case_id, row.id))
        assert standing[row.account_id] is Standing.ACCEPTED
        assert stored.op is not None

    def _check_closed(self) -> None:
        """What is closed is closed in truth, at the vendor, or somebody's signature that counts stands in its place."""
        paper = self.office.paper
        with self.office.context.store.read() as session:
            case = session.get_one(Case, self.case_id)
            assert case.state == "closed"
            for row in accepted_rows(session, self.case_id):
                assert row.state in SETTLED, row.id
                holder = paper.holders[row.account_id]
                if row.state is S.ATTESTED:
                    signed = session.get_one(Attestation, row.settled_by)
                    assert signed.ended_at is None
                    assert signed.attested_at >= case.due_at
                elif row.state is S.OBSERVED_CLOSED and row.kind is K.SIGN_IN and row.vendor_id != "*":
                    assert not holder.active
                elif row.state is S.OBSERVED_CLOSED and row.kind not in STAMPED | {K.ROLE}:
                    assert row.vendor_id not in holder.held.get(row.kind, set()), row.id
                elif row.state is S.OBSERVED_CLOSED and row.kind in STAMPED and row.vendor_id != "*":
                    assert holder.stamps.get(row.kind) is not None, row.id

    # -- tools

    def _do(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def _in(self, days: int) -> Any:
        return (self.office.clock.at + timedelta(days=days)).date()

    def _row(self, kind: K, *, whole: bool) -> CaseEntitlement | None:
        with self.office.context.store.read() as session:
            rows = [r for r in accepted_rows(session, self.case_id) if r.kind is kind and (r.vendor_id == "*") is whole]
        return rows[0] if rows else None


def drive(office: Office, *, examples: int, steps: int) -> None:
    """Run the machine in a loop of its own."""
    loop = asyncio.new_event_loop()
    machine = type("CaseMachine", (Machine,), {"office": office, "loop": loop})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.close()


class TestWholeCases:
    def test_in_any_order(self, make_office: Callable[..., Office]) -> None:
        """Runs that fail and are killed, signatures, returns and outages in any order: closed is closed, and nobody else is cut."""
        drive(make_office(), examples=15, steps=20)

    @pytest.mark.timeout(1_200)
    @pytest.mark.chaos
    def test_in_any_order_for_long(self, make_office: Callable[..., Office]) -> None:
        """The same, longer and more often."""
        drive(make_office(), examples=200, steps=40)
