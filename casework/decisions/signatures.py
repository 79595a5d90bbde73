"""What named persons sign for: waivers, attestations, and the second person's consent."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.context import Context
from casework.errors import BadRequest
from casework.lifecycle import FINISHED, wake
from casework.questions import settle_question
from casework.recording import seal
from casework.truth import post_cut
from casework.truth.findings import NO_ACCOUNT, assess
from models.tables import Approval, Attestation, Case, CaseEntitlement, Question, Waiver
from models.vocabulary import (
    SETTLED,
    STANDING_REASONS,
    EntitlementKind,
    OpenReason,
    QuestionKind,
    Restored,
    Service,
)

_NEVER_STANDING = frozenset({EntitlementKind.SIGN_IN, EntitlementKind.SESSION})
TENANT = "tenant"
"""The trail's case of standing waivers, which belong to no case."""


def waive(  # noqa: PLR0913  # a waiver's parts, each by name
    context: Context, *, entitlement_id: str, case_id: str, reason: str, until: date, by: str, compensating: str = ""
) -> Waiver:
    """
    Ask for one entitlement of a case to be accepted until a date, for the reason for which it is open now.

    Counts once a second person has approved it, and only while the row is open for that reason.
    """
    with context.store.write() as session:
        row = _row(session, case_id, entitlement_id)
        if row.reason is None:
            raise BadRequest(f"{case_id}: the entitlement is {row.state} already", "Nothing is left to accept.")
        waiver = Waiver(
            id=context.name("waiver"), case_id=case_id, service=row.service, kind=row.kind, entitlement_id=row.id,
            accepts=row.reason, reason=reason, compensating_control=compensating, until=until, requested_by=by, requested_at=context.now(),
        )  # fmt: skip
        return _request(context, session, waiver)


def waive_for_tenant(  # noqa: PLR0913  # a waiver's parts, each by name
    context: Context,
    *,
    service: Service,
    kind: EntitlementKind,
    accepts: OpenReason,
    reason: str,
    until: date,
    by: str,
    compensating: str = "",
) -> Waiver:
    """
    Ask for a standing waiver: one kind, open for one reason that lies in the tenant and not in an account, settled once.

    Raises `BadRequest` for any other reason, and for sign-in and sessions: those are accepted in each case, or not at all.
    """
    if accepts not in STANDING_REASONS:
        raise BadRequest(f"waiver: {accepts} cannot stand for the tenant", "Accept it in the case that has it.")
    if kind in _NEVER_STANDING:
        raise BadRequest(f"waiver: {kind} cannot be accepted for a whole tenant", "Accept it in the case that has it.")
    with context.store.write() as session:
        waiver = Waiver(
            id=context.name("waiver"), service=service, kind=kind, accepts=accepts, reason=reason,
            compensating_control=compensating, until=until, requested_by=by, requested_at=context.now(),
        )  # fmt: skip
        return _request(context, session, waiver)


def _request(context: Context, session: Session, waiver: Waiver) -> Waiver:
    today, longest = context.now().date(), timedelta(days=context.policy.waivers.longest_days)
    if not waiver.reason.strip():
        raise BadRequest("waiver: has no reason", "Say why the finding is acceptable.")
    if not today <= waiver.until <= today + longest:
        raise BadRequest(
            f"waiver: cannot end on {waiver.until}", f"Choose a date from {today} to {today + longest} (policy)."
        )
    session.add(waiver)
    seal(
        context, session, EventType.FINDING_WAIVER_REQUESTED, waiver.case_id or TENANT,
        waiver=waiver.id, service=waiver.service, kind=waiver.kind, reason=waiver.accepts,
        payload={"by": waiver.requested_by, "reason": waiver.reason, "compensating_control": waiver.compensating_control,
                 "entitlement": waiver.entitlement_id, "until": str(waiver.until)},
    )  # fmt: skip
    return waiver


def attest(context: Context, *, case_id: str, entitlement_id: str, statement: str, by: str) -> Attestation:
    """
    Sign for a manual step on one entitlement: done, as I saw it now.

    Where the vendor can be read, what is read outranks what is signed: the attestation orders a read, and that settles the row.
    A read that shows it open ends the attestation for good.  One from before the case's instant does not count.  Raises `BadRequest` for a settled row, except for
    a sign-in that is mastered elsewhere: there the attestation says that it was disabled where it is mastered.  In a
    restore it signs for giving back by hand what could not be given back.  *entitlement_id* `no_account` signs that this
    person truly holds no account anywhere; the id that a finding on activity after the cut bears signs for what was found out.
    """
    if not statement.strip():
        raise BadRequest("attestation: says nothing", "State what was done, where and when.")
    with context.store.write() as session:
        known = session.get(Case, case_id)
        if known is not None and known.erased_at is not None:
            raise BadRequest(f"{case_id}: its personal data was erased already", "Nothing is left to attest.")
        if entitlement_id == NO_ACCOUNT:
            return _attest_no_account(context, session, case_id, statement, by)
        if post_cut.is_key(entitlement_id):
            return _attest_activity(context, session, case_id, entitlement_id, statement, by)
        row = _row(session, case_id, entitlement_id)
        if row.restored is Restored.PROBLEM:
            row.restored = Restored.ATTESTED
        elif row.state in SETTLED and row.kind is not EntitlementKind.SIGN_IN:
            raise BadRequest(f"{case_id}: the entitlement is {row.state} already", "Nothing is left to attest.")
        attestation = Attestation(
            id=context.name("attest"), case_id=case_id, entitlement_id=row.id, person=by,
            statement=statement, attested_at=context.now(),
        )  # fmt: skip
        session.add(attestation)
        wake(session, session.get_one(Case, case_id))
        seal(
            context, session, EventType.FINDING_ATTESTED, case_id, service=row.service, kind=row.kind,
            payload={"attestation": attestation.id, "by": by, "statement": statement, "entitlement": row.id},
        )  # fmt: skip
        assess(context, session, case_id)
        return attestation


