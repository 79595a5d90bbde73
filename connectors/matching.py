"""
Whose account is it?  One way of weighing a directory's entry against HR's notice, the same for each service.

The weight is a reason with a confidence, not a verdict: casework holds it against policy's threshold, and below it a
person decides.  A name alone never reaches a default threshold; an employee number that differs outweighs any name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import jaconv

from models.vocabulary import Account, AccountKind, Leaver, Match, MatchReason

_OLD_FORMS = str.maketrans("髙﨑德邊邉齋齊濵濱澤廣櫻國眞神", "高崎徳辺辺斎斉浜浜沢広桜国真神")
_VOICING = "\u3099\u309a"  # the marks that make が of か and ぱ of は: letters, not accents
_TWIN = re.compile(r"^(?:adm|admin|a|da|ga|sa|priv)[-._]|[-._](?:adm|admin|priv)$")
_SPELLINGS = (("ou", "o"), ("oo", "o"), ("oh", "o"), ("uu", "u"), ("tsu", "tu"), ("shi", "si"), ("chi", "ti"))


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


def match_all(leaver: Leaver, profiles: Iterable[Profile]) -> list[Match]:
    """Return the matches among *profiles*, strongest first; entries without any likeness are left out."""
    found = [match for profile in profiles if (match := weigh(leaver, profile)) is not None]
    return sorted(found, key=lambda match: (-match.confidence, match.account.id))


def weigh(leaver: Leaver, profile: Profile) -> Match | None:
    """Return the strongest reason for *profile* being the leaver's, None without any."""
    same_no, other_no = _numbers(leaver, profile)
    if same_no:
        return _match(profile, MatchReason.EMPLOYEE_NO, 1.0, f"employee number {leaver.employee_no}")
    reason, confidence, text = _by_address(leaver, profile) or _by_name(leaver, profile) or (None, 0.0, "")
    if reason is None:
        return None
    if not other_no:
        return _match(profile, reason, confidence, text)
    note = f"{text}, but employee number {profile.employee_no} is not {leaver.employee_no}"
    if reason in {MatchReason.EMAIL, MatchReason.ALIAS, MatchReason.OTHER_EMAIL}:
        # an address that was given to somebody else, or a typing error at HR: a person must look
        return _match(profile, reason, 0.4, note)
    return _match(profile, MatchReason.DIFFERENT_PERSON, 0.0, note)


def fold_name(name: str) -> str:
    """
    Fold *name* so that spellings of one name compare equal: width, case, diacritics, word order of Latin names,
    long vowels of romaji, old forms of kanji, hiragana and katakana.
    """
    text = jaconv.hira2kata(unicodedata.normalize("NFKC", name)).translate(_OLD_FORMS).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c) or c in _VOICING)
    plain = unicodedata.normalize("NFC", bare).replace("đ", "d").replace("ø", "o").replace("ß", "ss")
    words = [word for word in re.split(r"[\s,・･=＝.\-'’]+", plain) if word]
    if all(word.isascii() for word in words):
        for long, short in _SPELLINGS:
            words = [word.replace(long, short) for word in words]
        return " ".join(sorted(words))
    return "".join(words)


def fold_email(email: str) -> str:
    """Fold an address for comparing: case and surrounding space only, since dots and plus signs may tell people apart."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def _numbers(leaver: Leaver, profile: Profile) -> tuple[bool, bool]:
    if profile.employee_no is None or not profile.employee_no.strip():
        return False, False
    same = _fold_number(profile.employee_no) == _fold_number(leaver.employee_no)
    return same, not same


def _fold_number(number: str) -> str:
    return unicodedata.normalize("NFKC", number).strip().casefold()


def _by_address(leaver: Leaver, profile: Profile) -> tuple[MatchReason, float, str] | None:
    first = {fold_email(e) for e in profile.emails}
    every = first | {fold_email(e) for e in profile.aliases}
    company = fold_email(leaver.email) if leaver.email is not None else None
    if company is not None and company in first:
        return MatchReason.EMAIL, 0.98, "its address is the notice's"
    if company is not None and company in every:
        return MatchReason.ALIAS, 0.95, "the notice's address is its alias"
    if every & {fold_email(e) for e in leaver.other_emails}:
        return MatchReason.OTHER_EMAIL, 0.8, "it has another address of the leaver"
    if company is not None and any(_is_twin(company, address) for address in every):
        return MatchReason.ADMIN_TWIN, 0.7, "its address is the leaver's with an administrator's prefix"
    return None


def _is_twin(company: str, address: str) -> bool:
    ours, _, our_domain = company.partition("@")
    theirs, _, domain = address.partition("@")
    return domain == our_domain and theirs != ours and _TWIN.sub("", theirs) == ours


def _by_name(leaver: Leaver, profile: Profile) -> tuple[MatchReason, float, str] | None:
    theirs = {fold_name(name) for name in profile.names if name.strip()}
    now = {fold_name(name) for name in (leaver.name, leaver.kana, leaver.romaji) if name and name.strip()}
    if theirs & now:
        if profile.account.kind is AccountKind.ADMIN:
            return MatchReason.ADMIN_TWIN, 0.6, "an administrator's account of the same name"
        return MatchReason.NAME, 0.5, "the same name"
    if leaver.former_name and fold_name(leaver.former_name) in theirs:
        return MatchReason.FORMER_NAME, 0.4, "the leaver's former name"
    return None


def _match(profile: Profile, reason: MatchReason, confidence: float, text: str) -> Match:
    return Match(profile.account, reason, confidence, text)
