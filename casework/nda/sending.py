"""Send a recorded pledge and record the result.  Its key is sent once, by any process and after any number of tries."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from audit.events import EventType
from casework.context import Context
from casework.errors import BadRequest
from casework.nda import files
from casework.nda.pledge_page import language_of, print_pledge, says_the_same
from casework.nda.registers import NdaContext
from casework.recording import exchanges, seal
from connectors.errors import ConnectorError, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.nda.contract import Register, SentPledge
from models.tables import Pledge
from models.vocabulary import PaperKind, PledgeState, RevocationResult

_AGAIN = (Throttled, Unreachable, OutcomeUnknown, Unintelligible)
"""After these errors the same key is tried again: a page that was sent already is returned, and not sent twice."""


async def deliver(nda: NdaContext, pledge: Pledge) -> None:
    """
    Carry out an intent: send the pledge under its key and record the result.  Raises the register's error.

    Only one process sends at a time: while another has the turn nothing is sent.  Vendors have no idempotency key that would
    make two simultaneous sendings one.
    """
    context = nda.context
    register = nda.register(pledge.register_name or "")
    if not _take_turn(context, pledge):
        return
    broke_off = pledge.sending_until is not None
    if broke_off and not is_as_sealed(context, pledge) and await _was_sent(nda, register, pledge):
        return
    pdf, leaver = content_of(context, pledge), context.case(pledge.case_id).person
    try:
        call = register.send(pdf, leaver, title=pledge.title, key=pledge.key)
        sent = await nda.within(register.name, call)
    except ConnectorError as error:
        again = isinstance(error, _AGAIN)
        if broke_off and not again and await _was_sent(nda, register, pledge):
            return
        state = PledgeState.INTENDED if again else PledgeState.REJECTED
        result = RevocationResult.UNKNOWN if again else RevocationResult.REFUSED
        record(context, pledge, state, result, error)
        raise
    files.keep_bytes(context, pledge.case_id, pdf, {"pledge": pledge.key})
    state = PledgeState.SENT if register.can_send else PledgeState.FILED
    record(context, pledge, state, RevocationResult.COMMANDED, sent)


async def _was_sent(nda: NdaContext, register: Register, pledge: Pledge) -> bool:
    """
    Whether a page whose sending broke off has reached its signer for all that: it is out then, to be taken back like any.

    Asked before it is given up: because it would be another page by now, or because the register refuses to send it again.  Raises
    the register's error: until that is known it is not given up.
    """
    context = nda.context
    try:
        sent = await nda.within(register.name, register.find_sent(pledge.key))
    except ConnectorError as error:
        record(context, pledge, PledgeState.INTENDED, RevocationResult.UNKNOWN, error)
        raise
    if sent is None:
        return False
    state = PledgeState.SENT if register.can_send else PledgeState.FILED
    record(context, pledge, state, RevocationResult.COMMANDED, sent)
    return True


def _take_turn(context: Context, pledge: Pledge) -> bool:
    """Take the turn to send; return False if another process has it.  A process that died keeps its turn until the time is over."""
    with context.store.write() as session:
        row = session.get_one(Pledge, pledge.key)
        if row.state is not PledgeState.INTENDED or (row.sending_until or context.now()) > context.now():
            return False
        row.sending_until = context.now() + timedelta(seconds=2 * context.policy.nda.seconds)
    return True


def content_of(context: Context, pledge: Pledge) -> bytes:
    """
    Print the pledge again with its own instant and language.

    Raises `BadRequest`, and gives the pledge up, if the page differs now: only the sealed page is ever sent.
    """
    pdf = _printed(context, pledge)
    if hashlib.sha256(pdf).hexdigest() == pledge.sha256:
        return pdf
    problem = "nda pledge: the case, the policy or the wording changed since it was asked for"
    record(context, pledge, PledgeState.REJECTED, RevocationResult.REFUSED, problem)
    raise BadRequest(problem, "Ask anew: `lastday nda pledge CASE`.")


def is_current(context: Context, pledge: Pledge) -> bool:
    """Whether the pledge that is out is not outdated: by its words, which no program changes, else by its page."""
    same = says_the_same(context.case(pledge.case_id), context.policy.nda, pledge)
    return is_as_sealed(context, pledge) if same is None else same


def is_as_sealed(context: Context, pledge: Pledge) -> bool:
    """Whether printing now gives the sealed page: the same last day, words and program."""
    return hashlib.sha256(_printed(context, pledge)).hexdigest() == pledge.sha256


def _printed(context: Context, pledge: Pledge) -> bytes:
    case, policy = context.case(pledge.case_id), context.policy.nda
    _, pdf = print_pledge(case, policy, language_of(pledge), at=pledge.requested_at, reference=pledge.key)
    return pdf


def record(
    context: Context, pledge: Pledge, state: PledgeState, result: RevocationResult, came_of: SentPledge | ConnectorError | str = ""
) -> Pledge:  # fmt: skip
    """Record the new state of *pledge* and return it.  *came_of*: the register's answer or error, or another problem."""
    sent = came_of if isinstance(came_of, SentPledge) else None
    problem = None if sent is not None else str(came_of) or None
    evidence = () if isinstance(came_of, str) else came_of.evidence
    with context.store.write() as session:
        row = session.get_one(Pledge, pledge.key)
        row.state, row.problem = state, problem
        if result is not RevocationResult.UNKNOWN:  # it may still be under way: its turn ends by itself
            row.sending_until = None
        if state in {PledgeState.SENT, PledgeState.FILED}:
            row.sent_at = sent.sent_at if sent is not None else context.now()
            row.paper_id = sent.id if sent is not None else None
        again = timedelta(minutes=context.policy.nda.pledge_again_minutes)
        row.next_look_at = context.now() + again if state in files.LIVELY and row.register_name is not None else None
        seal(
            context, session, EventType.NDA_OUTCOME, row.case_id,
            op=row.op, kind=PaperKind.EXIT_PLEDGE, result=result, state=state, exchanged=exchanges(evidence),
            payload={"key": row.key, "paper": row.paper_id, "problem": problem},
        )  # fmt: skip
    return row
