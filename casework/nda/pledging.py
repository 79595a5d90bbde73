"""
Send the exit pledge to the leaver.  It is recorded with its key before it is sent, so that a crash sends it once, not twice.

A pledge is sent only by a person's command, or by policy for a case that is for real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sqlmodel import Session

from audit.events import EventType
from audit.secret_files import create
from casework.context import Context, kept_case
from casework.errors import BadRequest
from casework.lifecycle import BEFORE_THE_CUT
from casework.nda import files
from casework.nda.judging import is_doubtful
from casework.nda.pledge_page import Language, print_pledge, words_digest
from casework.nda.registers import NdaContext
from casework.nda.sending import content_of, deliver, is_as_sealed, is_current, record
from casework.policy import NdaPolicy
from casework.recording import seal
from connectors.errors import ConnectorError
from connectors.matching import fold_email
from connectors.nda.contract import Register
from connectors.nda.matching import addresses_of
from models.tables import Case, CasePaper, Pledge
from models.vocabulary import DepartureKind, Leaver, NdaState, PaperKind, PledgeState, RevocationResult


async def send_pledge(nda: NdaContext, case_id: str, *, by: str, language: Language | None = None) -> Pledge:
    """
    Send the exit pledge through the register that sends.  If one is out, or another process is sending it, that one is
    returned and nothing is sent.  A pledge whose page would differ now (the last day moved) is first taken back at its register.

    A register without delivery keeps the page to be printed and signed by hand.  Raises `BadRequest` if nobody may be asked (a
    refusal, a signed pledge on file, a leave), and the register's error if it did not accept the page.
    """
    context, sender = nda.context, _sender(nda).name
    await _take_back_outdated(nda, case_id)
    pledge = _begin(context, case_id, sender, language, by)
    if pledge.state is PledgeState.INTENDED:
        await deliver(nda, pledge)
    with context.store.read() as session:
        return session.get_one(Pledge, pledge.key)


def write_pledge(context: Context, case_id: str, out: Path, *, by: str, language: Language | None = None) -> Pledge:
    """
    Write the exit pledge to *out*, to be signed by hand, and record it.  Again writes the same file.

    Raises what `send_pledge` raises, `BadRequest` if another file has that name, and `OSError`; the pledge is then recorded as
    rejected.
    """
    pledge = _begin(context, case_id, None, language, by)
    pdf = content_of(context, pledge)
    try:
        _put(out, pdf)
    except (OSError, BadRequest):
        if pledge.state is PledgeState.INTENDED:
            record(context, pledge, PledgeState.REJECTED, RevocationResult.FAILED, "file: cannot be written")
        raise
    if pledge.state is PledgeState.INTENDED:
        return record(context, pledge, PledgeState.FILED, RevocationResult.COMMANDED)
    return pledge


async def send_by_policy(nda: NdaContext, case_id: str) -> None:
    """Send the exit pledge if it is missing, once, if policy says so and the leaver is still employed."""
    context, case = nda.context, nda.context.case(case_id)
    wanted = context.policy.nda.send and case.for_real and case.kind is not DepartureKind.DISMISSAL
    if not wanted or case.state not in BEFORE_THE_CUT:
        return
    with context.store.read() as session:
        lacking = _lacks_one(files.newest_papers(session, case_id), context.policy.nda)
        asked = [one for one in files.pledges_of(session, case_id) if one.state is not PledgeState.REJECTED]
        answered = asked or files.refusal_of(session, case_id)
    if lacking and not answered and files.day_of(case, context.now()) <= case.employment_ends_on:
        await send_pledge(nda, case_id, by="policy")


async def _take_back_outdated(nda: NdaContext, case_id: str) -> None:
    """
    Take back the pledges that are out and outdated: a signature on a page with another last day is for another departure.

    Raises the register's error, and nothing is sent; also if the page was signed a moment ago, which a check will see.
    """
    context, case = nda.context, nda.context.case(case_id)
    with context.store.read() as session:
        _require_askable(session, case)
        known = files.pledges_of(session, case_id)
    for pledge in known:
        if (
            pledge.state is PledgeState.INTENDED
            and pledge.register_name is not None
            and not is_as_sealed(context, pledge)
        ):
            with suppress(BadRequest):  # the pledge is given up, or it was out already
                await deliver(nda, pledge)
    with context.store.read() as session:
        known = files.pledges_of(session, case_id)
    for pledge in known:
        if (
            pledge.state not in {PledgeState.SENT, PledgeState.FILED}
            or pledge.register_name is None
            or pledge.paper_id is None
        ):
            continue
        register = nda.register(pledge.register_name)
        if is_current(context, pledge) and await _is_for_them(nda, register, pledge.paper_id, case.person):
            continue
        reason = "lastday: the departure changed, a new pledge follows"
        await nda.within(register.name, register.take_back(pledge.paper_id, reason))
        with context.store.write() as session:
            files.settle(context, session, [session.get_one(Pledge, pledge.key)], PledgeState.VOIDED)


async def _is_for_them(nda: NdaContext, register: Register, paper_id: str, leaver: Leaver) -> bool:
    """Whether the pledge that is out went to an address of the leaver's: HR may have corrected it since."""
    paper = await nda.within(register.name, register.look_up(paper_id)) if register.can_send else None
    if paper is None or paper.signer_email is None:
        return True
    return fold_email(paper.signer_email) in addresses_of(leaver)


