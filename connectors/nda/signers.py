"""
How sure it is, by number, address and name, that a signer is the leaver: a reason with a confidence.

A wrongly matched paper takes no access from anyone, so a threshold (policy's) suffices, unlike for accounts.  The numbers are
our choice.  A private address may be a family's or a reused one: it proves more with the leaver's name, and any address proves
less with another name.  A namesake at another address of the company is a different person: the paper does not bind the leaver.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from connectors.full_names import written_names
from connectors.matching import compare_numbers, fold_all, fold_email
from connectors.names import former_spellings, script_of, spellings
from connectors.nda.contract import Paper
from models.vocabulary import ComparisonResult, Leaver, MatchReason

Likeness: TypeAlias = "tuple[MatchReason, float, str]"
"""Why a signer may be the leaver, the confidence (0 to 1), and both in words."""

_HONORIFIC = re.compile(r"\s*(?:様|殿|さん)\s*$")


def compare_signer(leaver: Leaver, paper: Paper) -> Likeness | None:
    """Return the strongest reason that *paper*'s signer is the leaver, None without any."""
    likeness = _by_address(leaver, paper) or _by_name(leaver, paper)
    ours, theirs = leaver.employee_no, paper.signer_employee_no
    says = compare_numbers(ours, theirs)
    if says is ComparisonResult.FACT:
        if likeness is None and _comparable(leaver, paper):
            note = f"employee number {ours}, but neither its address nor its name is the leaver's"
            return MatchReason.EMPLOYEE_NO, 0.85, note
        return MatchReason.EMPLOYEE_NO, 1.0, f"employee number {ours}"
    if says is ComparisonResult.NEITHER:
        note = f"employee number {theirs} resembles {ours}"
        return MatchReason.EMPLOYEE_NO, 0.85 if likeness is not None else 0.4, note
    if says is None or likeness is None:
        return likeness
    reason, _, text = likeness
    note = f"{text}, but employee number {theirs} is not {ours}"
    if reason in {MatchReason.EMAIL, MatchReason.OTHER_EMAIL}:
        # the address was given to another person, or HR mistyped the number: a person decides
        return reason, 0.4, note
    return MatchReason.DIFFERENT_PERSON, 0.0, note


def _by_address(leaver: Leaver, paper: Paper) -> Likeness | None:
    address = fold_email(paper.signer_email or "")
    if address and address == fold_email(leaver.email or ""):
        reason, alone, text = MatchReason.EMAIL, 0.98, "its address is the notice's"
    elif address in fold_all(leaver.other_emails):
        reason, alone, text = MatchReason.OTHER_EMAIL, 0.8, "it has another address of the leaver"
    else:
        return None
    if _by_name(leaver, paper) is not None:
        return reason, max(alone, 0.92), f"{text}, and the same name"
    # names in different scripts cannot be compared
    if paper.signer_name and script_of(_bare_signer(paper)) in {script_of(name) for name in written_names(leaver)}:
        return reason, min(alone, 0.6), f"{text}, but the name is not the leaver's"
    return reason, alone, text


def _by_name(leaver: Leaver, paper: Paper) -> Likeness | None:
    theirs, written = spellings(_bare_signer(paper)), written_names(leaver)
    if theirs & {form for name in written for form in spellings(name)}:
        company, elsewhere = (fold_email(one or "").rpartition("@")[2] for one in (leaver.email, paper.signer_email))
        if company and company == elsewhere:
            return MatchReason.DIFFERENT_PERSON, 0.0, "the same name, but another address at the company"
        return MatchReason.NAME, 0.5, "the same name"
    if leaver.former_name and theirs & former_spellings(leaver.former_name, *written):
        return MatchReason.FORMER_NAME, 0.4, "the leaver's former name"
    return None


def _comparable(leaver: Leaver, paper: Paper) -> bool:
    """Whether a difference counts: both have addresses, or names in the same script."""
    if leaver.email and fold_email(paper.signer_email or ""):
        return True
    ours = {form.isascii() for name in written_names(leaver) for form in spellings(name)}
    return bool(ours & {form.isascii() for form in spellings(_bare_signer(paper))})


def _bare_signer(paper: Paper) -> str:
    """Return the signer's name without 様; empty for none."""
    return _HONORIFIC.sub("", paper.signer_name or "")
