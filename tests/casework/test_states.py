"""The table behind `casework.truth.states`: what is known of a row, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from casework.truth.states import (
    ACCEPTED,
    PERHAPS_TAKEN,
    RowFacts,
    came_back,
    counts,
    is_contradicted,
    is_fresh,
    observed,
    reason_of,
    verdict_of,
)
from connectors.contract import KindManifest
from models.actor import actor_of
from models.tables import Attestation, CaseEntitlement, KindRead, Waiver
from models.vocabulary import Confirmation, Guard, OpenReason, Service
from models.vocabulary import EntitlementKind as K
from models.vocabulary import EntitlementState as S
from models.vocabulary import OpenReason as Why
from models.vocabulary import RevocationResult as R

INSTANT = datetime(2026, 11, 30, 15, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after the case's instant."""
    return INSTANT + timedelta(minutes=minutes)


def row(kind: K = K.GROUP, **fields: Any) -> CaseEntitlement:
    given: dict[str, Any] = {
        "case_id": "c", "id": "r", "connection": Service.GOOGLE_WORKSPACE, "account_id": "g1", "kind": kind, "vendor_id": "x",
        "state": S.FOUND, "confirmation": Confirmation.READ, "found_at": at(-9),
    }  # fmt: skip
    return CaseEntitlement(**(given | fields))


def read(*shown: str, sent: float | None = 5, failed_as: S | None = None) -> KindRead:
    when = None if sent is None else at(sent)
    return KindRead(
        case_id="c", connection=Service.GOOGLE_WORKSPACE, account_id="g1", kind=K.GROUP, read_at=when, answered_at=when,
        shown=list(shown), attempted_at=at(20) if failed_as else when, failed_as=failed_as,
    )  # fmt: skip


def line(**fields: Any) -> KindManifest:
    given: dict[str, Any] = {"kind": K.GROUP, "order": 30, "confirmation": Confirmation.READ}
    return KindManifest(**(given | fields))


def known(of: CaseEntitlement | None = None, seen: KindRead | None = None, **fields: Any) -> RowFacts:
    seen = seen or read("x")
    return RowFacts(of or row(), fields.pop("line", line()), seen, frozenset(seen.shown), INSTANT, **fields)


def block(**fields: Any) -> CaseEntitlement:
    return row(K.SIGN_IN, **({"vendor_id": "account", "state": S.OBSERVED_CLOSED, "observed_at": at(2)} | fields))


def waiver(accepts: Why | None) -> Waiver:
    return Waiver(
        id="w", connection=Service.GOOGLE_WORKSPACE, kind=K.GROUP, accepts=accepts, reason="r", until=date(2027, 1, 1),
        requested_by=actor_of("a"), requested_at=at(0),
    )  # fmt: skip


def attested(minutes: float, **fields: Any) -> Attestation:
    return Attestation(
        id="a", case_id="c", entitlement_id="r", person=actor_of("p"), statement="s", attested_at=at(minutes), **fields
    )


COMMANDED: dict[str, Any] = {
    "attempts": 1,
    "result": R.COMMANDED,
    "commanded_at": at(5),
    "vendor_commanded_at": at(5),
}
STAMPED = line(stamped=True)
FRAGILE = line(dies_with_block=True)
IMPLIED = line(implied_by=K.SIGN_IN, confirmation=Confirmation.IMPLIED_BY)
WHOLE: Mapping[str, Any] = {"vendor_id": "*"}
ROLE: Mapping[str, Any] = {"kind": K.ROLE, "confirmation": Confirmation.IMPLIED_BY}

