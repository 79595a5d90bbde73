"""
People's statements on papers: the leaver's refusal to sign, a ruling whose a doubtful paper is, an answer to a trade-secret test.

A refusal is lawful: it is recorded with its date and witness, nobody asks again, and earlier signed papers still bind.
"""

from __future__ import annotations

from datetime import date

from audit.events import EventType
from casework import questions
from casework.context import Context, all_of, kept_case
from casework.errors import BadRequest
from casework.nda import files
from casework.recording import seal
from models.actor import Actor, actor_of
from models.tables import PaperRuling, PledgeRefusal, Question
from models.vocabulary import DepartureKind, NdaState, PaperKind, PledgeState, QuestionKind, TradeSecretTest

_LONGEST = 200


def refuse(context: Context, case_id: str, *, witness: str, on: date, by: Actor | str, note: str = "") -> PledgeRefusal:
    """
    Record that the leaver declined the exit pledge on the day *on* before *witness*.  The same again is the same record.

    Raises `BadRequest` without a witness, for a day in the future, or if a signed exit pledge is on file.
    """
    seen_by = witness.strip()
    if not seen_by or len(seen_by) > _LONGEST or len(note) > 10 * _LONGEST:
        raise BadRequest("nda refuse: cannot take this witness", f"Name who was there, in 1 to {_LONGEST} characters.")
    with context.store.write() as session:
        case = kept_case(session, case_id)
        if case.kind is DepartureKind.LEAVE:
            raise BadRequest(f"{case.id}: is a leave of absence", "Nobody is asked for an exit pledge.")
        if on > files.day_of(case, context.now()):
            raise BadRequest("nda refuse: the day lies ahead", "Give the day on which the person declined.")
        files.require_unsigned(session, case_id)
        for row in all_of(session, PledgeRefusal, case_id, PledgeRefusal.recorded_at):
            if (row.witness, row.refused_on) == (seen_by, on):
                return row
        row = PledgeRefusal(
            id=context.name("refusal"), case_id=case_id, kind=PaperKind.EXIT_PLEDGE, witness=seen_by, refused_on=on,
            note=note.strip(), recorded_by=str(by), recorded_at=context.now(),
        )  # fmt: skip
        session.add(row)
        seal(
            context, session, EventType.NDA_REFUSED, case_id, kind=row.kind, state=NdaState.REFUSED,
            payload={"refusal": row.id, "witness": seen_by, "refused_on": str(on), "note": row.note, "by": actor_of(by).payload},
        )  # fmt: skip
        files.settle(context, session, files.pledges_of(session, case_id), PledgeState.DECLINED)
    return row


def rule(context: Context, case_id: str, paper: str, *, theirs: bool, reason: str, by: Actor | str) -> PaperRuling:
    """
    Record a person's ruling on *paper* (`register:id`), which the newest check has found.

    Raises `BadRequest` for a paper that was not found, or without a reason.  The next check judges the paper anew.
    """
    if not reason.strip():
        raise BadRequest("nda accept: needs a reason", "Say by what you know whose paper it is: --reason.")
    name, _, paper_id = paper.partition(":")
    with context.store.write() as session:
        kept_case(session, case_id)
        found = files.newest_papers(session, case_id)
        if not any((row.register_name, row.paper_id) == (name, paper_id) for row in found):
            raise BadRequest(f"{case_id}: has no such paper", "`lastday nda show CASE` lists them as REGISTER:PAPER.")
        row = PaperRuling(
            id=context.name("ruling"), case_id=case_id, register_name=name, paper_id=paper_id, theirs=theirs,
            reason=reason.strip(), ruled_by=str(by), ruled_at=context.now(),
        )  # fmt: skip
        session.add(row)
        seal(
            context, session, EventType.NDA_RULED, case_id, choice="theirs" if theirs else "not_theirs",
            payload={"register": name, "paper": paper_id, "reason": row.reason, "by": actor_of(by).payload},
        )  # fmt: skip
    return row


def answer(context: Context, case_id: str, test: TradeSecretTest, text: str, *, by: Actor | str) -> Question:
    """Record a person's answer to one of the three tests of a trade secret.  Every answer is kept; the latest counts."""
    with context.store.write() as session:
        kept_case(session, case_id)
        question = questions.ask(context, session, QuestionKind.TRADE_SECRET, case_id, subject=test)
        questions.answer(context, session, question, [text.strip()], by=by, choice=test)
    return question
