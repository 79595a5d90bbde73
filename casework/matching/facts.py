"""
The facts that reads showed of an account, each with the time of its read.

A later read adds a fact or a contradiction.  If it is silent, or says neither, the earlier fact is kept: a blocked account
shows less, or another address, and is still the leaver's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from casework.matching.deciding import Candidate
from connectors.errors import storable
from connectors.matching import fold_email
from models.tables import CaseAccount
from models.vocabulary import ComparisonResult, Fact, Match, Standing

_FIELDS: Mapping[str, Fact] = {
    "email": Fact.ADDRESS,
    **dict.fromkeys(("name", "kana", "romaji", "former_name"), Fact.NAME),
}
"""The fact that rests on each particular of the notice.  Further addresses make candidates, but no facts."""


def take(row: CaseAccount, match: Match, read_at: datetime, written_at: datetime) -> None:
    """Write what one read shows of the account to *row*.  *read_at*: when the read began; *written_at*: now."""
    kept = dict(row.facts or {})
    for fact, says in match.says.items():
        if says is ComparisonResult.NEITHER and fact in kept:
            continue
        since = kept[fact]["since"] if fact in kept and kept[fact]["says"] == says else read_at.isoformat()
        kept[str(fact)] = {"says": str(says), "since": since, "read_at": read_at.isoformat()}
    row.facts = kept
    row.addresses = {
        "primary": list(match.primary),
        "others": list(match.others),
        "names": _names(row, match, written_at),
    }
    row.for_administration, row.seen_at, row.reason = match.for_administration, read_at, match.reason
    account = match.account
    row.active, row.label, row.kind = account.active, storable(account.label), account.kind
    row.mastered_elsewhere = account.mastered_elsewhere


def _names(row: CaseAccount, match: Match, written_at: datetime) -> dict[str, str]:
    """
    Return every name that a search found the account by, folded, with when it was last new here.

    The time is that of the writing, not of the search's beginning: a search that is under way at a block may find a name that was given after it.
    """
    before, name = fold_email(row.label), fold_email(storable(match.account.label))
    known = row.addresses.get("names") or {before: (row.seen_at or written_at).isoformat()}
    return known if name == before else known | {name: written_at.isoformat()}


def forget(row: CaseAccount, fields: Iterable[str]) -> None:
    """
    Void the facts that rest on *fields* of the notice, and another service's confirmation.  The account is no candidate until
    the next search finds it again.
    """
    voided = {Fact.CONFIRMED_ELSEWHERE, *(_FIELDS[field] for field in fields if field in _FIELDS)}
    begin_anew(row)
    row.facts = {fact: kept for fact, kept in (row.facts or {}).items() if fact not in voided}
    row.seen_at = None


def begin_anew(row: CaseAccount) -> None:
    """Begin to keep facts of an old account that was judged without any; if it was accepted, a person is asked about a loss."""
    if row.facts is None:
        row.facts = {}
        row.judged = row.judged | {"lost": row.standing is Standing.ACCEPTED}


def confirm(row: CaseAccount, moment: datetime) -> None:
    """Keep that another service confirmed the account: that service's account may be blocked, or renamed, later."""
    said = {"says": str(ComparisonResult.FACT), "since": moment.isoformat(), "read_at": moment.isoformat()}
    row.facts = {str(Fact.CONFIRMED_ELSEWHERE): said} | (row.facts or {})


def candidate(row: CaseAccount, *, numbers_count: bool) -> Candidate:
    """Return the `Candidate` of *row*.  Without *numbers_count* its number says nothing."""
    says = {Fact(fact): ComparisonResult(kept["says"]) for fact, kept in (row.facts or {}).items()}
    if not numbers_count:
        says.pop(Fact.NUMBER, None)
    primary = frozenset(row.addresses.get("primary", ()))
    return Candidate(row.connection, row.vendor_id, row.kind, row.reason, says, primary, row.for_administration)


def contradicted_since(row: CaseAccount, moment: datetime) -> bool:
    """Whether a read contradicted the account after *moment*: a person who decided then did not know of it."""
    return any(
        ComparisonResult(kept["says"]) is ComparisonResult.CONTRADICTION
        and datetime.fromisoformat(kept["since"]) > moment
        for kept in (row.facts or {}).values()
    )


def still_likely(row: CaseAccount, searched_at: datetime | None) -> bool:
    """Whether the newest search found the account, or a fact for it is kept."""
    seen = row.seen_at is not None and (searched_at is None or row.seen_at >= searched_at)
    return seen or any(ComparisonResult(kept["says"]) is ComparisonResult.FACT for kept in (row.facts or {}).values())
