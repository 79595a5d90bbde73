"""
Whose account is it?  One way of weighing a directory's entry against HR's notice, the same for each service.

The weight is a reason with a confidence, not a verdict: casework holds it against policy's threshold (0.9 by default),
and below it a person decides.  A name alone never reaches it.  An employee number that differs outweighs any name; one
that is the same but which everything else contradicts is a typing error until somebody has looked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeAlias

from connectors.names import fold_name, former_spellings, spellings
from models.vocabulary import Account, AccountKind, Leaver, Match, MatchReason

__all__ = [
    "Profile",
    "Traits",
    "Weight",
    "bare_number",
    "compare",
    "fold_email",
    "fold_name",
    "fold_number",
    "match_all",
    "weigh",
]

Weight: TypeAlias = "tuple[MatchReason, float, str]"

_TWIN = re.compile(r"^(?:adm|admin|a|da|ga|sa|priv)[-._]|[-._+](?:adm|admin|priv)$")
_CLOUD_ONLY = ".onmicrosoft.com"  # where Microsoft's tenants keep their administrators
_ADDRESSES = frozenset({MatchReason.EMAIL, MatchReason.ALIAS, MatchReason.OTHER_EMAIL})


class Traits(Protocol):
    """What can be weighed of somebody, be it a directory's entry or the signer of a paper; see `Profile`."""

    @property
    def employee_no(self) -> str | None: ...
    @property
    def emails(self) -> tuple[str, ...]: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def for_administration(self) -> bool:
        """Whether it is used for administration only."""
        ...


@dataclass(frozen=True, slots=True)
class Profile:
    """
    One directory entry, reduced to what can be weighed.

    *emails* are the addresses it signs in or is reached by first, *aliases* all others; both in any case.
    *employee_no* is None where the vendor holds none.  *names* in any script and order.
    """

    account: Account
    employee_no: str | None = None
    emails: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def for_administration(self) -> bool:
        return self.account.kind is AccountKind.ADMIN


class _Numbers(Enum):
    """How the entry's employee number stands to the notice's."""

    UNKNOWN = auto()
    SAME = auto()
    ALIKE = auto()  # apart from hyphens and leading zeros, which spreadsheets like to drop
    OTHER = auto()


def match_all(leaver: Leaver, profiles: Iterable[Profile]) -> list[Match]:
    """Return the matches among *profiles*, strongest first; entries without any likeness are left out."""
    found = [match for profile in profiles if (match := weigh(leaver, profile)) is not None]
    return sorted(found, key=lambda match: (-match.confidence, match.account.id))


def weigh(leaver: Leaver, profile: Profile) -> Match | None:
    """Return the strongest reason for *profile* being the leaver's, None without any."""
    weight = compare(leaver, profile)
    return Match(profile.account, *weight) if weight is not None else None


def compare(leaver: Leaver, profile: Traits) -> Weight | None:
    """Return the strongest reason for *profile* being the leaver, with confidence and text, None without any."""
    likeness = _by_address(leaver, profile) or _by_name(leaver, profile)
    match _numbers(leaver, profile):
        case _Numbers.SAME:
            return _same_number(leaver, profile, likeness)
        case _Numbers.ALIKE:
            note = f"employee number {profile.employee_no} resembles {leaver.employee_no}"
            return MatchReason.EMPLOYEE_NO, 0.85 if likeness is not None else 0.4, note
        case _Numbers.OTHER if likeness is not None:
            return _other_number(leaver, profile, likeness)
        case _:
            return likeness


def fold_email(email: str) -> str:
    """Fold an address for comparing: case and surrounding space only, since dots and plus signs may tell people apart."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def _same_number(leaver: Leaver, profile: Traits, likeness: Weight | None) -> Weight:
    text = f"employee number {leaver.employee_no}"
    if likeness is None and _comparable(leaver, profile):
        return MatchReason.EMPLOYEE_NO, 0.85, f"{text}, but neither its address nor its name is the leaver's"
    return MatchReason.EMPLOYEE_NO, 1.0, text


def _other_number(leaver: Leaver, profile: Traits, likeness: Weight) -> Weight:
    reason, _, text = likeness
    note = f"{text}, but employee number {profile.employee_no} is not {leaver.employee_no}"
    if reason in _ADDRESSES:
        # an address that was given to somebody else, or a typing error at HR: a person must look
        return reason, 0.4, note
    return MatchReason.DIFFERENT_PERSON, 0.0, note


def _numbers(leaver: Leaver, profile: Traits) -> _Numbers:
    ours, theirs = fold_number(leaver.employee_no), fold_number(profile.employee_no or "")
    if ours == "" or theirs == "":
        return _Numbers.UNKNOWN
    if ours == theirs:
        return _Numbers.SAME
    return _Numbers.ALIKE if bare_number(ours) == bare_number(theirs) else _Numbers.OTHER


def fold_number(number: str) -> str:
    """Fold an employee number for comparing: width, case and surrounding space."""
    return unicodedata.normalize("NFKC", number).strip().casefold()


def bare_number(number: str) -> str:
    """Fold away what spreadsheets drop as well: hyphens and leading zeros."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", re.sub(r"[\W_]+", "", number))


def _comparable(leaver: Leaver, profile: Traits) -> bool:
    """Whether a difference means anything: addresses on both sides, or names in a script that both have."""
    if leaver.email and any(_fold_all(profile.emails)):
        return True
    ours, theirs = ({form.isascii() for form in forms} for forms in (_names(leaver), _spelt(profile.names)))
    return bool(ours & theirs)


def _by_address(leaver: Leaver, profile: Traits) -> Weight | None:
    first = _fold_all(profile.emails)
    every = first | _fold_all(profile.aliases)
    company = fold_email(leaver.email or "")
    if company in first:
        return MatchReason.EMAIL, 0.98, "its address is the notice's"
    if company in every:
        return MatchReason.ALIAS, 0.95, "the notice's address is its alias"
    if every & _fold_all(leaver.other_emails):
        return MatchReason.OTHER_EMAIL, 0.8, "it has another address of the leaver"
    if any(_is_twin(company, address) for address in every):
        return MatchReason.ADMIN_TWIN, 0.7, "its address is the leaver's with an administrator's prefix"
    return None


def _fold_all(addresses: Iterable[str]) -> set[str]:
    """Fold addresses, without the empty ones that some vendors give for none: those are nobody's."""
    return {folded for address in addresses if (folded := fold_email(address))}


def _is_twin(company: str, address: str) -> bool:
    ours, _, our_domain = company.partition("@")
    theirs, _, domain = address.partition("@")
    if domain != our_domain and not domain.endswith(_CLOUD_ONLY):
        return False
    return ours not in {"", theirs} and _TWIN.sub("", theirs) == ours


def _by_name(leaver: Leaver, profile: Traits) -> Weight | None:
    theirs = _spelt(profile.names)
    if theirs & _names(leaver):
        if profile.for_administration:
            return MatchReason.ADMIN_TWIN, 0.6, "an administrator's account of the same name"
        return MatchReason.NAME, 0.5, "the same name"
    if leaver.former_name and theirs & former_spellings(leaver.former_name, *_written(leaver)):
        return MatchReason.FORMER_NAME, 0.4, "the leaver's former name"
    return None


def _written(leaver: Leaver) -> tuple[str, ...]:
    return tuple(name for name in (leaver.name, leaver.kana, leaver.romaji) if name)


def _names(leaver: Leaver) -> frozenset[str]:
    return _spelt(_written(leaver))


def _spelt(names: Iterable[str]) -> frozenset[str]:
    return frozenset(form for name in names for form in spellings(name))
