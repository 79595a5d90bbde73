"""
Restores: undo a cut from the state captured before each change, after a withdrawal, for a wrong person, or a return from leave.

A whole case is given back, or one account of it that is not the leaver's.  No secret was kept, so the person enrols anew what
needs one; its row says so.  An account whose block a killed restore left lifted may still have the leaver's ways in: it is
blocked again.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta

from sqlmodel import Session, col, select

from audit.events import EventType
from casework import consents, questions
from casework.access.restore_account import AccountRestore, block_lifted, give_back
from casework.access.revoking import each
from casework.claims import claim, held
from casework.context import Context, case_in
from casework.decisions.pausing import require_not_paused
from casework.errors import BadRequest
from casework.lifecycle import TAKEN_BACK, move
from casework.matching import links
from casework.matching.judging import seal_standing
from casework.question_kinds import NO, YES
from casework.recording import seal
from casework.truth import restore_outcomes
from casework.truth.findings import assess
from casework.truth.rows import accounts_of, rows_of
from models.actor import Actor
from models.tables import Case, CaseAccount, CaseEntitlement, Question
from models.vocabulary import CaseState, DepartureKind, QuestionKind, RestoreOutcome, Standing

_log = logging.getLogger("lastday.restores")


def request_restore(
    context: Context, case_id: str, *, by: Actor | str, reason: str, account: str | None = None
) -> Question:
    """
    Ask for a restore of the case, or of one *account* (`connection:id`) that is not the leaver's; the others stay cut.

    `restore` carries it out once a second person has approved it.
    """
    with context.store.write() as session:
        case = _case(session, case_id)
        left = any(
            map(restore_outcomes.unended, rows_of(session, case_id))
        )  # to another case, or for a person to see to
        if case.state is CaseState.RESTORED and account is None and not left:
            raise BadRequest(f"{case_id}: is restored already", "Nothing is to be given back.")
        ref = None if account is None else _account(session, case_id, account).ref
        return questions.ask(
            context, session, QuestionKind.RESTORE, case_id,
            by=by, text=reason, subject=ref, account=ref, payload={"account": account},
        )  # fmt: skip


def request_return(context: Context, case_id: str, *, by: Actor | str) -> None:
    """Note that a person is back from leave.  Raises `BadRequest` if the case is not a leave of absence."""
    with context.store.write() as session:
        case = _case(session, case_id)
        if case.kind is not DepartureKind.LEAVE:
            raise BadRequest(
                f"{case_id}: is no leave of absence", f"Ask for a restore with `lastday restore {case_id}`."
            )
        asked = questions.ask(context, session, QuestionKind.RETURN, case_id, by=by, text="return from leave")
        questions.answer(context, session, asked, [YES], by=by)


def confirm(context: Context, case_id: str, entitlement_id: str, *, by: Actor | str, ours: bool) -> None:
    """
    Record a person's answer on a row that may not be our revocation: *ours*, and the next restore gives it back, or not.

    Raises `BadRequest` for a row without such a question.
    """
    with context.store.write() as session:
        row = session.get(CaseEntitlement, (case_id, entitlement_id))
        if row is None or row.restored is not RestoreOutcome.ASKED:
            raise BadRequest(
                f"{case_id}: {entitlement_id} is not asked about", f"See what is with `lastday show {case_id}`."
            )
        row.restored = RestoreOutcome.CONFIRMED if ours else RestoreOutcome.NOT_OURS
        row.problem = row.remedy = None
        session.add(row)
        questions.answer(
            context, session, restore_outcomes.ask_taken(context, session, row), [YES if ours else NO],
            by=by, connection=row.connection, kind=row.kind, state=row.restored, payload={"entitlement": entitlement_id},
        )  # fmt: skip
        assess(context, session, case_id)


async def restore(context: Context, case_id: str) -> None:
    """
    Give back what was revoked, then read each row again.  Safe to repeat: rows that have ended stay as they are, and once all
    have ended, the consent is used up.

    Accounts at once, each within policy's deadline.  Raises `Paused`, and `BadRequest` while a run holds the case or without a
    living consent: a new revocation, or an answer that the account is the leaver's, overtakes it.
    """
    async with claim(context, case_id, context.name("restore")) as ours:
        if not ours:
            raise BadRequest(f"{case_id}: a run holds the case", "Wait until it has ended, then restore.")
        approved, accounts = _begin(context, case_id)
        until = context.now() + timedelta(seconds=context.policy.restore.deadline_seconds)
        await each(give_back(context, one, until) for one in accounts)  # to their ends, before the case is let go
        _finish(context, case_id, approved, accounts)


def _case(session: Session, case_id: str) -> Case:
    case = case_in(session, case_id)
    if case.state is CaseState.WITHDRAWN or case.erased_at is not None:
        raise BadRequest(f"{case_id}: is {case.state} already", "Nothing is to be given back.")
    return case


def _account(session: Session, case_id: str, name: str) -> CaseAccount:
    for account in accounts_of(session, case_id):
        if name == f"{account.connection}:{account.vendor_id}":
            return account
    raise BadRequest(f"{case_id}: has no account {name}", f"Write SERVICE:ID as in `lastday show {case_id}`.")


def _begin(context: Context, case_id: str) -> tuple[list[Question], list[CaseAccount]]:
    """Return the consents and the accounts to give back; accounts that were asked for singly are rejected as the leaver's."""
    with context.store.write() as session:
        case = _case(session, case_id)
        require_not_paused(session, case)
        approved = consents.living(session, case_id, *consents.RESTORES)
        if not approved:
            raise BadRequest(
                f"{case_id}: a restore needs a second person",
                "Ask for it, then run `lastday approve`; ask anew if what was approved is carried out, or overtaken.",
            )
        alone = {request.subject: request for request in approved if request.subject is not None}
        whole = next((request for request in approved if request.subject is None), None)
        every = accounts_of(session, case_id)
        chosen = [_set_apart(context, session, one, alone[one.ref]) for one in every if one.ref in alone]
        if whole is None:
            return approved, chosen
        if case.state not in TAKEN_BACK:
            move(context, session, case, CaseState.RESTORING, dedup_key=f"{whole.id}:restoring")
        taken = {
            (row.connection, row.account_id) for row in rows_of(session, case_id) if restore_outcomes.concerns(row)
        }
        about = [  # the leaver's, and accounts that were cut before they became doubtful
            one for one in every if one.standing is Standing.ACCEPTED or (one.connection, one.vendor_id) in taken
        ]
        return approved, chosen + [one for one in about if one not in chosen]


