"""
Decide whose an account is: two facts make it the leaver's, everything else is a question.

Pure functions, to be called again when another service has answered: the same candidates give the same verdicts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from models.vocabulary import AccountKind, ComparisonResult, ConnectionId, Fact, MatchReason, Standing

Key: TypeAlias = "tuple[ConnectionId, str]"

_BY_NAME = frozenset({MatchReason.NAME, MatchReason.FORMER_NAME})


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    One account of one service, by the reads so far.

    *says*: the facts of its own reads, and whether another service confirmed it before; `decide` adds what the other services
    show now.  *primary*: its primary addresses.
    """

    connection: ConnectionId
    account_id: str
    kind: AccountKind
    reason: MatchReason
    says: Mapping[Fact, ComparisonResult]
    primary: frozenset[str] = frozenset()
    for_administration: bool = False

    @property
    def key(self) -> Key:
        return self.connection, self.account_id

    def all_that(self, says: ComparisonResult) -> frozenset[Fact]:
        """Return the facts that are known in the sense of *says*: for the account, or against it."""
        return frozenset(fact for fact, said in self.says.items() if said is says)


@dataclass(frozen=True, slots=True)
class CandidateVerdict:
    """The decision on a candidate, with its facts and contradictions, also those from other services."""

    standing: Standing
    facts: frozenset[Fact]
    contradictions: frozenset[Fact]


def decide(
    candidates: Collection[Candidate], links: Mapping[Key, bool], answers: Mapping[Key, bool]
) -> dict[Key, CandidateVerdict]:
    """
    Return a verdict for each of the *candidates* of all services.

    *answers*: people's answers in this case; *links*: those of earlier cases; True: the leaver's, False: not.  An answer
    decides.  A link to the leaver yields to a contradiction; a link against is asked about if the facts suffice.
    """
    known = _with_rivals(candidates)
    denied = _denied(known, answers)
    own = [one for one in known if _two_of_its_own(one) and not one.primary & denied[one.connection]]
    known = [_with_elsewhere(one, own, denied) for one in known]
    vouched = any(_vouches(one) for one in known)
    return {
        one.key: CandidateVerdict(
            _standing(one, link=links.get(one.key), answer=answers.get(one.key), number_vouched=vouched),
            one.all_that(ComparisonResult.FACT),
            one.all_that(ComparisonResult.CONTRADICTION),
        )
        for one in known
    }


def _with_rivals(candidates: Collection[Candidate]) -> list[Candidate]:
    """
    Count the notice's address against an account with the number, if another account of its service has the address
    and the name, but not the number: the number may be a typing error that points to a namesake.
    """
    named = {one.connection for one in candidates if one.all_that(ComparisonResult.FACT) == {Fact.ADDRESS, Fact.NAME}}
    return [
        replace(one, says={**one.says, Fact.ADDRESS: ComparisonResult.CONTRADICTION})
        if one.connection in named
        and Fact.NUMBER in one.all_that(ComparisonResult.FACT)
        and one.says.get(Fact.ADDRESS) is ComparisonResult.NEITHER
        else one
        for one in candidates
    ]


def _denied(known: Collection[Candidate], answers: Mapping[Key, bool]) -> dict[ConnectionId, frozenset[str]]:
    """Return for each service the primary addresses that are another person's, by another service or a person's answer."""
    against = [one for one in known if one.all_that(ComparisonResult.CONTRADICTION) or answers.get(one.key) is False]
    return {
        connection: frozenset(address for one in against if one.connection != connection for address in one.primary)
        for connection in {one.connection for one in known}
    }


def _two_facts(one: Candidate) -> bool:
    """Whether the account has two facts, no contradiction, and is not always asked about."""
    return (
        not _always_asked(one)
        and not one.all_that(ComparisonResult.CONTRADICTION)
        and len(one.all_that(ComparisonResult.FACT)) > 1
    )


def _two_of_its_own(one: Candidate) -> bool:
    """Whether the account has two facts without another service's: only such an account confirms others."""
    says: dict[Fact, ComparisonResult] = {f: said for f, said in one.says.items() if f is not Fact.CONFIRMED_ELSEWHERE}
    return _two_facts(replace(one, says=says))


def _vouches(one: Candidate) -> bool:
    """Whether this account shows that the notice's number is right: it agrees in number and address, and not in another name."""
    sure = _two_facts(one) and {Fact.NUMBER, Fact.ADDRESS} <= one.all_that(ComparisonResult.FACT)
    return sure and one.says.get(Fact.NAME) is not ComparisonResult.NEITHER


def _always_asked(one: Candidate) -> bool:
    return one.for_administration or one.kind is AccountKind.BOT


def _with_elsewhere(
    one: Candidate, own: Collection[Candidate], denied: Mapping[ConnectionId, frozenset[str]]
) -> Candidate:
    """Add the other services' fact, or contradiction, on the same primary address."""
    if one.primary & denied[one.connection]:
        return replace(one, says={**one.says, Fact.CONFIRMED_ELSEWHERE: ComparisonResult.CONTRADICTION})
    if any(other.connection != one.connection and other.primary & one.primary for other in own):
        return replace(one, says={**one.says, Fact.CONFIRMED_ELSEWHERE: ComparisonResult.FACT})
    return one


def _standing(one: Candidate, *, link: bool | None, answer: bool | None, number_vouched: bool) -> Standing:
    if answer is not None:
        return Standing.ACCEPTED if answer else Standing.REJECTED
    against = one.all_that(ComparisonResult.CONTRADICTION)
    accepted = _two_facts(one) or _number_alone(one)
    if link is False:
        return Standing.ASKED if accepted else Standing.REJECTED
    if accepted or (link and not against):
        return Standing.ACCEPTED
    return Standing.LOOK_ALIKE if number_vouched and _is_namesake(one, against) else Standing.ASKED


def _number_alone(one: Candidate) -> bool:
    """Whether it is a member's account whose number agrees, and that has nothing else to compare."""
    return (
        one.kind is AccountKind.MEMBER
        and not _always_asked(one)
        and dict(one.says) == {Fact.NUMBER: ComparisonResult.FACT}
    )


def _is_namesake(one: Candidate, against: frozenset[Fact]) -> bool:
    """
    Whether the account shares the name alone, and has another number, here or in another service.

    It is shown and not asked about if the leaver's number is known to be right: an accepted account has it together with
    the notice's address.
    """
    elsewhere = {Fact.NUMBER, Fact.CONFIRMED_ELSEWHERE}
    return not _always_asked(one) and one.reason in _BY_NAME and bool(elsewhere & against)
