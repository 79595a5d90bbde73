"""
Whose paper is it?  The signer is compared with HR's notice by number, address and name, with rules for papers.

A private address may be a family's or a reused one: it proves more with the leaver's name, and any address proves less with
another name.  A namesake with another address of the company is a different person, whose paper does not bind the leaver.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from connectors.matching import bare_number, fold_all, fold_email, fold_number
from connectors.names import former_spellings, script_of, spellings
from connectors.nda.contract import Paper, PaperMatch
from connectors.nda.signers import OTHER_EMAIL, Likeness, bare_signer, compare_signer
from models.vocabulary import Leaver, MatchReason, PaperKind

_ADDRESSES = frozenset({MatchReason.EMAIL, MatchReason.OTHER_EMAIL})
_RANKS = {MatchReason.EVERYBODY: 1, MatchReason.DIFFERENT_PERSON: 2}
_WITH_NAME = 0.92  # confidences of our choice: a private address with the leaver's name; any address with another name
_ANOTHER_NAME = 0.6
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
    return PaperMatch(paper, *_as_of_paper(leaver, paper, likeness)) if likeness is not None else None


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


def number_key(number: str) -> str:
    """Return an employee number folded for searching, empty for none."""
    return bare_number(fold_number(number))


def _as_of_paper(leaver: Leaver, paper: Paper, likeness: Likeness) -> Likeness:
    reason, confidence, text = likeness
    if reason is MatchReason.NAME and _elsewhere_at_the_company(leaver, paper):
        return MatchReason.DIFFERENT_PERSON, 0.0, f"{text}, but another address at the company"
    if reason not in _ADDRESSES or not paper.signer_name:
        return likeness
    if spellings(bare_signer(paper)) & names_of(leaver):
        sure = reason is MatchReason.OTHER_EMAIL and confidence >= OTHER_EMAIL
        return (reason, _WITH_NAME, f"{text}, and the same name") if sure else likeness
    if _names_differ(leaver, paper):
        return reason, min(confidence, _ANOTHER_NAME), f"{text}, but the name is not the leaver's"
    return likeness


def _elsewhere_at_the_company(leaver: Leaver, paper: Paper) -> bool:
    company = fold_email(leaver.email or "").rpartition("@")[2]
    theirs = fold_email(paper.signer_email or "")
    return company != "" and theirs.rpartition("@")[2] == company and theirs not in addresses_of(leaver)


def _names_differ(leaver: Leaver, paper: Paper) -> bool:
    """Whether the signer's unlike name is in a script of the leaver's; names in different scripts cannot be compared."""
    scripts = {script_of(own) for own in (leaver.name, leaver.kana, leaver.romaji) if own}
    return script_of(bare_signer(paper)) in scripts
