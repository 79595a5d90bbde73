"""Departures and cases: states, findings, questions, and who is asked."""

from __future__ import annotations

from enum import StrEnum


class DepartureKind(StrEnum):
    """The notice's kind: why a person leaves, or that the person does not leave."""

    RESIGNATION = "resignation"
    DISMISSAL = "dismissal"
    CONTRACT_END = "contract_end"
    SECONDMENT_END = "secondment_end"
    LEAVE = "leave"
    WITHDRAWN = "withdrawn"
    CONTINUED = "continued"


NOT_DEPARTURES = frozenset({DepartureKind.LEAVE, DepartureKind.WITHDRAWN, DepartureKind.CONTINUED})
"""Kinds of notices with which nobody leaves."""


class CaseState(StrEnum):
    """The state of a case.  Findings do not change it."""

    OPEN = "open"
    PLANNED = "planned"
    WAITING = "waiting"
    CUTTING = "cutting"
    CONTAINED = "contained"
    DEPROVISIONED = "deprovisioned"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    RESTORING = "restoring"
    RESTORED = "restored"


class RunState(StrEnum):
    """The state of the run that should work on a case."""

    NONE = "none"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class FindingKind(StrEnum):
    """A reason why the case may not close."""

    STILL_OPEN = "still_open"
    UNREADABLE = "unreadable"
    NOT_ON_PLAN = "not_on_plan"
    NO_API = "no_api"
    NOT_CONFIRMED = "not_confirmed"
    REFUSED = "refused"
    FAILED = "failed"
    GUARDED = "guarded"
    MASTERED_ELSEWHERE = "mastered_elsewhere"
    UNMATCHED = "unmatched"
    NO_ACCOUNT = "no_account"
    ACTIVITY_AFTER_CUT = "activity_after_cut"
    RE_ENTRY = "re_entry"
    NOT_GIVEN_BACK = "not_given_back"


class ClosingRequirement(StrEnum):
    """What prevents a case from closing."""

    QUESTION = "question"
    FINDING = "finding"
    NOT_CUT = "not_cut"
    NOT_READ = "not_read"
    NOT_OPEN = "not_open"
    INTENT = "intent"
    PAUSE = "pause"
    STATE = "state"


class QuestionKind(StrEnum):
    """The kinds of questions to people: `casework.questions` has the rules of each."""

    WHOSE_ACCOUNT = "whose_account"
    RELEASE = "release"
    WAIVE = "waive"
    RESTORE = "restore"
    RETURN = "return"
    TAKEN_BY_US = "taken_by_us"
    ERASE = "erase"
    RETIRE = "retire"
    TRADE_SECRET = "trade_secret"
    RESUME = "resume"


class Role(StrEnum):
    """The role that is asked a question."""

    HR = "hr"
    IT = "it"
    SECURITY = "security"
    LEGAL = "legal"