def _attest_no_account(context: Context, session: Session, case_id: str, statement: str, by: str) -> Attestation:
    if session.get(Case, case_id) is None:
        raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
    attestation = Attestation(
        id=context.name("attest"), case_id=case_id, entitlement_id=NO_ACCOUNT, person=by,
        statement=statement, attested_at=context.now(),
    )  # fmt: skip
    session.add(attestation)
    seal(
        context, session, EventType.FINDING_ATTESTED, case_id, finding=NO_ACCOUNT,
        payload={"attestation": attestation.id, "by": by, "statement": statement},
    )  # fmt: skip
    assess(context, session, case_id)
    return attestation


def _attest_activity(  # an attestation's parts
    context: Context, session: Session, case_id: str, key: str, statement: str, by: str
) -> Attestation:
    row = post_cut.find(session, case_id, key)
    if row is None:
        raise BadRequest(f"{case_id}: has no such finding", f"See them with `lastday show {case_id}`.")
    attestation = Attestation(
        id=context.name("attest"), case_id=case_id, entitlement_id=key, person=by,
        statement=statement, attested_at=context.now(),
    )  # fmt: skip
    session.add(attestation)
    seal(
        context, session, EventType.FINDING_ATTESTED, case_id, finding=row.finding, service=row.service,
        payload={"attestation": attestation.id, "by": by, "statement": statement, "about": key},
    )  # fmt: skip
    assess(context, session, case_id)
    return attestation


def _row(session: Session, case_id: str, entitlement_id: str) -> CaseEntitlement:
    row = session.get(CaseEntitlement, (case_id, entitlement_id))
    if row is None:
        raise BadRequest(f"{case_id}: has no entitlement {entitlement_id}", f"See them with `lastday show {case_id}`.")
    return row


def approve(context: Context, subject_id: str, *, by: str) -> str:
    """
    Give the second person's consent to a waiver, a restore or a release; returns what was approved, in words.

    Raises `BadRequest` when the same person asked for it: two pairs of eyes are two people.
    """
    with context.store.write() as session:
        for approving in (_approve_waiver, _approve_request, _approve_release):
            approved = approving(context, session, subject_id, by)
            if approved is not None:
                return approved
    raise BadRequest(f"{subject_id}: nothing to approve", "See what waits with `lastday show CASE`.")


def _approve_waiver(context: Context, session: Session, subject_id: str, by: str) -> str | None:
    waiver = session.get(Waiver, subject_id)
    if waiver is None:
        return None
    if waiver.approved_at is not None:
        raise BadRequest(f"{subject_id}: was approved already", "Nothing is left to approve.")
    _second(waiver.requested_by, by)
    waiver.approved_by, waiver.approved_at = by, context.now()
    session.add(waiver)
    seal(
        context, session, EventType.FINDING_WAIVED, waiver.case_id or TENANT, waiver=waiver.id,
        payload={"by": by}, dedup_key=f"{waiver.id}:approved",
    )  # fmt: skip
    for case in _cases_concerned(session, waiver):
        wake(session, case)
        assess(context, session, case.id)
    return f"waiver until {waiver.until}"


def _cases_concerned(session: Session, waiver: Waiver) -> list[Case]:
    if waiver.case_id is not None:
        return [session.get_one(Case, waiver.case_id)]
    return list(session.exec(select(Case).where(col(Case.state).not_in(FINISHED))).all())


def _approve_request(context: Context, session: Session, subject_id: str, by: str) -> str | None:
    request = session.get(Approval, subject_id)
    if request is None:
        return None
    if request.approved_at is not None:
        raise BadRequest(f"{subject_id}: was approved already", "Nothing is left to approve.")
    _second(request.requested_by, by)
    request.approved_by, request.approved_at = by, context.now()
    session.add(request)
    seal(
        context, session, EventType.CASE_APPROVED, request.case_id, choice=request.verb.partition(":")[0],
        payload={"by": by, "request": request.id}, dedup_key=f"{request.id}:approved",
    )  # fmt: skip
    return request.verb


def _approve_release(context: Context, session: Session, subject_id: str, by: str) -> str | None:
    question = session.get(Question, subject_id)
    if question is None or question.kind is not QuestionKind.RELEASE:
        return None
    case = session.get_one(Case, question.case_id)
    _second(case.for_real_by or case.reported_by, by)
    if question.answered_at is None:
        settle_question(context, session, question, ["release"], by, "")
        assess(context, session, question.case_id)
    return "release"


def _second(first: str, second: str) -> None:
    if first.strip().casefold() == second.strip().casefold():
        raise BadRequest("approval: the same person asked for it", "Let a second person approve it.")
