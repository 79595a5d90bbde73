"""
Whose paper is it?  The signer is weighed against HR's notice by number, address and name, with two rules of paper's own.

A private address is where the pledge at entry was sent, and a family's or a reused one as well: it proves more together
with the name, and any address proves less with somebody else's name.  A namesake at another address of the company is
a different person: accepting his paper would show a duty that the leaver never took on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from connectors.matching import bare_number, fold_email, fold_number
from connectors.names import former_spellings, spellings
from connectors.nda.contract import Paper, PaperMatch
from connectors.nda.signatories import script_of
from connectors.nda.titles import kind_of
from connectors.nda.weighing import Signer, Weight, weigh
from models.vocabulary import Leaver, MatchReason, PaperKind

_ADDRESSES = frozenset({MatchReason.EMAIL, MatchReason.ALIAS, MatchReason.OTHER_EMAIL})
_OTHER_EMAIL = 0.8  # what another address of the leaver weighs by itself, see `connectors.nda.weighing`
_WITH_NAME = 0.92
_ANOTHER_NAME = 0.6
_HONORIFIC = re.compile(r"\s*(?:様|殿|さん)\s*$")


def match_papers(leaver: Leaver, papers: Iterable[Paper]) -> tuple[PaperMatch, ...]:
    """Return the matches among *papers*, strongest first; papers without any likeness are left out."""
    found = [match for paper in papers if (match := weigh_paper(leaver, paper)) is not None]
    return tuple(sorted(found, key=lambda match: (-match.confidence, match.paper.id)))


def weigh_paper(leaver: Leaver, paper: Paper) -> PaperMatch | None:
    """Return the strongest reason for *paper* being the leaver's, None without any."""
    if binds_everybody(paper):
        return PaperMatch(paper, MatchReason.EVERYBODY, 1.0, "nobody signs it: it binds everybody")
    weight = weigh(leaver, _signer(paper))
    return PaperMatch(paper, *_as_of_paper(leaver, paper, weight)) if weight is not None else None


def binds_everybody(paper: Paper) -> bool:
    """Say whether it is an article of the work rules (就業規則), by its register or its title, which names no signer."""
    if any((paper.signer_name, paper.signer_email, paper.signer_employee_no)):
        return False
    return (paper.kind or kind_of(paper.title)) is PaperKind.WORK_RULES


def addresses_of(leaver: Leaver) -> frozenset[str]:
    """Return every address of the leaver that HR knows, folded."""
    known = (leaver.email or "", *leaver.other_emails)
    return frozenset(folded for address in known if (folded := fold_email(address)))


def names_of(leaver: Leaver) -> frozenset[str]:
    """Return every spelling of the leaver's names, folded, the former one included."""
    written = tuple(name for name in (leaver.name, leaver.kana, leaver.romaji) if name)
    present = frozenset(form for name in written for form in spellings(name))
    return present | (former_spellings(leaver.former_name, *written) if leaver.former_name else frozenset())


def number_key(number: str) -> str:
    """Return the form of an employee number by which alike ones are found together, empty for none."""
    return bare_number(fold_number(number))


def _as_of_paper(leaver: Leaver, paper: Paper, weight: Weight) -> Weight:
    reason, confidence, text = weight
    if reason is MatchReason.NAME and _elsewhere_at_the_company(leaver, paper):
        return MatchReason.DIFFERENT_PERSON, 0.0, f"{text}, but another address at the company"
    if reason not in _ADDRESSES or not paper.signer_name:
        return weight
    if spellings(_bare_name(paper.signer_name)) & names_of(leaver):
        sure = reason is MatchReason.OTHER_EMAIL and confidence >= _OTHER_EMAIL
        return (reason, _WITH_NAME, f"{text}, and the same name") if sure else weight
    if _names_differ(leaver, paper.signer_name):
        return reason, min(confidence, _ANOTHER_NAME), f"{text}, but the name is not the leaver's"
    return weight


def _signer(paper: Paper) -> Signer:
    names = (_bare_name(paper.signer_name),) if paper.signer_name else ()
    return Signer(paper.signer_employee_no, (paper.signer_email,) if paper.signer_email else (), names)


def _bare_name(name: str) -> str:
    return _HONORIFIC.sub("", name)


def _elsewhere_at_the_company(leaver: Leaver, paper: Paper) -> bool:
    company = fold_email(leaver.email or "").rpartition("@")[2]
    theirs = fold_email(paper.signer_email or "")
    return company != "" and theirs.rpartition("@")[2] == company and theirs not in addresses_of(leaver)


def _names_differ(leaver: Leaver, name: str) -> bool:
    """Whether an unlike name means anything: only within one script, since kanji do not tell their reading."""
    scripts = {script_of(own) for own in (leaver.name, leaver.kana, leaver.romaji) if own}
    return script_of(_bare_name(name)) in scripts
