"""Which papers are the leaver's: the strongest reason for each, and the keys by which an index finds them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from connectors.matching import bare_number, fold_all, fold_number
from connectors.names import former_spellings, spellings
from connectors.nda.contract import Paper, PaperMatch
from connectors.nda.signers import compare_signer
from models.vocabulary import Leaver, MatchReason, PaperKind

_RANKS = {MatchReason.EVERYBODY: 1, MatchReason.DIFFERENT_PERSON: 2}
_BETWEEN = re.compile(r"[\W_]+")
_WORK_RULES = re.compile("就業規則|workrules|rulesofemployment")


def match_papers(leaver: Leaver, papers: Iterable[Paper]) -> tuple[PaperMatch, ...]:
    """Return the matches among *papers*, strongest first; papers without any likeness are left out."""
    return strongest_first(match_paper(leaver, paper) for paper in papers)


def likeliest(leaver: Leaver, papers: Iterable[Paper]) -> PaperMatch | None:
    """
    Return the match of the signer of one document who is likeliest the leaver: *papers* are it, one for each of its signers.

    Who is like the leaver goes before a signer without name and address, for whose sake it might bind everybody (`for_everybody`); a namesake
    does not.
    """
    found = sorted(match_papers(leaver, papers), key=lambda match: _RANKS.get(match.reason, 0))
    rules = next((match for match in found[1:] if match.reason is MatchReason.EVERYBODY), None)
    return replace(found[0], for_everybody=rules) if found else None


def strongest_first(matches: Iterable[PaperMatch | None]) -> tuple[PaperMatch, ...]:
    """Return *matches* by confidence, those with the same by their papers' ids."""
    found = (match for match in matches if match is not None)
    return tuple(sorted(found, key=lambda match: (-match.confidence, match.paper.id)))


def match_paper(leaver: Leaver, paper: Paper) -> PaperMatch | None:
    """Return the match with the strongest reason that *paper* is the leaver's, None without any."""
    if may_bind_everybody(paper):
        return PaperMatch(paper, MatchReason.EVERYBODY, 1.0, "nobody signs it: it binds everybody")
    likeness = compare_signer(leaver, paper)
    return PaperMatch(paper, *likeness) if likeness is not None else None


def may_bind_everybody(paper: Paper) -> bool:
    """
    Whether *paper* names no signer and is work rules (就業規則), by the register's kind or by words of its title.

    Casework decides whether the whole title is that of work rules (就業規則閲覧申請書 is not).
    """
    if any((paper.signer_name, paper.signer_email, paper.signer_employee_no)):
        return False
    if paper.kind is not None:
        return paper.kind is PaperKind.WORK_RULES
    title = _BETWEEN.sub("", unicodedata.normalize("NFKC", paper.title).casefold())
    return _WORK_RULES.search(title) is not None


def addresses_of(leaver: Leaver) -> frozenset[str]:
    """Return every address of the leaver in HR's notice, folded."""
    return fold_all((leaver.email or "", *leaver.other_emails))


def names_of(leaver: Leaver) -> frozenset[str]:
    """Return every spelling of the leaver's names, folded, the former one included."""
    written = tuple(name for name in (leaver.name, leaver.kana, leaver.romaji) if name)
    present = frozenset(form for name in written for form in spellings(name))
    return present | (former_spellings(leaver.former_name, *written) if leaver.former_name else frozenset())


def search_keys(names: Iterable[str], addresses: Iterable[str], number: str = "") -> set[str]:
    """Return the keys under which an index has a signer.  *names* and *addresses* are folded already."""
    bare = bare_number(fold_number(number))
    keys = {f"name:{name}" for name in names} | {f"mail:{address}" for address in addresses}
    return keys | {f"no:{bare}"} if bare else keys