TABLE: list[tuple[str, RowFacts, S]] = [
    ("a read after the command does not show it", known(row(**COMMANDED), read(sent=6)), S.OBSERVED_CLOSED),
    ("the read was sent when the answer came", known(row(**COMMANDED), read(sent=5)), S.OBSERVED_CLOSED),
    ("the read was sent before the answer", known(row(**COMMANDED), read(sent=4.9)), S.COMMANDED),
    ("a request is on its way", known(row(**COMMANDED, op="op"), read(sent=6)), S.COMMANDED),
    ("no read ever", known(row(**COMMANDED), read(sent=None)), S.COMMANDED),
    ("never asked, and gone", known(row(), read(sent=6)), S.OBSERVED_CLOSED),
    ("never asked, and there", known(row(), read("x")), S.FOUND),
    ("another one is there", known(row(), read("y")), S.OBSERVED_CLOSED),
    ("still there after the command", known(row(**COMMANDED), read("x", sent=6)), S.STILL_OPEN),
    ("was there before the command", known(row(**COMMANDED), read("x", sent=4)), S.COMMANDED),
    ("said to be absent, and there", known(row(**COMMANDED | {"result": R.ALREADY_ABSENT}), read("x", sent=6)), S.STILL_OPEN),
    ("said to be absent, not read", known(row(**COMMANDED | {"result": R.ALREADY_ABSENT}), read("x", sent=4)), S.COMMANDED),
    *((f"{result}", known(row(attempts=1, result=result), read("x", sent=4)), S.STILL_OPEN)
      for result in (R.REFUSED, R.FAILED, R.UNKNOWN)),
    ("not known, and not read since", known(row(attempts=1, result=R.UNKNOWN, commanded_at=at(5)), read("x", sent=4)), S.STILL_OPEN),
    ("asked, and never answered", known(row(attempts=1, op="op"), read("x", sent=4)), S.STILL_OPEN),
    ("not in our reach, never asked", known(row(by_hand=True), read("x")), S.STILL_OPEN),
    ("not in our reach, done by hand", known(row(by_hand=True), read()), S.OBSERVED_CLOSED),
    ("frozen", known(row(), read("x"), line=FRAGILE, block=block()), S.STILL_OPEN),
    ("not blocked yet", known(row(), read("x"), line=FRAGILE, block=block(state=S.FOUND)), S.FOUND),
    ("accepted before the block", known(row(**COMMANDED), read("x", sent=4), line=FRAGILE, block=block()), S.COMMANDED),
    ("an entry says it was not looked at", known(row(listed_as=S.NOT_ON_PLAN), read("x")), S.NOT_ON_PLAN),
    ("that entry is gone", known(row(listed_as=S.NOT_ON_PLAN), read()), S.OBSERVED_CLOSED),
    # the whole of a kind
    ("kind could not be read", known(row(**WHOLE), read(sent=None, failed_as=S.UNREADABLE)), S.UNREADABLE),
    ("kind has no API", known(row(**WHOLE), read(sent=None, failed_as=S.NO_API)), S.NO_API),
    ("kind was read", known(row(**WHOLE), read("x")), S.OBSERVED_CLOSED),
    ("kind was read long ago", known(row(**WHOLE), read(sent=-5)), S.OBSERVED_CLOSED),
    ("kind was read long ago, not now", known(row(**WHOLE), read(sent=-5, failed_as=S.UNREADABLE)), S.UNREADABLE),
    ("kind was read at the instant, not now", known(row(**WHOLE), read(sent=0, failed_as=S.UNREADABLE)), S.OBSERVED_CLOSED),
    ("kind was never read, and did not fail", known(row(**WHOLE), read(sent=None)), S.UNREADABLE),
    # what bears a stamp
    ("ended after the command", known(row(ended_at=at(5), **COMMANDED), read("x"), line=STAMPED), S.OBSERVED_CLOSED),
    ("ended before the command", known(row(ended_at=at(4), **COMMANDED), read("x"), line=STAMPED), S.COMMANDED),
    ("no stamp yet", known(row(**COMMANDED), read("x", sent=6), line=STAMPED), S.COMMANDED),
    ("no stamp, and no row: the account is gone", known(row(**COMMANDED), read(sent=6), line=STAMPED), S.OBSERVED_CLOSED),
    ("never asked, no stamp", known(row(), read("x"), line=STAMPED), S.FOUND),
    ("never asked, some stamp", known(row(ended_at=at(4)), read("x"), line=STAMPED), S.FOUND),
    ("refused, no stamp", known(row(attempts=1, result=R.REFUSED), read("x"), line=STAMPED), S.STILL_OPEN),
    ("session: ended after the block", known(row(K.SESSION, ended_at=at(4)), read("x"), line=STAMPED, block=block(vendor_commanded_at=at(3))), S.OBSERVED_CLOSED),
    ("session: ended with the block", known(row(K.SESSION, ended_at=at(3)), read("x"), line=STAMPED, block=block(vendor_commanded_at=at(3))), S.OBSERVED_CLOSED),
    ("session: ended before the block", known(row(K.SESSION, ended_at=at(2)), read("x"), line=STAMPED, block=block(vendor_commanded_at=at(3))), S.FOUND),
    ("session: block is not seen", known(row(K.SESSION, ended_at=at(5), **COMMANDED), read("x"), line=STAMPED, block=block(state=S.COMMANDED)), S.COMMANDED),
    ("session: block was never read", known(row(K.SESSION, ended_at=at(5), **COMMANDED), read("x"), line=STAMPED), S.COMMANDED),
    ("session: block was there before us", known(row(K.SESSION, ended_at=at(5), **COMMANDED), read("x"), line=STAMPED, block=block()), S.OBSERVED_CLOSED),
    ("session: that block, and ended before we asked", known(row(K.SESSION, ended_at=at(4), **COMMANDED), read("x"), line=STAMPED, block=block()), S.COMMANDED),
    ("password: ended before the block is ended", known(row(K.PASSWORD, ended_at=at(5), **COMMANDED), read("x"), line=STAMPED, block=block(state=S.FOUND)), S.OBSERVED_CLOSED),
    # what ends with another kind
    ("cause closed", known(row(**ROLE), read("x"), line=IMPLIED, causes=[block()]), S.OBSERVED_CLOSED),
    ("cause open", known(row(**ROLE), read(), line=IMPLIED, causes=[block(state=S.STILL_OPEN)]), S.STILL_OPEN),
    ("cause found", known(row(**ROLE), read("x"), line=IMPLIED, causes=[block(state=S.FOUND)]), S.FOUND),
    ("cause commanded", known(row(**ROLE), read("x"), line=IMPLIED, causes=[block(state=S.COMMANDED)]), S.COMMANDED),
    ("one cause of two open", known(row(**ROLE), read("x"), line=IMPLIED, causes=[block(), block(state=S.WAIVED)]), S.STILL_OPEN),
    ("no cause known", known(row(**ROLE), read("x"), line=IMPLIED), S.FOUND),
    ("a row of a plan that lists it", known(row(), read(), line=IMPLIED, causes=[block(state=S.FOUND)]), S.OBSERVED_CLOSED),
    ("a plan that lists it now", known(row(**ROLE), read(), causes=[block(state=S.FOUND)]), S.OBSERVED_CLOSED),
]  # fmt: skip

