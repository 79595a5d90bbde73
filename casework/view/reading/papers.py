"""Read the papers of a case from its rows, and the record's facts for the three tests of a trade secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from casework import consents
from casework.context import all_of
from casework.messages import BilingualText, message
from casework.nda import files
from casework.nda.judging import risks
from casework.truth.rows import accepted_rows
from casework.view.downloads import Downloads
from casework.view.papers import Paper, PaperRisk, Papers, Pledge, PledgeRefusal, RegisterSearch, SecretTest, TestAnswer
from models import tables
from models.vocabulary import EntitlementKind, NdaState, PaperKind, QuestionKind, TradeSecretTest

_LIMITS = frozenset({EntitlementKind.GROUP, EntitlementKind.ROLE, EntitlementKind.GRANT})


def papers_in(session: Session, case: tables.Case, now: datetime, markings: Sequence[BilingualText]) -> Papers:
    """Return the case's papers as of *now*.  *markings*: the sentences of `markings_of` on downloaded files that were marked."""
    check = files.newest_check(session, case.id)
    rows = files.newest_papers(session, case.id)
    raised = risks(rows, leaves=files.day_of(case, now) <= case.employment_ends_on)
    pledges = files.pledges_of(session, case.id)
    refused = all_of(session, tables.PledgeRefusal, case.id, tables.PledgeRefusal.recorded_at)
    return Papers(
        state=check.state if check is not None else "not_expected" if files.is_over(case) else "not_collected",
        checked_at=check.checked_at if check is not None else None,
        looks=tuple(RegisterSearch.model_validate(look) for look in (check.looks if check is not None else ())),
        papers=tuple(_paper(row) for row in rows if row.accepted),
        not_accepted=tuple(_paper(row) for row in rows if not row.accepted),
        pledge=Pledge.of(pledges[-1]) if pledges else None,
        refusals=tuple(PledgeRefusal.of(row, note=row.note or None) for row in refused),
        risk=PaperRisk(level="raised" if raised else "ordinary", reasons=tuple(raised)),
        trade_secret=tuple(_secret_tests(session, case.id, rows, markings)),
    )


def markings_of(found: Downloads, *, erased: bool) -> list[BilingualText]:
    """Return sentences on downloads of marked files; that there were none is said only if a summary of complete logs shows it."""
    if marked := [BilingualText(risk.text, risk.text_ja) for risk in found.risks or () if risk.reason == "marked"]:
        return marked
    if erased:
        return [message("markings_erased").said]
    if found.state == "not_collected":
        return [message("markings_not_collected").said]
    if found.problem is not None:
        return [message("markings_damaged").said]
    if found.risks is None:
        return [message("markings_not_summarised").said]
    unclear = any(risk.unclean for risk in found.risks)
    return [message("markings_none_seen" if unclear else "markings_none").said]


def _paper(row: tables.CasePaper) -> Paper:
    name = f"{row.register_name}:{row.paper_id}" if row.paper_id is not None else None
    return Paper.of(row, paper=name, title=row.title or None, signature=row.signature or None)


def _secret_tests(
    session: Session, case_id: str, papers: Sequence[tables.CasePaper], markings: Sequence[BilingualText]
) -> Iterator[SecretTest]:
    """
    Yield the three tests (不正競争防止法 2条6項), each with what the record shows, what a person is asked, and the latest answer.

    This code decides nothing: legal judges, from the answers and the record, whether a court would see a trade secret.
    A marked file that was downloaded is a marking that the leaver saw.
    """
    answers = {
        asked.subject: TestAnswer.of(
            asked, text="".join(asked.answer or ()), by=str(asked.answered_by), at=asked.answered_at
        )
        for asked in consents.answered(session, case_id, QuestionKind.TRADE_SECRET)
    }
    secrecy = [*_duties(papers), *_limits(session, case_id), *markings]
    for test, shows, codes in (
        (TradeSecretTest.SECRECY_MANAGEMENT, secrecy, ("ask_marking", "ask_rules")),
        (TradeSecretTest.USEFULNESS, _scopes(papers), ("ask_use",)),
        (TradeSecretTest.NON_PUBLIC, _outsiders(papers), ("ask_publicity",)),
    ):
        told, told_ja = zip(*shows, strict=True)
        asks, asks_ja = zip(*(message(code).said for code in codes), strict=True)
        answer = answers.get(test)
        yield SecretTest(test=test, shows=told, shows_ja=told_ja, asks=asks, asks_ja=asks_ja, answer=answer)


def _duties(papers: Sequence[tables.CasePaper]) -> list[BilingualText]:
    """Return a sentence for each paper: a signed one bound the leaver, another one is lacking."""
    said = []
    for paper in papers:
        if paper.kind is None or not paper.accepted:
            continue
        kind = message(paper.kind)
        if paper.state is NdaState.SIGNED:
            day = f" ({paper.signed_on})" if paper.signed_on else ""
            said.append(message("duty_on_file", kind=kind, day=day))
        else:
            said.append(message("duty_lacking", kind=kind, state=message(paper.state)))
    return [one.said for one in said or [message("papers_not_checked")]]


def _limits(session: Session, case_id: str) -> list[BilingualText]:
    """Return how access was limited: by groups, roles and grants that the leaver held and others did not."""
    held = Counter(str(row.kind) for row in accepted_rows(session, case_id) if row.kind in _LIMITS)
    if not held:
        return [message("access_unknown").said]
    listed = ", ".join(f"{kind} {count}" for kind, count in sorted(held.items()))
    return [message("access_limited", kinds=listed).said]


def _scopes(papers: Sequence[tables.CasePaper]) -> list[BilingualText]:
    scopes = sorted({paper.scope for paper in papers if paper.accepted and paper.scope})
    return [message("scope_named", scope=scope).said for scope in scopes] or [message("scope_none").said]


def _outsiders(papers: Sequence[tables.CasePaper]) -> list[BilingualText]:
    ndas = sum(p.kind is PaperKind.PROJECT_NDA and p.state is NdaState.SIGNED for p in papers if p.accepted)
    return [message("outsiders_bound", count=ndas).said if ndas else message("outsiders_none").said]
