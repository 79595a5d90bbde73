"""One check of the registers: every paper that may be the leaver's, with its bytes examined.  Bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from casework.nda.context import NdaContext
from casework.nda.facts import Held
from casework.nda.judging import kind_of
from casework.policy import Nda
from connectors.errors import ConnectorError
from connectors.nda.contract import PaperMatch, Register
from connectors.nda.matching import weigh_paper
from models.tables import PaperRuling, Pledge
from models.vocabulary import Evidence, Leaver, MatchReason, PaperKind

MOST_PAPERS = 40
"""Papers of one leaver that are opened in a check; who has more must be looked at by a person."""
_AT_ONCE = 4
_BY_NAME = frozenset({MatchReason.NAME, MatchReason.FORMER_NAME})  # alone too little, with our own paper's id enough


@dataclass(frozen=True, slots=True)
class RegisterRead:
    """What one register answered.  *error* where it could not be searched whole: then nothing is known of it."""

    register: str
    found: tuple[PaperMatch, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    error: ConnectorError | None = None


async def search(nda: NdaContext, leaver: Leaver, pledges: Sequence[Pledge]) -> list[RegisterRead]:
    """
    Search every register at once.  One that fails or is too slow is told as such and stops no other.

    What we sent ourselves is looked up by its id, and is the leaver's unless the register names somebody else as its signer.
    """
    closed = [RegisterRead(name, error=error) for name, error in nda.closed.items()]
    sent = {name: [p for p in pledges if p.register_name == name and p.paper_id] for name in nda.registers}
    searches = (_search(nda, register, leaver, sent[name]) for name, register in nda.registers.items())
    return [*closed, *await asyncio.gather(*searches)]


async def _search(nda: NdaContext, register: Register, leaver: Leaver, sent: Sequence[Pledge]) -> RegisterRead:
    try:
        found = await nda.within(register.name, register.find_papers(leaver))
        ours = [match for pledge in sent if (match := await _own(nda, register, pledge, leaver)) is not None]
    except ConnectorError as error:
        return RegisterRead(register.name, evidence=error.evidence, error=error)
    known = {match.paper.id for match in ours}
    others = tuple(match for match in found.matches if match.paper.id not in known)
    return RegisterRead(register.name, (*ours, *others), found.evidence)


async def _own(nda: NdaContext, register: Register, pledge: Pledge, leaver: Leaver) -> PaperMatch | None:
    found = await nda.within(register.name, register.look_up(pledge.paper_id or ""))
    if found is None:
        return None
    paper = replace(found, kind=found.kind or PaperKind.EXIT_PLEDGE)
    ours = PaperMatch(paper, MatchReason.EMAIL, 1.0, "sent to the leaver from this case")
    if not any((paper.signer_name, paper.signer_email, paper.signer_employee_no)):
        return ours
    match = weigh_paper(leaver, paper)
    if match is None:
        return PaperMatch(paper, MatchReason.DIFFERENT_PERSON, 0.0, "sent to the leaver, passed on to somebody else")
    return ours if match.reason in _BY_NAME or _sure(nda, match) else match


async def open_papers(
    nda: NdaContext, reads: Sequence[RegisterRead], rulings: Mapping[tuple[str, str], PaperRuling]
) -> list[Held]:
    """
    Fetch and examine the confidentiality papers that count as the leaver's.

    The others are not opened: they are somebody else's, or letters and contracts that are none of ours to read.
    """
    matches = [(read.register, match) for read in reads for match in read.found]
    at_once = asyncio.Semaphore(_AT_ONCE)
    opened = 0
    work = []
    for name, match in matches:
        ruling = rulings.get((name, match.paper.id))
        theirs = ruling.theirs if ruling else _sure(nda, match)
        held = Held(match, ruled=ruling.theirs if ruling else None, ruled_why=ruling.reason if ruling else "")
        wanted = theirs and kind_of(match.paper, nda.policy) is not None
        opened += wanted
        work.append(_open(nda, name, held, at_once, wanted=wanted and opened <= MOST_PAPERS))
    return list(await asyncio.gather(*work))


def _sure(nda: NdaContext, match: PaperMatch) -> bool:
    return match.reason is not MatchReason.DIFFERENT_PERSON and match.confidence >= nda.policy.threshold


async def _open(nda: NdaContext, name: str, held: Held, at_once: asyncio.Semaphore, *, wanted: bool) -> Held:
    paper = held.match.paper
    if not wanted or paper.media_type is None or not paper.completed:
        return held
    async with at_once:
        try:
            content = await nda.within(name, nda.registers[name].fetch(paper.id))
        except ConnectorError as error:
            return replace(held, problem=str(error))
        return replace(held, examined=await nda.examine(content), content=content)


def next_after(policy: Nda, reads: Sequence[RegisterRead]) -> timedelta:
    """Return how long to wait before the next check: less while a register cannot be read."""
    if any(read.error is not None for read in reads):
        return timedelta(minutes=policy.unreadable_again_minutes)
    return timedelta(hours=policy.again_hours)