REASONS: list[tuple[str, RowFacts, Why]] = [
    *((str(guard), known(row(guard=guard, by_hand=True, result=R.REFUSED)), Why.GUARDED)
      for guard in (Guard.OWN_CREDENTIAL, Guard.LAST_ADMIN, Guard.PRIMARY_OWNER, Guard.LAST_OWNER, Guard.PROTECTED)),
    ("dynamic", known(row(guard=Guard.DYNAMIC, by_hand=True)), Why.DYNAMIC),
    ("inherited", known(row(guard=Guard.INHERITED, result=R.REFUSED)), Why.INHERITED),
    ("inherited, and not in our reach", known(row(guard=Guard.INHERITED, by_hand=True)), Why.INHERITED),
    ("a group mastered elsewhere", known(row(guard=Guard.MASTERED_ELSEWHERE, result=R.REFUSED)), Why.MASTERED_ELSEWHERE),
    ("an account mastered elsewhere", known(row(K.SIGN_IN), mastered_elsewhere=True), Why.MASTERED_ELSEWHERE),
    ("a group of such an account", known(row(), mastered_elsewhere=True), Why.STILL_OPEN),
    ("by hand", known(row(by_hand=True, result=R.REFUSED)), Why.NOT_ON_PLAN),
    ("by hand, and frozen", known(row(by_hand=True), line=FRAGILE, block=block()), Why.NOT_ON_PLAN),
    ("frozen, and mastered elsewhere", known(row(guard=Guard.MASTERED_ELSEWHERE), line=FRAGILE, block=block()), Why.FROZEN_BY_BLOCK),
    ("an account mastered here", known(row(K.SIGN_IN)), Why.STILL_OPEN),
    ("frozen", known(row(result=R.REFUSED, attempts=1), line=FRAGILE, block=block()), Why.FROZEN_BY_BLOCK),
    ("dies with a block that is not there", known(row(result=R.REFUSED), line=FRAGILE), Why.REFUSED),
    ("dies with a block, accepted before", known(row(**COMMANDED), line=FRAGILE, block=block()), Why.STILL_OPEN),
    ("does not die with the block", known(row(result=R.REFUSED), block=block()), Why.REFUSED),
    ("refused", known(row(result=R.REFUSED)), Why.REFUSED),
    ("privileged", known(row(guard=Guard.PRIVILEGED)), Why.STILL_OPEN),
    ("failed", known(row(result=R.FAILED)), Why.STILL_OPEN),
]  # fmt: skip


