"""Signatures of named persons: waivers, attestations, and the second person's consent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NotRequired, TypedDict, Unpack

from sqlmodel import Session, col, select

from audit.events import EventType
from audit.leaf import stamp
from casework.context import Context, kept_case
from casework.decisions import pausing
from casework.errors import BadRequest
from casework.lifecycle import FINISHED, wake
from casework.question_kinds import CONSENTS, TENANT, YES
from casework.questions import answer, ask
from casework.recording import seal
from casework.truth import post_cut
from casework.truth.findings import assess
from casework.truth.reasons import NO_ACCOUNT
from casework.truth.rows import in_use
from models.actor import Actor, actor_of
from models.tables import Attestation, Case, CaseEntitlement, Question, Waiver
from models.vocabulary import (
    SETTLED,
    STANDING_REASONS,
    ConnectionId,
    EntitlementKind,
    OpenReason,
    QuestionKind,
    RestoreOutcome,
)

_NEVER_STANDING = frozenset({EntitlementKind.SIGN_IN, EntitlementKind.SESSION})


class WaiverTerms(TypedDict):
    """The terms of a waiver: its *reason*, its last day, who asks (*by*), and the *compensating* control."""

    reason: str
    until: date
    by: Actor | str
    compensating: NotRequired[str]


def waive(context: Context, *, entitlement_id: str, case_id: str, **terms: Unpack[WaiverTerms]) -> Waiver:
    """
    Ask for a waiver of one entitlement until a date, for the reason for which it is open now.

    It counts once a second person has approved it, and only while the row is open for that reason.
    """
    with context.store.write() as session:
        row = _row(session, case_id, entitlement_id)
        if row.reason is None:
            raise BadRequest(f"{case_id}: the entitlement is {row.state} already", "Nothing is left to accept.")
        about = {"case_id": case_id, "entitlement_id": row.id, "connection": row.connection, "kind": row.kind}
        return _request(context, session, terms, accepts=row.reason, **about)


def waive_for_tenant(
    context: Context,
    *,
    connection: ConnectionId,
    kind: EntitlementKind,
    accepts: OpenReason,
    **terms: Unpack[WaiverTerms],
) -> Waiver:
    """
    Ask for a tenant's waiver: of one kind in all cases, for one reason that lies in the tenant and not in an account.

    Raises `BadRequest` for any other reason, and for sign-in and sessions: those are waived in each case, or not at all.
    """
    if accepts not in STANDING_REASONS:
        raise BadRequest(f"waiver: {accepts} cannot stand for the tenant", "Accept it in the case that has it.")
    if kind in _NEVER_STANDING:
        raise BadRequest(f"waiver: {kind} cannot be accepted for a whole tenant", "Accept it in the case that has it.")
    with context.store.write() as session:
        return _request(context, session, terms, connection=connection, kind=kind, accepts=accepts)


def _request(context: Context, session: Session, terms: WaiverTerms, **about: Any) -> Waiver:
    waiver = Waiver(
        id=context.name("waiver"), reason=terms["reason"], compensating_control=terms.get("compensating", ""),
        until=terms["until"], requested_by=actor_of(terms["by"]), requested_at=context.now(), **about,
    )  # fmt: skip
    today, longest = context.now().date(), timedelta(days=context.policy.waivers.longest_days)
    if not today <= waiver.until <= today + longest:
        raise BadRequest(
            f"waiver: cannot end on {waiver.until}", f"Choose a date from {today} to {today + longest} (policy)."
        )
    session.add(waiver)
    ask(
        context, session, QuestionKind.WAIVE, waiver.case_id or TENANT,
        by=waiver.requested_by, text=waiver.reason, question_id=waiver.id,
        waiver=waiver.id, connection=waiver.connection, kind=waiver.kind, reason=waiver.accepts,
        payload={"compensating_control": waiver.compensating_control, "entitlement": waiver.entitlement_id,
                 "until": str(waiver.until)},
    )  # fmt: skip
    return waiver


def attest(context: Context, *, case_id: str, entitlement_id: str, statement: str, by: Actor | str) -> Attestation:
    """
    Sign for a manual step on one entitlement that a person has done and seen.

    Where the vendor can be read, a read outranks a signature: the attestation causes a read, which settles the row.  A read that
    shows the row open ends the attestation for good.  An attestation from before the case's instant does not count.  In a
    restore it signs that the row was given back by hand.  Raises `BadRequest` for a settled row, except for a sign-in: one that
    is mastered elsewhere is signed for as disabled there.

    *entitlement_id* `no_account` signs that this person holds no account anywhere; the id of a finding on activity after the
    cut signs for the result of looking into it.
    """
    if not statement.strip():
        raise BadRequest("attestation: says nothing", "State what was done, where and when.")
    with context.store.write() as session:
        case = kept_case(session, case_id)
        told = _attested(session, case_id, entitlement_id)
        signed = Attestation(
            id=context.name("attest"), case_id=case_id, entitlement_id=entitlement_id, person=actor_of(by),
            statement=statement, attested_at=context.now(),
        )  # fmt: skip
        session.add(signed)
        wake(session, case)
        seal(
            context, session, EventType.FINDING_ATTESTED, case_id, **told,
            payload={"attestation": signed.id, "by": signed.person.payload, "statement": statement, "entitlement": entitlement_id,
                     "attested_at": stamp(signed.attested_at)},
        )  # fmt: skip
        assess(context, session, case_id)
        return signed


def _attested(session: Session, case_id: str, about: str) -> dict[str, Any]:
    """Return the leaf's fields for the signed row or finding; a row of a restore ends by the signature."""
    if about == NO_ACCOUNT:
        return {"finding": NO_ACCOUNT}
    if post_cut.is_key(about):
        heard = post_cut.find(session, case_id, about)
        if heard is None:
            raise BadRequest(f"{case_id}: has no such finding", f"See them with `lastday show {case_id}`.")
        return {"finding": heard.finding, "connection": heard.connection}
    row = _row(session, case_id, about)
    if row.restored is RestoreOutcome.PROBLEM:
        row.restored = RestoreOutcome.ATTESTED
    elif row.state in SETTLED and row.kind is not EntitlementKind.SIGN_IN:
        raise BadRequest(f"{case_id}: the entitlement is {row.state} already", "Nothing is left to attest.")
    return {"connection": row.connection, "kind": row.kind}


