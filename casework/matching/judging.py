"""Judge the candidates of a case together, and write and seal their standings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from audit.events import EventType
from casework import consents, questions
from casework.context import Context, all_of
from casework.lifecycle import was_asked
from casework.matching import facts, links, numbers
from casework.matching.deciding import CandidateVerdict, Key, decide
from casework.recording import seal
from casework.truth.rows import accounts_of
from models.tables import Case, CaseAccount, CaseEntitlement, Question, Search
from models.vocabulary import ConnectionId, Fact, QuestionKind, Standing, as_fields

_NOTHING = CandidateVerdict(Standing.LOOK_ALIKE, frozenset(), frozenset())


def judge(context: Context, session: Session, case_id: str, *, ask: bool = True) -> None:
    """
    Decide anew about every candidate of the case, and ask a person about the doubtful ones.

    A person's answer holds until it is taken back, or until a read contradicts an account that was accepted.  Nothing is
    revoked any more in an account that is no longer accepted; if something was revoked there, a person is asked at once.  An
    erased case stays as it is, since its person is unknown.
    """
    session.flush()
    case = session.get_one(Case, case_id)
    if case.erased_at is not None:
        return
    every = accounts_of(session, case_id)
    rows = [row for row in every if row.facts is not None]
    searched = _searched(session, case_id)
    likely = [row for row in rows if facts.still_likely(row, searched.get(row.connection))]
    without = {service.connection for service in numbers.without_numbers(session)}
    known = links.of_person(session, case)
    verdicts = decide(
        [
            facts.candidate(row, numbers_count=row.connection not in without and not case.number_disputed)
            for row in likely
        ],
        links.words(case, known),
        _answers(rows),
    )
    for row in rows:
        before, verdict = row.standing, verdicts.get(_key(row))
        if verdict is None and row.decided_by is not None:
            continue  # a person decided, and no read shows anything since
        _settle(context, session, row, verdict or _NOTHING)
        if row.decided_by is not None:
            links.remember(context, session, case, row, known)
        else:
            links.forget(session, case, row, known)
        if row.standing is not before:
            seal_standing(context, session, row)
            if row.standing is Standing.ACCEPTED:
                consents.overtake_restores(context, session, case_id, {row.ref})
    session.flush()
    if ask:
        _ask_whose(context, session, case_id, every)


def void(context: Context, session: Session, case_id: str, fields: Collection[str]) -> None:
    """
    Void the facts that rest on corrected *fields* of the notice (`email`, `name` …), and judge anew.

    In the caller's transaction, which also corrects the notice; the caller has the case searched again.
    """
    for row in accounts_of(session, case_id) if fields else ():
        facts.forget(row, fields)
        session.add(row)
    judge(context, session, case_id)


def judge_again(context: Context, session: Session) -> set[str]:
    """Judge every case with an open question anew, after a service's numbers began or ceased to count.  Return the cases."""
    waiting = (Question.kind == QuestionKind.WHOSE_ACCOUNT, col(Question.answered_at).is_(None))
    query = select(Case.id).join(Question, col(Question.case_id) == col(Case.id)).where(*waiting)
    cases = set(session.exec(query.where(col(Case.erased_at).is_(None))).all())
    for case_id in sorted(cases):
        judge(context, session, case_id)
    return cases


def _ask_whose(context: Context, session: Session, case_id: str, rows: Sequence[CaseAccount]) -> None:
    """
    Ask which doubtful accounts in *rows* are the leaver's.  The question shows all candidates, also accepted and excluded ones.

    A later candidate joins the open question, or opens the next.  A question without a doubtful account is settled.
    """
    doubtful = sum(row.standing is Standing.ASKED for row in rows)
    opened = questions.open_questions(session, case_id, {QuestionKind.WHOSE_ACCOUNT})
    for question in opened[1:] if doubtful else opened:  # old cases have one question for each service
        why = "asked together with the case's other accounts" if doubtful else "no account is doubtful any more"
        questions.settle(context, session, question, why)
    if doubtful:
        questions.ask(
            context,
            session,
            QuestionKind.WHOSE_ACCOUNT,
            case_id,
            options=[_option(row) for row in rows],
            count=doubtful,
        )


def _option(row: CaseAccount) -> dict[str, object]:
    return {
        **as_fields(row.connection),
        "account": row.vendor_id,
        "label": row.label,
        "kind": str(row.kind),
        "reason": str(row.reason),
        "facts": row.judged.get("facts", []),
        "contradictions": row.judged.get("contradictions", []),
        "held": row.judged.get("held", False),
        "for_administration": row.for_administration,
        "standing": str(row.standing),
        "active": row.active,
    }


def _key(row: CaseAccount) -> Key:
    return row.connection, row.vendor_id


def _searched(session: Session, case_id: str) -> dict[ConnectionId, datetime]:
    """Return when each service was last searched completely."""
    found = all_of(session, Search, case_id, Search.connection)
    return {search.connection: search.searched_at for search in found if search.problem is None}


def _answers(rows: Sequence[CaseAccount]) -> dict[Key, bool]:
    """Return people's decisions in this case that still hold."""
    return {
        _key(row): row.standing is Standing.ACCEPTED
        for row in rows
        if row.decided_by is not None and row.decided_at is not None
        if not (row.standing is Standing.ACCEPTED and facts.contradicted_since(row, row.decided_at))
    }


def _settle(context: Context, session: Session, row: CaseAccount, found: CandidateVerdict) -> None:
    """Write the verdict to the row.  An account that was accepted and written to is only given up by a person."""
    lost = bool(row.judged.get("lost")) or _lost(session, row, found.standing)
    held = lost and found.standing is Standing.LOOK_ALIKE
    row.standing = Standing.ASKED if held else found.standing
    if row.standing is Standing.ASKED:
        row.decided_by = row.decided_at = None
    if Fact.CONFIRMED_ELSEWHERE in found.facts and Fact.CONFIRMED_ELSEWHERE not in (row.facts or {}):
        facts.confirm(row, context.now())
    row.judged = {
        "facts": sorted(found.facts),
        "contradictions": sorted(found.contradictions),
        "lost": lost and row.standing is Standing.ASKED,
        "held": held,
    }
    session.add(row)


def _lost(session: Session, row: CaseAccount, found: Standing) -> bool:
    """Whether an account ceases to be the leaver's although a person had accepted it, or something was revoked there."""
    if row.standing is not Standing.ACCEPTED or found is Standing.ACCEPTED:
        return False
    its = (col(CaseEntitlement.connection) == row.connection, col(CaseEntitlement.account_id) == row.vendor_id)
    return row.decided_by is not None or was_asked(session, row.case_id, *its)


def seal_standing(context: Context, session: Session, row: CaseAccount) -> None:
    """Seal the account's new standing, with its facts and contradictions."""
    said = {name: row.judged.get(name, []) for name in ("facts", "contradictions")}
    seal(
        context, session, EventType.CASE_JUDGED, row.case_id,
        connection=row.connection, account=row.ref, kind=row.kind, state=row.standing,
        counts={name: len(those) for name, those in said.items()},
        payload={"account": row.vendor_id, "reason": str(row.reason), **said},
    )  # fmt: skip