def _lacks_one(papers: Sequence[CasePaper], policy: NdaPolicy) -> bool:
    """Whether every exit pledge on file is missing or expired (or of another departure), and no doubtful paper may be one."""
    on_file = {paper.state for paper in papers if paper.accepted and paper.kind is PaperKind.EXIT_PLEDGE}
    doubtful = any(
        p.kind is None and p.accepted and is_doubtful(p.title, PaperKind.EXIT_PLEDGE, policy) for p in papers
    )
    return bool(on_file) and on_file <= {NdaState.MISSING, NdaState.EXPIRED} and not doubtful


def _put(out: Path, content: bytes) -> None:
    try:
        with create(out) as file:
            file.write(content)
    except FileExistsError:
        if not out.is_file() or out.read_bytes() != content:
            raise BadRequest("nda pledge: the file exists", "Name another one: nothing is overwritten.") from None


def _sender(nda: NdaContext) -> Register:
    """Return the register that policy names, else the only one that delivers, else the only register."""
    if named := nda.context.policy.nda.sender:
        return nda.register(named)
    opened = [register for register in nda.registers.values() if not isinstance(register, ConnectorError)]
    every = [register for register in opened if register.can_send] or opened
    if len(every) == 1:
        return every[0]
    if not every and nda.registers:
        return nda.register(next(iter(nda.registers)))
    raise BadRequest(
        f"nda pledge: {len(every)} registers could send it", "Name one as `sender` in policy.toml, or use --file OUT."
    )


def _begin(context: Context, case_id: str, register: str | None, language: Language | None, by: str) -> Pledge:
    """Record and return the intent, unless a pledge is out the same way (by any register, or by hand): then return that one."""
    policy = context.policy.nda
    language = language or policy.language
    with context.store.write() as session:
        case = kept_case(session, case_id)
        _require_askable(session, case)
        for out in reversed(files.pledges_of(session, case_id)):
            if out.state in files.LIVELY and (out.register_name is None) == (register is None):
                return out
        key = context.name("pledge")
        asked_at = context.now().replace(microsecond=0)  # the page's time stamp: printed again, it is the same page
        title, pdf = print_pledge(case, policy, language, at=asked_at, reference=key)
        pledge = Pledge(
            key=key, case_id=case_id, state=PledgeState.INTENDED, register_name=register,
            language=language, title=title, sha256=hashlib.sha256(pdf).hexdigest(),
            words_sha256=words_digest(case, policy, language, reference=key), op=context.name("op"),
            requested_by=by, requested_at=asked_at, next_look_at=context.now() if register else None,
        )  # fmt: skip
        session.add(pledge)
        seal(
            context, session, EventType.NDA_INTENT, case_id,
            op=pledge.op, kind=PaperKind.EXIT_PLEDGE, source=register or "file",
            evidence=[{"content_sha256": pledge.sha256, "size": len(pdf)}],
            payload={"key": pledge.key, "title": pledge.title, "by": by}, dedup_key=f"{pledge.op}:intent",
        )  # fmt: skip
    return pledge


def _require_askable(session: Session, case: Case) -> None:
    if files.is_over(case):
        raise BadRequest(f"{case.id}: nobody leaves", "An exit pledge belongs to a departure.")
    if files.refusal_of(session, case.id) is not None:
        raise BadRequest(
            f"{case.id}: the leaver has declined", "Nobody asks again: the entry pledge and the work rules bind."
        )
    files.require_unsigned(session, case.id)
