"""
The three tests of a trade secret (不正競争防止法 2条6項): what the record shows for each, and what a person must still answer.

Nothing here decides: whether a court would see a trade secret is for legal, with the answers and the record before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.context import Context
from casework.errors import BadRequest
from casework.nda import files
from casework.nda.wording import KINDS, Said
from casework.recording import seal
from casework.truth.rows import accepted_rows
from models.tables import CasePaper, TradeSecretAnswer
from models.vocabulary import EntitlementKind, NdaState, PaperKind, TradeSecretTest

LONGEST_ANSWER = 4000
_LIMITS = frozenset({EntitlementKind.GROUP, EntitlementKind.ROLE, EntitlementKind.GRANT})

_ASKS: Mapping[TradeSecretTest, tuple[Said, ...]] = MappingProxyType(
    {
        TradeSecretTest.SECRECY_MANAGEMENT: (
            Said(
                "How was what the leaver could reach marked (極秘, 秘, 社外秘), and who could open it besides?",
                "退職者が閲覧できた情報にはどのような秘密表示（極秘・秘・社外秘）があり、他に誰が閲覧できたか",
            ),
            Said(
                "Which rule or training told the leaver that it was secret, and when?",
                "秘密であることを定めた規程や研修は何か。退職者にいつ周知したか",
            ),
        ),
        TradeSecretTest.USEFULNESS: (
            Said(
                "What is it used for in the business, and what would a competitor gain by it?",
                "事業のどこで使われ、競合が得た場合にどのような利益があるか",
            ),
        ),
        TradeSecretTest.NON_PUBLIC: (
            Said(
                "Was it ever published, filed as a patent, or given to others without a duty of secrecy?",
                "公表・特許出願・守秘義務のない第三者への提供をしたことがあるか",
            ),
        ),
    }
)


def show(
    session: Session, case_id: str, papers: Sequence[CasePaper], risks: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """
    Return the three tests, each with what the record shows, what a person must answer, and the latest answer.

    *risks*: what the download evidence says, where there is any: a marking on a file that was taken is one that the leaver saw.
    """
    answers = _answers(session, case_id)
    shows = {
        TradeSecretTest.SECRECY_MANAGEMENT: [
            *_duties(papers), *_limits(session, case_id), *_markings(risks),
        ],
        TradeSecretTest.USEFULNESS: _scopes(papers),
        TradeSecretTest.NON_PUBLIC: _outsiders(papers),
    }  # fmt: skip
    return [
        {
            "test": str(test),
            "shows": [said.english for said in shows[test]],
            "shows_ja": [said.japanese for said in shows[test]],
            "asks": [said.english for said in _ASKS[test]],
            "asks_ja": [said.japanese for said in _ASKS[test]],
            "answer": _answer(answers.get(test)),
        }
        for test in TradeSecretTest
    ]


def answer(context: Context, case_id: str, test: TradeSecretTest, text: str, *, by: str) -> TradeSecretAnswer:
    """Record a person's answer to one of the tests.  A later one stands beside it, and counts."""
    said = text.strip()
    if not said or len(said) > LONGEST_ANSWER:
        raise BadRequest(
            f"nda answer: cannot take {len(said)} characters", f"Write one to {LONGEST_ANSWER} characters."
        )
    row = TradeSecretAnswer(
        id=context.name("answer"), case_id=case_id, test=test, text=said, answered_by=by, answered_at=context.now()
    )
    with context.store.write() as session:
        files.kept_case(session, case_id)
        session.add(row)
        seal(
            context,
            session,
            EventType.NDA_ANSWERED,
            case_id,
            choice=test,
            payload={"by": by, "text": said, "answer": row.id},
        )
    return row


def _answers(session: Session, case_id: str) -> dict[TradeSecretTest, TradeSecretAnswer]:
    query = select(TradeSecretAnswer).where(TradeSecretAnswer.case_id == case_id)
    return {row.test: row for row in session.exec(query.order_by(col(TradeSecretAnswer.answered_at))).all()}


def _answer(row: TradeSecretAnswer | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"text": row.text, "by": row.answered_by, "at": row.answered_at.isoformat()}


def _duties(papers: Sequence[CasePaper]) -> list[Said]:
    """Each paper by which the leaver was told, or each that is lacking."""
    said = []
    for paper in papers:
        if paper.kind is None or not paper.accepted:
            continue
        name, day = KINDS[paper.kind], f" ({paper.signed_on})" if paper.signed_on else ""
        if paper.state is NdaState.SIGNED:
            said.append(Said(f"{name.english} on file{day}", f"{name.japanese}あり{day}"))
        else:
            said.append(Said(f"{name.english}: {paper.state}", f"{name.japanese}: {paper.state}"))
    return said or [Said("papers were not looked at yet", "文書は未確認")]


def _limits(session: Session, case_id: str) -> list[Said]:
    """How access was limited: by groups, roles and grants that the leaver held and others did not."""
    held = Counter(str(row.kind) for row in accepted_rows(session, case_id) if row.kind in _LIMITS)
    if not held:
        return [Said("no group, role or grant of the leaver is known", "所属グループ・権限は把握されていない")]
    listed = ", ".join(f"{kind} {count}" for kind, count in sorted(held.items()))
    return [Said(f"access went by membership: {listed}", f"アクセスは所属・権限により制限: {listed}")]


def _markings(risks: Sequence[Mapping[str, Any]]) -> list[Said]:
    marked = [Said(risk["text"], risk["text_ja"]) for risk in risks if risk["reason"] == "marked"]
    return marked or [
        Said(
            "no unusual number of marked files among the downloads on record",
            "記録されたダウンロードに秘密表示の目立つ増加はない",
        )
    ]


def _scopes(papers: Sequence[CasePaper]) -> list[Said]:
    scopes = sorted({paper.scope for paper in papers if paper.accepted and paper.scope})
    if not scopes:
        return [Said("the papers on file name no scope", "文書に対象範囲の記載がない")]
    return [Said(f"the papers name as secret: {scope}", f"文書上の対象範囲: {scope}") for scope in scopes]


def _outsiders(papers: Sequence[CasePaper]) -> list[Said]:
    ndas = sum(p.kind is PaperKind.PROJECT_NDA and p.state is NdaState.SIGNED for p in papers if p.accepted)
    if not ndas:
        return [
            Said("no agreement with outsiders is on file for the leaver's projects", "案件別秘密保持契約の登録がない")
        ]
    return [Said(f"{ndas} agreements bind outsiders of the leaver's projects", f"案件別秘密保持契約 {ndas} 件")]