class TestObserved:
    @pytest.mark.parametrize(("what", "given", "state"), TABLE, ids=[line[0] for line in TABLE])
    def test_what_reads_and_commands_make_of_it(self, what: str, given: RowFacts, state: S) -> None:
        """A row of the table: what is known, and the state that follows from it alone."""
        assert observed(given) is state, what
        verdict = verdict_of(given)
        assert verdict.state is state
        assert (verdict.reason is None, verdict.settled_by) == (state is S.OBSERVED_CLOSED, None)


class TestReason:
    @pytest.mark.parametrize(("what", "given", "why"), REASONS, ids=[line[0] for line in REASONS])
    def test_why_it_is_open(self, what: str, given: RowFacts, why: Why) -> None:
        """One reason a row, the first that holds."""
        assert reason_of(given, S.STILL_OPEN) is why, what

    @pytest.mark.parametrize("state", [S.NO_API, S.NOT_ON_PLAN, S.UNREADABLE])
    def test_what_was_not_looked_at_says_why(self, state: S) -> None:
        """A kind that could not be looked at is open for just that reason, whatever guards it."""
        assert reason_of(known(row(guard=Guard.PROTECTED)), state) == state.value


class TestWaiver:
    @pytest.mark.parametrize("accepts", [*OpenReason, None])
    @pytest.mark.parametrize("why", [line[1:] for line in REASONS], ids=[line[0] for line in REASONS])
    def test_settles_its_own_reason_alone(self, why: tuple[RowFacts, Why], accepts: Why | None) -> None:
        """A waiver counts for the reason that it names; one of the first core names none and counts for nothing."""
        given, reason = replace(why[0], waivers=[waiver(accepts)], block=why[0].block or block()), why[1]
        verdict = verdict_of(given)
        if reason_of(given, observed(given)) is accepts and accepts is not None:
            assert (verdict.state, verdict.reason, verdict.settled_by) == (S.WAIVED, accepts, "w")
        else:
            assert (verdict.state, verdict.settled_by) == (observed(given), None), reason

    @pytest.mark.parametrize("state", [s for s in S if s is not S.OBSERVED_CLOSED])
    def test_dynamic_counts_only_while_the_block_is_seen(self, state: S) -> None:
        """What is harmless as long as nobody can sign in is accepted only as long."""
        given = known(row(guard=Guard.DYNAMIC), waivers=[waiver(Why.DYNAMIC)], block=block(state=state))
        assert verdict_of(given).state is not S.WAIVED
        assert verdict_of(replace(given, block=None)).state is not S.WAIVED
        assert verdict_of(replace(given, block=block())).state is S.WAIVED

    def test_what_is_closed_needs_none(self) -> None:
        """A row that a read shows closed is closed, whatever was accepted."""
        assert verdict_of(known(row(), read(), waivers=[waiver(Why.STILL_OPEN)])).state is S.OBSERVED_CLOSED

    def test_the_fitting_one_of_several(self) -> None:
        """Of several waivers the one for this reason counts; it comes before a person's word."""
        several = [waiver(Why.REFUSED), waiver(Why.UNREADABLE)]
        blind = known(
            row(**WHOLE), read(sent=None, failed_as=S.UNREADABLE), waivers=several, attestations=[attested(1)]
        )
        assert verdict_of(blind).state is S.WAIVED