def _set_apart(context: Context, session: Session, account: CaseAccount, request: Question) -> CaseAccount:
    """Record that the account is not the leaver's: the case goes on without it, and never cuts it again."""
    if account.standing is not Standing.REJECTED:
        account.standing, account.decided_by = Standing.REJECTED, str(request.asked_by)
        account.decided_at = context.now()
        session.add(account)
        seal_standing(context, session, account)
        case = session.get_one(Case, account.case_id)
        links.remember(context, session, case, account, links.of_person(session, case))
        seal(
            context, session, EventType.CASE_RESTORING, account.case_id, connection=account.connection, account=account.ref,
            payload={"request": request.id}, dedup_key=f"{request.id}:restoring",
        )  # fmt: skip
    return account


def _finish(context: Context, case_id: str, approved: list[Question], accounts: list[CaseAccount]) -> None:
    """
    Move the case to restored once every row has ended in any way.  Rows that need a person are findings, and keep the
    consent alive.
    """
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        rows = {one.ref: rows_of(session, case_id, one) for one in accounts}
        left = {ref for ref, mine in rows.items() if any(map(restore_outcomes.unended, mine))}
        ended = [one for one in approved if not (left if one.subject is None else left & {one.subject})]
        consents.use_up(context, session, (session.get_one(Question, one.id) for one in ended))
        every = [row for mine in rows.values() for row in mine]
        if case.state is CaseState.RESTORING and not any(map(restore_outcomes.goes_on, every)):
            came_to = Counter(str(row.restored) for row in every if row.restored is not None)
            move(
                context, session, case, CaseState.RESTORED, count=came_to.total(), states=dict(sorted(came_to.items()))
            )
        assess(context, session, case_id)


def lifted(context: Context) -> list[str]:
    """Return the cases in which a restore lifted a block, did not see the exits gone, and no run goes on with it."""
    now = context.now()
    of = select(CaseEntitlement.case_id).where(col(CaseEntitlement.lifted_at) <= now)
    open_ones = select(Case).where(col(Case.id).in_(of), col(Case.erased_at).is_(None))
    with context.store.read() as session:
        return sorted(case.id for case in session.exec(open_ones).all() if not held(case, now))


async def block_interrupted(context: Context) -> int:
    """
    Block again every account that a killed restore left open; return how many cases were tried.

    A person repeats the restore: what it had not given back is a finding.  An account that cannot be blocked, because its
    service cannot be opened, stops no other.
    """
    cases = lifted(context)
    for case_id in cases:
        try:
            await _block(context, case_id)
        except Exception as exc:  # noqa: BLE001  # the other cases must not depend on this one
            _log.error("%s: an account that a restore left open cannot be blocked: %s", case_id, type(exc).__name__)
    return len(cases)


async def _block(context: Context, case_id: str) -> None:
    async with claim(context, case_id, context.name("restore")) as ours:
        if not ours:
            return
        with context.store.read() as session:
            accounts = accounts_of(session, case_id, *context.connectors)
        try:
            await each(block_lifted(AccountRestore(context, account, context.now())) for account in accounts)
        finally:
            with context.store.write() as session:
                assess(context, session, case_id)
