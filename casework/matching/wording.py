"""A verdict in words, for people."""

from __future__ import annotations

from collections.abc import Collection

from casework.matching.deciding import Verdict
from models.tables import CaseAccount
from models.vocabulary import Fact, MatchReason

_FOR = {
    Fact.NUMBER: "the employee number agrees",
    Fact.ADDRESS: "its address is the notice's",
    Fact.NAME: "the full name agrees",
    Fact.CONFIRMED_ELSEWHERE: "another service knows its address as the leaver's",
}
_AGAINST = {
    Fact.NUMBER: "it bears another employee number",
    Fact.ADDRESS: "another account bears the notice's address and name",
    Fact.NAME: "it bears another name",
    Fact.CONFIRMED_ELSEWHERE: "another service knows its address as somebody else's",
}
_CLUES = {
    MatchReason.EMPLOYEE_NO: "the employee number is the leaver's but for zeros or hyphens",
    MatchReason.ALIAS: "the notice's address is an alias of it, or a contact",
    MatchReason.OTHER_EMAIL: "it has another address of the leaver",
    MatchReason.ADMIN_TWIN: "it looks like an administrator's second account of the leaver",
    MatchReason.FORMER_NAME: "it bears the leaver's former name",
    MatchReason.NAME: "it bears the leaver's name, but another reading of it",
}
GONE = "nothing makes it a candidate any more"
LOST = "it was taken for the leaver's before"


def in_words(row: CaseAccount, verdict: Verdict) -> str:
    """Return what speaks for and against the account, in one line."""
    spoken = _listed(_FOR, verdict.facts)
    clue = _CLUES.get(row.reason)
    if clue is not None and not _is_told(row.reason, verdict):
        spoken.append(clue)
    if row.for_administration:
        spoken.append("it is for administration")
    against = _listed(_AGAINST, verdict.contradictions)
    text = "; ".join(spoken) or "nothing speaks for it"
    return f"{text}; but {'; '.join(against)}" if against else text


def _listed(words: dict[Fact, str], facts: Collection[Fact]) -> list[str]:
    return [text for fact, text in words.items() if fact in facts]


def _is_told(reason: MatchReason, verdict: Verdict) -> bool:
    told = {MatchReason.EMPLOYEE_NO: Fact.NUMBER, MatchReason.NAME: Fact.NAME}
    return told.get(reason) in verdict.facts