class TestAttestation:
    BLIND = known(row(**WHOLE), read(sent=None, failed_as=S.UNREADABLE))

    @pytest.mark.parametrize(("minutes", "stands"), [(-1, False), (0, True), (1, True)])
    def test_counts_from_the_instant_on(self, minutes: float, stands: bool) -> None:  # a table
        """What was signed before the case's instant says nothing about the cut."""
        assert counts(attested(minutes), self.BLIND) is stands
        verdict = verdict_of(replace(self.BLIND, attestations=[attested(minutes)]))
        assert (verdict.state, verdict.settled_by) == ((S.ATTESTED, "a") if stands else (S.UNREADABLE, None))
        assert verdict.reason is Why.UNREADABLE

    def test_of_another_kind_may_come_before_the_block(self) -> None:
        """Only sessions wait for the block: a forwarding that was removed by hand is removed."""
        assert counts(attested(1), replace(self.BLIND, block=block()))

    def test_of_a_kind_that_was_never_read(self) -> None:
        """A kind of which no read is known is signed for as a whole."""
        assert counts(attested(1), known(row(**WHOLE), read(sent=None)))

    def test_once_ended_never_counts_again(self) -> None:
        """What a read contradicted is not true again because a later read fails."""
        assert not counts(attested(1, ended_at=at(2)), self.BLIND)

    def test_the_one_that_stands_of_several(self) -> None:
        """A new attestation may follow one that was contradicted."""
        pair = [attested(1, ended_at=at(2)), attested(3)]
        assert verdict_of(replace(self.BLIND, attestations=pair)).state is S.ATTESTED

    @pytest.mark.parametrize(
        ("what", "given", "stands"),
        [
            ("the vendor shows it", known(row(**COMMANDED), read("x", sent=6)), False),
            ("the vendor showed it, and fails now", known(row(**COMMANDED), read("x", sent=6, failed_as=S.UNREADABLE)), False),
            ("the vendor showed it before, and fails now", known(row(**COMMANDED), read("x", sent=4, failed_as=S.UNREADABLE)), False),
            ("read before the answer, and fails now", known(row(**COMMANDED), read(sent=4, failed_as=S.UNREADABLE)), True),
            ("read before the answer, and can be read", known(row(**COMMANDED), read(sent=4)), False),
            ("an entry that was not looked at", known(row(listed_as=S.NOT_ON_PLAN), read("x")), True),
            ("a stamp that does not come", known(row(K.PASSWORD, **COMMANDED), read("x"), line=STAMPED), True),
        ],
    )  # fmt: skip
    def test_where_no_read_can_tell(self, what: str, given: RowFacts, stands: bool) -> None:  # a table
        """What the vendor can be asked is not signed for, not even while the vendor does not answer."""
        assert counts(attested(7), given) is stands, what

    @pytest.mark.parametrize(
        ("of", "minutes", "stands"),
        [
            (block(), 3, True),
            (block(), 2, True),
            (block(), 1, False),
            (block(state=S.STILL_OPEN, observed_at=None), 3, False),
            (block(state=S.ATTESTED, observed_at=None), 1, True),
            (None, 1, True),
        ],
    )
    def test_of_sessions_counts_after_the_block(
        self, of: CaseEntitlement | None, minutes: float, stands: bool
    ) -> None:  # a table
        """Before the block is seen another session can be opened: whoever signs that they ended signs after it."""
        given = known(row(K.SESSION, **COMMANDED), read("x"), line=STAMPED, block=of)
        assert counts(attested(minutes), given) is stands

    @pytest.mark.parametrize(
        ("what", "given", "ends"),
        [
            ("a later read shows it", known(row(), read("x", sent=8)), True),
            ("a read of the same moment", known(row(), read("x", sent=7)), False),
            ("an earlier read shows it", known(row(), read("x", sent=6)), False),
            ("a later read does not show it", known(row(), read("y", sent=8)), False),
            ("no read", known(row(), read("x", sent=None)), False),
            ("a stamped row is always shown", known(row(), read("x", sent=8), line=STAMPED), False),
            ("an entry that was not looked at", known(row(listed_as=S.NO_API), read("x", sent=8)), False),
        ],
    )
    def test_is_contradicted(self, what: str, given: RowFacts, ends: bool) -> None:  # a table
        """Only a read that was sent later, and shows it open, contradicts."""
        assert is_contradicted(attested(7), given) is ends, what


