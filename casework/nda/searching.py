"""Search all registers at once, and open the papers that count as the leaver's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from casework.nda.judging import kind_of, may_be_a_pledge, not_theirs
from casework.nda.papers import titles
from casework.nda.registers import NdaContext
from casework.nda.signers import HeldPaper
from connectors.errors import ConnectorError
from connectors.matching import fold_email
from connectors.nda.contract import Paper, PaperMatch, Register
from connectors.nda.matching import addresses_of, match_paper
from models.tables import PaperRuling, Pledge
from models.vocabulary import Evidence, Leaver, MatchReason, PaperKind

MOST_OTHERS = 40
"""Unexpected papers (project NDAs) of one leaver that one check opens.  Papers that decide a verdict are opened without a limit."""
_AT_ONCE = 4
_TEXTS = tuple(one.name for one in fields(Paper) if one.name != "kind")
_BY_NAME = frozenset(
    {MatchReason.NAME, MatchReason.FORMER_NAME}
)  # too little alone; enough with our own paper's id and the leaver's address


@dataclass(frozen=True, slots=True)
class RegisterSearch:
    """The search of one register.  *error*: it could not be searched completely, and its papers are unknown."""

    register: str
    found: tuple[PaperMatch, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    error: ConnectorError | None = None


async def read_papers(
    nda: NdaContext, leaver: Leaver, pledges: Sequence[Pledge], rulings: Mapping[tuple[str, str], PaperRuling]
) -> tuple[list[RegisterSearch], list[HeldPaper]]:
    """
    Search every register at once, and open the papers that count as the leaver's.  A register that fails or is too slow has
    an *error*, and stops no other.

    A page that we sent is looked up by its id, and is the leaver's unless the register names another person as its signer.
    Other papers are not opened: they are another person's, or letters and contracts that we have no right to read.
    """
    reads = await asyncio.gather(*(_search(nda, name, leaver, pledges) for name in nda.registers))
    deliver = {name for name, one in nda.registers.items() if not isinstance(one, ConnectorError) and one.can_send}
    matches = [replace(match, paper=_storable(match.paper)) for read in reads for match in read.found]
    found = [
        HeldPaper(one, rulings.get((one.paper.register, one.paper.id)), delivered=one.paper.register in deliver)
        for one in matches
    ]
    at_once, left = asyncio.Semaphore(_AT_ONCE), iter(range(MOST_OTHERS))
    return reads, await asyncio.gather(*(_open(nda, held, leaver, at_once, left) for held in found))


def _storable(paper: Paper) -> Paper:
    """Return *paper* with a question mark for characters that databases refuse (a lone surrogate, a NUL): JSON may hold them."""
    texts: dict[str, Any] = {name: _kept(text) for name in _TEXTS if isinstance(text := getattr(paper, name), str)}
    return replace(paper, **texts, details={name: _kept(text) for name, text in paper.details.items()})


def _kept(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


async def _search(nda: NdaContext, name: str, leaver: Leaver, pledges: Sequence[Pledge]) -> RegisterSearch:
    sent = [pledge.paper_id for pledge in pledges if pledge.register_name == name and pledge.paper_id]
    try:
        register = nda.register(name)
        found = await nda.within(name, register.find_papers(leaver))
        ours = [match for paper_id in sent if (match := await _own(nda, register, paper_id, leaver)) is not None]
    except ConnectorError as error:
        return RegisterSearch(name, evidence=error.evidence, error=error)
    known = {match.paper.id for match in ours}
    matches = (_as_work_rules(match, nda) for match in found.matches if match.paper.id not in known)
    others = tuple(
        match for match in matches if match.reason is not MatchReason.EVERYBODY or _is_work_rules(match.paper)
    )
    return RegisterSearch(name, (*ours, *others), found.evidence)


def _as_work_rules(match: PaperMatch, nda: NdaContext) -> PaperMatch:
    """Return *match* as work rules that bind everybody, unless it surely is the leaver's: somebody like the leaver takes none from them."""
    sure = match.confidence >= nda.context.policy.nda.threshold
    return match if sure or match.for_everybody is None or not _is_work_rules(match.paper) else match.for_everybody


def _is_work_rules(paper: Paper) -> bool:
    """Whether the whole title is that of work rules; a paper that only mentions them beside other words binds nobody without a signer."""
    return (paper.kind or titles.kind_of(paper.title)) is PaperKind.WORK_RULES


async def _own(nda: NdaContext, register: Register, paper_id: str, leaver: Leaver) -> PaperMatch | None:
    found = await nda.within(register.name, register.look_up(paper_id))
    if found is None:
        return None
    paper = replace(found, kind=found.kind or PaperKind.EXIT_PLEDGE)
    ours = PaperMatch(paper, MatchReason.EMAIL, 1.0, "sent to the leaver from this case")
    if not any((paper.signer_name, paper.signer_email, paper.signer_employee_no)):
        return ours
    match = match_paper(leaver, paper)
    if match is None:
        return PaperMatch(paper, MatchReason.DIFFERENT_PERSON, 0.0, "sent to the leaver, passed on to somebody else")
    to_them = paper.signer_email is None or fold_email(paper.signer_email) in addresses_of(leaver)
    theirs = (match.reason in _BY_NAME and to_them) or not_theirs(HeldPaper(match), nda.context.policy.nda) is None
    return ours if theirs else match


async def _open(
    nda: NdaContext, held: HeldPaper, leaver: Leaver, at_once: asyncio.Semaphore, left: Iterator[int]
) -> HeldPaper:
    """Fetch and examine a paper that is judged by its bytes.  *left* counts down the unexpected papers that may be opened."""
    paper, policy = held.match.paper, nda.context.policy.nda
    counts = not_theirs(held, policy) is None and may_be_a_pledge(paper, leaver, policy)
    if not counts or paper.media_type is None or not paper.completed:
        return held
    decides = kind_of(paper, leaver, policy) in {*policy.expected, None}
    if not decides and next(left, None) is None:
        return replace(held, problem=f"lastday: cannot open more than {MOST_OTHERS} other papers of one leaver")
    async with at_once:
        try:
            content = await nda.within(paper.register, nda.register(paper.register).fetch(paper.id))
        except ConnectorError as error:
            return replace(held, problem=str(error))
        return replace(held, examined=await nda.examine(content), content=content)
