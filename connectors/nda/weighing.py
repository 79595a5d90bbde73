"""
How strongly a signer's number, addresses and names point to the leaver: a reason with a confidence.

A paper that is taken wrongly takes nothing from anybody, so that a threshold of policy's suffices; accounts need facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from connectors.full_names import written_names
from connectors.matching import compare_numbers, fold_all, fold_email
from connectors.names import former_spellings, spellings
from models.vocabulary import Leaver, MatchReason, Says

Weight: TypeAlias = "tuple[MatchReason, float, str]"

_ADDRESSES = frozenset({MatchReason.EMAIL, MatchReason.OTHER_EMAIL})


@dataclass(frozen=True, slots=True)
class Signer:
    """Whom a register names as a paper's signer."""

    employee_no: str | None
    emails: tuple[str, ...]
    names: tuple[str, ...]


def weigh(leaver: Leaver, signer: Signer) -> Weight | None:
    """Return the strongest reason for *signer* being the leaver, with confidence and text; None without any."""
    likeness = _by_address(leaver, signer) or _by_name(leaver, signer)
    match compare_numbers(leaver.employee_no, signer.employee_no):
        case Says.FACT:
            return _same_number(leaver, signer, likeness)
        case Says.NEITHER:
            note = f"employee number {signer.employee_no} resembles {leaver.employee_no}"
            return MatchReason.EMPLOYEE_NO, 0.85 if likeness is not None else 0.4, note
        case Says.CONTRADICTION if likeness is not None:
            return _other_number(leaver, signer, likeness)
        case _:
            return likeness


def _same_number(leaver: Leaver, signer: Signer, likeness: Weight | None) -> Weight:
    text = f"employee number {leaver.employee_no}"
    if likeness is None and _comparable(leaver, signer):
        return MatchReason.EMPLOYEE_NO, 0.85, f"{text}, but neither its address nor its name is the leaver's"
    return MatchReason.EMPLOYEE_NO, 1.0, text


def _other_number(leaver: Leaver, signer: Signer, likeness: Weight) -> Weight:
    reason, _, text = likeness
    note = f"{text}, but employee number {signer.employee_no} is not {leaver.employee_no}"
    if reason in _ADDRESSES:
        # an address that was given to somebody else, or a typing error at HR: a person must look
        return reason, 0.4, note
    return MatchReason.DIFFERENT_PERSON, 0.0, note


def _comparable(leaver: Leaver, signer: Signer) -> bool:
    """Whether a difference means anything: addresses on both sides, or names in a script that both have."""
    if leaver.email and fold_all(signer.emails):
        return True
    ours, theirs = (
        {form.isascii() for name in names for form in spellings(name)}
        for names in (written_names(leaver), signer.names)
    )
    return bool(ours & theirs)


def _by_address(leaver: Leaver, signer: Signer) -> Weight | None:
    addresses = fold_all(signer.emails)
    if fold_email(leaver.email or "") in addresses:
        return MatchReason.EMAIL, 0.98, "its address is the notice's"
    if addresses & fold_all(leaver.other_emails):
        return MatchReason.OTHER_EMAIL, 0.8, "it has another address of the leaver"
    return None


def _by_name(leaver: Leaver, signer: Signer) -> Weight | None:
    theirs = {form for name in signer.names for form in spellings(name)}
    written = written_names(leaver)
    if theirs & {form for name in written for form in spellings(name)}:
        return MatchReason.NAME, 0.5, "the same name"
    if leaver.former_name and theirs & former_spellings(leaver.former_name, *written):
        return MatchReason.FORMER_NAME, 0.4, "the leaver's former name"
    return None