class TestComingBack:
    @pytest.mark.parametrize(
        ("what", "given", "when"),
        [
            ("seen closed, and shown", known(row(observed_at=at(1)), read("x", sent=5)), 5),
            ("never seen closed", known(row(), read("x", sent=5)), None),
            ("seen closed, and not shown", known(row(observed_at=at(1)), read(sent=5)), None),
            ("session, its block came back", known(row(K.SESSION, observed_at=at(1)), read("x"), line=STAMPED, block=block(came_back_at=at(3))), 3),
            ("session asked for, its block came back", known(row(K.SESSION, commanded_at=at(1)), read("x"), line=STAMPED, block=block(came_back_at=at(3))), 3),
            ("session, the block came back before", known(row(K.SESSION, observed_at=at(4)), read("x"), line=STAMPED, block=block(came_back_at=at(3))), None),
            (
                "session, seen closed when the block came back",
                known(row(K.SESSION, observed_at=at(3)), read("x"), line=STAMPED, block=block(came_back_at=at(3))),
                None,
            ),
            ("session never asked for", known(row(K.SESSION), read("x"), line=STAMPED, block=block(came_back_at=at(3))), None),
            ("session, no block known", known(row(K.SESSION, observed_at=at(1)), read("x"), line=STAMPED), None),
            ("listed session, by its own read", known(row(K.SESSION, observed_at=at(1)), read("x", sent=5), block=block(came_back_at=at(3))), 5),
            ("password does not go with the block", known(row(K.PASSWORD, observed_at=at(1)), read("x"), line=STAMPED, block=block(came_back_at=at(3))), None),
            ("implied, its cause came back", known(row(**ROLE, observed_at=at(1)), read("x"), line=IMPLIED, causes=[block(came_back_at=at(3))]), 3),
            ("a whole kind of sessions", known(row(K.SESSION, **WHOLE, observed_at=at(1)), read(sent=1), line=STAMPED, block=block(came_back_at=at(3))), None),
            ("a whole kind that is implied", known(row(**ROLE, **WHOLE, observed_at=at(1)), read(sent=1), line=IMPLIED, causes=[block(came_back_at=at(3))]), None),
            ("implied, both its causes came back", known(row(**ROLE, observed_at=at(1)), read("x"), line=IMPLIED, causes=[block(came_back_at=at(4)), block(came_back_at=at(3))]), 4),
            ("implied, its cause did not", known(row(**ROLE, observed_at=at(1)), read("x"), line=IMPLIED, causes=[block()]), None),
        ],
    )  # fmt: skip
    def test_is_seen(self, what: str, given: RowFacts, when: float | None) -> None:
        """What was seen closed and is seen open came back; sessions, and what is implied, come back with their cause."""
        assert came_back(given) == (None if when is None else at(when)), what


class TestReads:
    @pytest.mark.parametrize(
        ("sent", "command", "younger"), [(5, 5, True), (5, 5.1, False), (5, None, True), (None, None, False)]
    )
    def test_younger_than_the_command(
        self, sent: float | None, command: float | None, younger: bool
    ) -> None:  # a table
        """A read counts that was sent when the command's answer had come, or later."""
        assert is_fresh(read(sent=sent), None if command is None else at(command)) is younger

    @pytest.mark.parametrize(("sent", "fresh"), [(0, True), (5, True), (-1, False), (None, False)])
    def test_fresh(self, sent: float | None, fresh: bool) -> None:  # a table
        """A read is fresh from the case's instant on."""
        assert is_fresh(read(sent=sent), INSTANT) is fresh

    def test_what_an_acceptance_is(self) -> None:
        """Commanded and already absent are what the vendor accepted; with an unknown outcome it may have been taken, and with no other."""
        assert {R.COMMANDED, R.ALREADY_ABSENT} == ACCEPTED
        assert {R.COMMANDED, R.ALREADY_ABSENT, R.UNKNOWN} == PERHAPS_TAKEN
