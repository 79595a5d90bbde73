"""What the registers hold: every paper that may be the leaver's, with its bytes examined."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from casework.nda import files
from casework.nda.context import NdaContext
from casework.nda.facts import Held
from casework.nda.judging import kind_of, not_theirs
from connectors.errors import ConnectorError
from connectors.nda.contract import PaperMatch, Register
from connectors.nda.matching import weigh_paper
from models.tables import Case, PaperRuling, Pledge
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


async def read_papers(nda: NdaContext, case: Case) -> tuple[list[RegisterRead], list[Held]]:
    """
    Search every register at once, and open what counts as the leaver's.  One that fails or is too slow is told as such and
    stops no other.

    What we sent ourselves is looked up by its id, and is the leaver's unless the register names somebody else as its signer.
    """
    with nda.context.store.read() as session:
        pledges, rulings = files.pledges_of(session, case.id), files.rulings_of(session, case.id)
    closed = [RegisterRead(name, error=error) for name, error in nda.closed.items()]
    searches = (_search(nda, register, case.person, pledges) for register in nda.registers.values())
    reads = [*closed, *await asyncio.gather(*searches)]
    return reads, await _open_papers(nda, reads, rulings)


async def _search(nda: NdaContext, register: Register, leaver: Leaver, pledges: Sequence[Pledge]) -> RegisterRead:
    sent = [pledge.paper_id for pledge in pledges if pledge.register_name == register.name and pledge.paper_id]
    try:
        found = await nda.within(register.name, register.find_papers(leaver))
        ours = [match for paper_id in sent if (match := await _own(nda, register, paper_id, leaver)) is not None]
    except ConnectorError as error:
        return RegisterRead(register.name, evidence=error.evidence, error=error)
    known = {match.paper.id for match in ours}
    others = tuple(match for match in found.matches if match.paper.id not in known)
    return RegisterRead(register.name, (*ours, *others), found.evidence)


async def _own(nda: NdaContext, register: Register, paper_id: str, leaver: Leaver) -> PaperMatch | None:
    found = await nda.within(register.name, register.look_up(paper_id))
    if found is None:
        return None
    paper = replace(found, kind=found.kind or PaperKind.EXIT_PLEDGE)
    ours = PaperMatch(paper, MatchReason.EMAIL, 1.0, "sent to the leaver from this case")
    if not any((paper.signer_name, paper.signer_email, paper.signer_employee_no)):
        return ours
    match = weigh_paper(leaver, paper)
    if match is None:
        return PaperMatch(paper, MatchReason.DIFFERENT_PERSON, 0.0, "sent to the leaver, passed on to somebody else")
    return ours if match.reason in _BY_NAME or _theirs(nda, Held(match)) else match


async def _open_papers(
    nda: NdaContext, reads: Sequence[RegisterRead], rulings: Mapping[tuple[str, str], PaperRuling]
) -> list[Held]:
    """
    Fetch and examine the confidentiality papers that count as the leaver's.

    The others are not opened: they are somebody else's, or letters and contracts that are none of ours to read.
    """
    at_once = asyncio.Semaphore(_AT_ONCE)
    opened = 0
    work = []
    for match in (match for read in reads for match in read.found):
        paper = match.paper
        held = Held(match, rulings.get((paper.register, paper.id)))
        wanted = _theirs(nda, held) and kind_of(paper, nda.policy) is not None
        wanted = wanted and paper.media_type is not None and paper.completed
        opened += wanted
        work.append(_open(nda, held, at_once, wanted=wanted and opened <= MOST_PAPERS))
    return list(await asyncio.gather(*work))


def _theirs(nda: NdaContext, held: Held) -> bool:
    return not_theirs(held, nda.policy) is None


async def _open(nda: NdaContext, held: Held, at_once: asyncio.Semaphore, *, wanted: bool) -> Held:
    if not wanted:
        return held
    paper = held.match.paper
    async with at_once:
        try:
            content = await nda.within(paper.register, nda.registers[paper.register].fetch(paper.id))
        except ConnectorError as error:
            return replace(held, problem=str(error))
        return replace(held, examined=await nda.examine(content), content=content)
