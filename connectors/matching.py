"""
Whose account is it?  One way of comparing a directory's entry with HR's notice, the same for each service.

The outcome is what number, address and name each say: a fact, a contradiction, neither, or nothing.  Casework decides, with
the candidates of all services.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.full_names import NameComparison, compare_names
from models.vocabulary import Account, ComparisonResult, Fact, Leaver, Match, MatchReason

_TWIN = re.compile(r"^(?:adm|admin|a|da|ga|sa|priv)[-._]|[-._+](?:adm|admin|priv)$")
_ADMINISTRATION = re.compile(r"^(?:adm|admin|priv)[-._]|[-._+](?:adm|admin|priv)$")
_CLOUD_ONLY = ".onmicrosoft.com"  # where Microsoft's tenants keep their administrators


@dataclass(frozen=True, slots=True)
class Profile:
    """
    One directory entry, reduced to what can be compared.

    *emails* are its primary addresses (for signing in, or the first for mail; a guest's at home), *aliases* all others:
    further addresses, contacts.  *employee_no* is None where the vendor has none.  *names* are in any script and order;
    *nicknames* are display names that the person chose.  *rules_all*: it has all rights in the tenant, which an everyday
    account should not have.
    """

    account: Account
    employee_no: str | None = None
    emails: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    nicknames: tuple[str, ...] = ()
    rules_all: bool = False


def match_all(leaver: Leaver, profiles: Iterable[Profile]) -> list[Match]:
    """Return the candidates among *profiles*, most facts first; entries without any likeness are left out."""
    found = [match for profile in profiles if (match := compare(leaver, profile)) is not None]
    return sorted(found, key=_rank)


def _rank(match: Match) -> tuple[int, int, int, str]:
    said, strength = list(match.says.values()), list(MatchReason).index(match.reason)
    return -said.count(ComparisonResult.FACT), said.count(ComparisonResult.CONTRADICTION), strength, match.account.id


def compare(leaver: Leaver, profile: Profile) -> Match | None:
    """Return what speaks for and against *profile*'s being the leaver's; None if nothing makes it a candidate."""
    names = compare_names(leaver, profile.names, profile.nicknames)
    primary, company = fold_all(profile.emails), fold_email(leaver.email or "")
    found = {
        Fact.NUMBER: compare_numbers(leaver.employee_no, profile.employee_no),
        Fact.ADDRESS: (ComparisonResult.FACT if company in primary else ComparisonResult.NEITHER)
        if company and primary
        else None,
        Fact.NAME: names.says,
    }
    says = {fact: said for fact, said in found.items() if said is not None}
    others = fold_all(profile.aliases) - primary
    administration = _for_administration(profile, primary, company)
    reason = _reason(says, names, _by_address(leaver, primary, others), administration=administration)
    if reason is None:
        return None
    return Match(profile.account, reason, says, tuple(sorted(primary)), tuple(sorted(others)), administration)


def _reason(
    says: dict[Fact, ComparisonResult], names: NameComparison, address: MatchReason | None, *, administration: bool
) -> MatchReason | None:
    if says.get(Fact.NUMBER) is ComparisonResult.FACT:
        return MatchReason.EMPLOYEE_NO
    if address is not None:
        return address
    if names.alike:
        present = MatchReason.ADMIN_TWIN if administration else MatchReason.NAME
        return MatchReason.FORMER_NAME if names.formerly else present
    return MatchReason.EMPLOYEE_NO if says.get(Fact.NUMBER) is ComparisonResult.NEITHER else None


def _by_address(leaver: Leaver, primary: frozenset[str], others: frozenset[str]) -> MatchReason | None:
    company = fold_email(leaver.email or "")
    if company in primary:
        return MatchReason.EMAIL
    if company in others:
        return MatchReason.ALIAS
    if (primary | others) & fold_all(leaver.other_emails):
        return MatchReason.OTHER_EMAIL
    twin = any(_is_twin(company, address) for address in primary | others)
    return MatchReason.ADMIN_TWIN if twin else None


def _for_administration(profile: Profile, primary: frozenset[str], company: str) -> bool:
    """Whether the account is for administration: by its address, or by its rights if it has not HR's address."""
    if any(_ADMINISTRATION.search(address.partition("@")[0]) or _is_twin(company, address) for address in primary):
        return True
    return profile.rules_all and company not in primary


def compare_numbers(ours: str, theirs: str | None) -> ComparisonResult | None:
    """Compare employee numbers; neither: they differ only by hyphens and leading zeros, which spreadsheets drop."""
    our, their = fold_number(ours), fold_number(theirs or "")
    if our == "" or their == "":
        return None
    if our == their:
        return ComparisonResult.FACT
    return ComparisonResult.NEITHER if bare_number(our) == bare_number(their) else ComparisonResult.CONTRADICTION


def fold_email(email: str) -> str:
    """Fold an address for comparing: case and outer space only, since dots and plus signs may be other people's."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def fold_all(addresses: Iterable[str]) -> frozenset[str]:
    """Fold addresses, without the empty ones that some vendors give where there is no address."""
    return frozenset(folded for address in addresses if (folded := fold_email(address)))


def fold_number(number: str) -> str:
    """Fold an employee number for comparing: width, case and space.  A mere dash means "no number": empty."""
    folded = "".join(unicodedata.normalize("NFKC", number).split()).casefold()
    return folded if bare_number(folded) else ""


def bare_number(number: str) -> str:
    """Return *number* without hyphens and leading zeros, which spreadsheets drop."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", re.sub(r"[\W_]+", "", number))


def untwinned(local: str) -> str:
    """Return the local part of an address without an administrator's mark."""
    return _TWIN.sub("", local)


def _is_twin(company: str, address: str) -> bool:
    ours, _, our_domain = company.partition("@")
    theirs, _, domain = address.partition("@")
    if domain != our_domain and not domain.endswith(_CLOUD_ONLY):
        return False
    return ours not in {"", theirs} and untwinned(theirs) == ours
