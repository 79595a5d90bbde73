"""
How sure it is, by number, address and name, that a signer is the leaver: a reason with a confidence.

A wrongly matched paper takes no access from anyone, so a threshold (policy's) suffices, unlike for accounts.  The numbers are
our choice.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from connectors.full_names import written_names
from connectors.matching import compare_numbers, fold_all, fold_email
from connectors.names import former_spellings, spellings
from connectors.nda.contract import Paper
from models.vocabulary import Leaver, MatchReason, Says

Likeness: TypeAlias = "tuple[MatchReason, float, str]"
"""Why a signer may be the leaver, the confidence (0 to 1), and both in words."""

OTHER_EMAIL = 0.8
"""The confidence of another address of the leaver without a name."""
_ADDRESSES = frozenset({MatchReason.EMAIL, MatchReason.OTHER_EMAIL})
_HONORIFIC = re.compile(r"\s*(?:様|殿|さん)\s*$")


def compare_signer(leaver: Leaver, paper: Paper) -> Likeness | None:
    """Return the strongest reason that *paper*'s signer is the leaver, None without any."""
    likeness = _by_address(leaver, paper) or _by_name(leaver, paper)
    number = paper.signer_employee_no
    match compare_numbers(leaver.employee_no, number):
        case Says.FACT:
            return _same_number(leaver, paper, likeness)
        case Says.NEITHER:
            note = f"employee number {number} resembles {leaver.employee_no}"
            return MatchReason.EMPLOYEE_NO, 0.85 if likeness is not None else 0.4, note
        case Says.CONTRADICTION if likeness is not None:
            return _other_number(leaver, paper, likeness)
        case _:
            return likeness


def bare_signer(paper: Paper) -> str:
    """Return the signer's name without 様; empty for none."""
    return _HONORIFIC.sub("", paper.signer_name or "")


def _same_number(leaver: Leaver, paper: Paper, likeness: Likeness | None) -> Likeness:
    text = f"employee number {leaver.employee_no}"
    if likeness is None and _comparable(leaver, paper):
        return MatchReason.EMPLOYEE_NO, 0.85, f"{text}, but neither its address nor its name is the leaver's"
    return MatchReason.EMPLOYEE_NO, 1.0, text


def _other_number(leaver: Leaver, paper: Paper, likeness: Likeness) -> Likeness:
    reason, _, text = likeness
    note = f"{text}, but employee number {paper.signer_employee_no} is not {leaver.employee_no}"
    if reason in _ADDRESSES:
        # the address was given to another person, or HR mistyped the number: a person decides
        return reason, 0.4, note
    return MatchReason.DIFFERENT_PERSON, 0.0, note


def _comparable(leaver: Leaver, paper: Paper) -> bool:
    """Whether a difference counts: both have addresses, or names in the same script."""
    if leaver.email and fold_email(paper.signer_email or ""):
        return True
    ours = {form.isascii() for name in written_names(leaver) for form in spellings(name)}
    return bool(ours & {form.isascii() for form in spellings(bare_signer(paper))})


def _by_address(leaver: Leaver, paper: Paper) -> Likeness | None:
    address = fold_email(paper.signer_email or "")
    if address and address == fold_email(leaver.email or ""):
        return MatchReason.EMAIL, 0.98, "its address is the notice's"
    if address in fold_all(leaver.other_emails):
        return MatchReason.OTHER_EMAIL, OTHER_EMAIL, "it has another address of the leaver"
    return None


def _by_name(leaver: Leaver, paper: Paper) -> Likeness | None:
    theirs, written = spellings(bare_signer(paper)), written_names(leaver)
    if theirs & {form for name in written for form in spellings(name)}:
        return MatchReason.NAME, 0.5, "the same name"
    if leaver.former_name and theirs & former_spellings(leaver.former_name, *written):
        return MatchReason.FORMER_NAME, 0.4, "the leaver's former name"
    return None
