"""Every type of event: the one list that `audit.fields`, the record's words and casework use."""

from __future__ import annotations

from enum import StrEnum
from typing import NoReturn


class EventType(StrEnum):
    """What happened.  A type is never renamed and never removed: old leaves keep it for ever."""

    CASE_OPENED = "case.opened"
    CASE_NOTICED = "case.noticed"
    CASE_PLANNED = "case.planned"
    CASE_WAITING = "case.waiting"
    CASE_AT_ONCE = "case.at_once"
    CASE_NUMBER_DISPUTED = "case.number_disputed"
    CASE_JUDGED = "case.judged"
    CASE_CUTTING = "case.cutting"
    CASE_CORRECTED = "case.corrected"
    CASE_DECIDED = "case.decided"
    CASE_RESCHEDULED = "case.rescheduled"
    CASE_WITHDRAWN = "case.withdrawn"
    CASE_CONTAINED = "case.contained"
    CASE_DEPROVISIONED = "case.deprovisioned"
    CASE_CLOSED = "case.closed"
    CASE_LOOKED = "case.looked"
    CASE_WATCHED = "case.watched"
    CASE_REOPENED = "case.reopened"
    CASE_APPROVAL_REQUESTED = "case.approval_requested"
    CASE_APPROVED = "case.approved"
    CASE_RESTORE_REQUESTED = "case.restore_requested"
    CASE_RESTORE_CONFIRMED = "case.restore_confirmed"
    CASE_RESTORING = "case.restoring"
    CASE_RESTORED_ROW = "case.restored_row"
    CASE_RESTORED = "case.restored"
    CASE_RETURNED = "case.returned"
    CASE_EXPORTED = "case.exported"
    CASE_EVIDENCE_LOOKED = "case.evidence_looked"
    CASE_CERTIFIED = "case.certified"
    CASE_CHANGED = "case.changed"
    CASE_PAUSED = "case.paused"
    CASE_RESUMED = "case.resumed"
    CASE_HELD = "case.held"
    CASE_HOLD_RELEASED = "case.hold_released"
    CASE_ERASURE_REQUESTED = "case.erasure_requested"
    CASE_POPULATION = "case.population"
    PLAN_SEALED = "plan.sealed"
    REVOKE_INTENT = "revoke.intent"
    REVOKE_OUTCOME = "revoke.outcome"
    OBSERVE_SEEN = "observe.seen"
    OBSERVE_OPENER = "observe.opener"
    FINDING_OPENED = "finding.opened"
    FINDING_RESOLVED = "finding.resolved"
    FINDING_QUESTION = "finding.question"
    FINDING_WAIVER_REQUESTED = "finding.waiver_requested"
    FINDING_WAIVED = "finding.waived"
    FINDING_ATTESTED = "finding.attested"
    ANSWER_RECORDED = "answer.recorded"
    EVIDENCE_BOUND = "evidence.bound"
    NDA_CHECKED = "nda.checked"
    NDA_INTENT = "nda.intent"
    NDA_OUTCOME = "nda.outcome"
    NDA_SETTLED = "nda.settled"
    NDA_REMINDED = "nda.reminded"
    NDA_REFUSED = "nda.refused"
    NDA_RULED = "nda.ruled"
    NDA_ANSWERED = "nda.answered"
    PAYLOAD_ERASED = "payload.erased"
    ANCHOR_RECORDED = "anchor.recorded"
    ANCHOR_FAILED = "anchor.failed"
    ANCHOR_CLEARED = "anchor.cleared"
    LOG_CLOSED = "log.closed"
    LOG_OPENED = "log.opened"
    LOG_KEY_ADDED = "log.key_added"
    LOG_KEY_RETIRED = "log.key_retired"
    LOG_KEY_COMPROMISED = "log.key_compromised"
    LOG_EVIDENCE_REWRAPPED = "log.evidence_rewrapped"
    TRAIL_EPOCH = "trail.epoch"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:  # noqa: ARG003  # the signature is enum's, and a message repeats no value
        raise ValueError("trail: cannot record this type of event: not listed")

    @property
    def family(self) -> str:
        """The word before the dot."""
        return self.partition(".")[0]


OF_THE_LOG = frozenset(kind for kind in EventType if kind.family in {"anchor", "log", "trail"})
"""Types that concern the log itself.  Every other type belongs to a case."""
