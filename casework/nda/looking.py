"""One round over the registers: every paper that may be the leaver's, with its bytes examined.  Bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from casework.nda.cabinet import Cabinet
from casework.nda.facts import Held
from casework.nda.judging import kind_of
from casework.policy import Nda
from connectors.errors import ConnectorError, Unreachable
from connectors.nda.contract import PaperMatch, Register
from connectors.nda.matching import weigh_paper
from models.tables import PaperRuling, Pledge
from models.vocabulary import Evidence, Leaver, MatchReason, PaperKind

T = TypeVar("T")
MOST_PAPERS = 40
"""Papers of one leaver that are opened in a round; who has more must be looked at by a person."""
_AT_ONCE = 4
_BY_NAME = frozenset({MatchReason.NAME, MatchReason.FORMER_NAME})  # alone too little, with our own paper's id enough


@dataclass(frozen=True, slots=True)
class RegisterLook:
    """What one register answered.  *error* where it could not be searched whole: then nothing is known of it."""

    register: str
    found: tuple[PaperMatch, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    error: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class Bytes:
    """A paper as it stands, ready to be judged, with the bytes that were examined."""

    held: Held
    content: bytes | None = None


async def search(cabinet: Cabinet, leaver: Leaver, pledges: Sequence[Pledge]) -> list[RegisterLook]:
    """
    Search every register at once.  One that fails or is too slow is told as such and stops no other.

    What we sent ourselves is looked up by its id, and is the leaver's unless the register names somebody else as its signer.
    """
    closed = [RegisterLook(name, error=error) for name, error in cabinet.closed.items()]
    sent = {name: [p for p in pledges if p.register_name == name and p.paper_id] for name in cabinet.registers}
    looks = (_search(cabinet, register, leaver, sent[name]) for name, register in cabinet.registers.items())
    return [*closed, *await asyncio.gather(*looks)]


async def _search(cabinet: Cabinet, register: Register, leaver: Leaver, sent: Sequence[Pledge]) -> RegisterLook:
    try:
        found = await within(cabinet, register.name, register.find_papers(leaver))
        ours = [match for pledge in sent if (match := await _own(cabinet, register, pledge, leaver)) is not None]
    except ConnectorError as error:
        return RegisterLook(register.name, evidence=error.evidence, error=error)
    known = {match.paper.id for match in ours}
    others = tuple(match for match in found.matches if match.paper.id not in known)
    return RegisterLook(register.name, (*ours, *others), found.evidence)


async def _own(cabinet: Cabinet, register: Register, pledge: Pledge, leaver: Leaver) -> PaperMatch | None:
    found = await within(cabinet, register.name, register.look_up(pledge.paper_id or ""))
    if found is None:
        return None
    paper = replace(found, kind=found.kind or PaperKind.EXIT_PLEDGE)
    ours = PaperMatch(paper, MatchReason.EMAIL, 1.0, "sent to the leaver from this case")
    if not any((paper.signer_name, paper.signer_email, paper.signer_employee_no)):
        return ours
    match = weigh_paper(leaver, paper)
    if match is None:
        return PaperMatch(paper, MatchReason.DIFFERENT_PERSON, 0.0, "sent to the leaver, passed on to somebody else")
    return ours if match.reason in _BY_NAME or _sure(cabinet, match) else match


async def within(cabinet: Cabinet, name: str, call: Coroutine[Any, Any, T]) -> T:
    """Await *call*; raises `Unreachable` where it takes longer than policy lets one round take."""
    seconds = cabinet.context.policy.nda.seconds
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as exc:
        raise Unreachable(f"{name}: cannot answer within {seconds:g} s") from exc


async def open_papers(
    cabinet: Cabinet, looks: Sequence[RegisterLook], rulings: Mapping[tuple[str, str], PaperRuling]
) -> list[Bytes]:
    """
    Fetch and examine the confidentiality papers that count as the leaver's.

    The others are not opened: they are somebody else's, or letters and contracts that are none of ours to read.
    """
    matches = [(look.register, match) for look in looks for match in look.found]
    turns = asyncio.Semaphore(_AT_ONCE)
    opened = 0
    work = []
    for name, match in matches:
        ruling = rulings.get((name, match.paper.id))
        theirs = ruling.theirs if ruling else _sure(cabinet, match)
        held = Held(match, ruled=ruling.theirs if ruling else None, ruled_why=ruling.reason if ruling else "")
        wanted = theirs and kind_of(match.paper, cabinet.context.policy.nda) is not None
        opened += wanted
        work.append(_open(cabinet, name, held, turns, wanted=wanted and opened <= MOST_PAPERS))
    return list(await asyncio.gather(*work))


def _sure(cabinet: Cabinet, match: PaperMatch) -> bool:
    return match.reason is not MatchReason.DIFFERENT_PERSON and match.confidence >= cabinet.context.policy.nda.threshold


async def _open(cabinet: Cabinet, name: str, held: Held, turns: asyncio.Semaphore, *, wanted: bool) -> Bytes:
    paper = held.match.paper
    if not wanted or paper.media_type is None or not paper.completed:
        return Bytes(held)
    async with turns:
        try:
            content = await within(cabinet, name, cabinet.registers[name].fetch(paper.id))
        except ConnectorError as error:
            return Bytes(replace(held, problem=str(error)))
        return Bytes(replace(held, examined=await cabinet.examine(content)), content)


def next_after(policy: Nda, looks: Sequence[RegisterLook]) -> timedelta:
    """Return how long to wait before the next round: less while a register cannot be read."""
    if any(look.error is not None for look in looks):
        return timedelta(minutes=policy.unreadable_again_minutes)
    return timedelta(hours=policy.again_hours)