def _row(session: Session, case_id: str, entitlement_id: str) -> CaseEntitlement:
    row = session.get(CaseEntitlement, (case_id, entitlement_id))
    if row is None:
        raise BadRequest(f"{case_id}: has no entitlement {entitlement_id}", f"See them with `lastday show {case_id}`.")
    return row


def request_retirement(context: Context, connection: ConnectionId, *, by: Actor | str, reason: str) -> Question:
    """
    Ask for *connection* to be retired: cases with accounts there are closed and rechecked without it.

    It counts once a second person has approved it.  Raises `BadRequest` for a configured connection, or without a reason.
    """
    _require_out_of_use(context, connection)
    with context.store.write() as session:
        return ask(
            context, session, QuestionKind.RETIRE, TENANT,
            by=by, text=reason, subject=str(connection), connection=connection,
        )  # fmt: skip


def _require_out_of_use(context: Context, connection: ConnectionId, *, used: bool = False) -> None:
    """Raise `BadRequest` for a connection that is configured, or that was *used* since its retirement was asked for."""
    if connection in in_use(context):
        raise BadRequest(f"retire: {connection} is configured", "Take it out of LASTDAY_SERVICES first.")
    if used:
        raise BadRequest(f"retire: {connection} was used since that was asked", "Ask again if it is out of use now.")


def approve(context: Context, question_id: str, *, by: Actor | str, revision: int | None = None) -> str:
    """
    Give the second person's consent to a waiver, a restore, a release …; return what was approved, in words.

    Raises `BadRequest` if the same person asked for it, for the retirement of a connection that is in use again, and for
    the end of a pause that has ended.
    """
    with context.store.write() as session:
        question = session.get(Question, question_id)
        if question is None or question.kind not in CONSENTS:
            raise BadRequest(f"{question_id}: nothing to approve", "See what waits with `lastday show CASE`.")
        if question.kind is QuestionKind.RETIRE:
            _require_out_of_use(context, str(question.subject), used=question.used_at is not None)
        told: dict[str, Any] = (
            {"waiver": question_id} if question.kind is QuestionKind.WAIVE else {"choice": question.kind}
        )
        if question.kind is QuestionKind.RESUME:
            told["pause"] = pausing.resume(context, session, str(question.subject)).id
        answer(context, session, question, [YES], by=by, revision=revision, **told)
        if question.kind is QuestionKind.WAIVE:
            return _let_count(context, session, question)
        if question.kind is QuestionKind.RELEASE:
            assess(context, session, question.case_id)
        return str(question.kind)


def _let_count(context: Context, session: Session, consent: Question) -> str:
    """Let a waiver count: in its case, or for a tenant's waiver in all cases that are not finished."""
    waiver = session.get_one(Waiver, consent.id)
    waiver.approved_by, waiver.approved_at = consent.answered_by, consent.answered_at
    session.add(waiver)
    concerned = col(Case.state).not_in(FINISHED) if waiver.case_id is None else col(Case.id) == waiver.case_id
    for case in session.exec(select(Case).where(concerned)).all():
        wake(session, case)
        assess(context, session, case.id)
    return f"waiver until {waiver.until}"
