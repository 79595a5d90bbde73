"""The kinds of questions to people: the rules of each kind in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

from audit.events import EventType
from models.vocabulary import QuestionKind, Role

TENANT = "tenant"
"""The trail's case for questions about the tenant, which belong to no case."""
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class QuestionRules:
    """
    One kind of question.

    *roles* are asked; *escalates_to* is asked too once the answer is late.  The answer is wanted *ahead* of the case's instant,
    or at it, else *within* a time.  *second*: the person who asked may not answer.  *holds*: while it is open the case does not
    close, and its runs wait.  *verb* answers it at a terminal; *asked_as* and *answered_as* are the events that are sealed.
    """

    answer: Literal["accounts", "yes", "yes or no", "words"]
    roles: tuple[Role, ...]
    escalates_to: Role
    verb: str = "lastday approve"
    text: str = ""
    ahead: timedelta | None = None
    within: timedelta = timedelta(0)
    second: bool = False
    holds: bool = False
    asked_as: EventType | None = EventType.FINDING_QUESTION
    answered_as: EventType = EventType.CASE_APPROVED


KINDS: Mapping[QuestionKind, QuestionRules] = MappingProxyType({
    QuestionKind.WHOSE_ACCOUNT: QuestionRules(
        "accounts", (Role.IT, Role.HR), Role.SECURITY, "lastday answer", "Which of these accounts are the leaver's?",
        ahead=timedelta(days=1), holds=True, answered_as=EventType.ANSWER_RECORDED,
    ),
    QuestionKind.RELEASE: QuestionRules(
        "yes", (Role.IT,), Role.SECURITY, text="More departures are cut in this window than policy allows. Release this one?",
        ahead=timedelta(hours=4), second=True, holds=True, answered_as=EventType.ANSWER_RECORDED,
    ),
    QuestionKind.WAIVE: QuestionRules(
        "yes", (Role.SECURITY,), Role.LEGAL, within=timedelta(days=1), second=True,
        asked_as=EventType.FINDING_WAIVER_REQUESTED, answered_as=EventType.FINDING_WAIVED,
    ),
    QuestionKind.RESTORE: QuestionRules(
        "yes", (Role.IT, Role.HR), Role.SECURITY, within=timedelta(hours=1), second=True,
        asked_as=EventType.CASE_RESTORE_REQUESTED,
    ),
    QuestionKind.RETURN: QuestionRules(
        "yes", (Role.HR,), Role.IT, "lastday return", asked_as=None, answered_as=EventType.CASE_RETURNED,
    ),
    QuestionKind.TAKEN_BY_US: QuestionRules(
        "yes or no", (Role.IT,), Role.SECURITY, "lastday restore CASE --entitlement ID", "Did we take it?",
        within=timedelta(days=1), answered_as=EventType.CASE_RESTORE_CONFIRMED,
    ),
    QuestionKind.ERASE: QuestionRules(
        "yes", (Role.LEGAL,), Role.SECURITY, within=timedelta(days=30), second=True,
        asked_as=EventType.CASE_ERASURE_REQUESTED,
    ),
    QuestionKind.RETIRE: QuestionRules(
        "yes", (Role.IT, Role.SECURITY), Role.LEGAL, within=timedelta(days=7), second=True,
        asked_as=EventType.CASE_APPROVAL_REQUESTED,
    ),
    QuestionKind.RESUME: QuestionRules(
        "yes", (Role.IT, Role.HR, Role.SECURITY), Role.LEGAL, within=timedelta(hours=1), second=True,
        asked_as=EventType.CASE_APPROVAL_REQUESTED, answered_as=EventType.CASE_RESUMED,
    ),
    QuestionKind.TRADE_SECRET: QuestionRules(
        "words", (Role.LEGAL,), Role.SECURITY, "lastday nda answer", within=timedelta(days=30),
        asked_as=None, answered_as=EventType.NDA_ANSWERED,
    ),
})  # fmt: skip
HOLDING = frozenset(kind for kind, rules in KINDS.items() if rules.holds)
CONSENTS = frozenset(kind for kind, rules in KINDS.items() if rules.second)
