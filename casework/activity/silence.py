"""
Proof of silence: what the leaver's own accounts did after the effective cut-off, which should be nothing.

A sign-in or a new way out (a share, a forward, a grant …) breaks silence from the read that saw the block.  Earlier sessions and tokens live on
for as long as the vendor documents: other activity counts from `cut_effective_by`, and until then it is reported as residual.  A failed sign-in
or a sign-out does not break silence; what others do to the account is counted separately.  An event that we have no kind for, one under an
unknown name, and a record that cannot be understood neither break silence nor let it be proved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from casework.activity.tally import EXITS
from casework.messages import BilingualText, Message, message
from casework.truth.post_cut import EventTimes
from connectors.activity import Activity
from models.tables import CaseAccount, CaseEntitlement
from models.vocabulary import ActivityKind, EntitlementKind, as_fields

_CLOCKS = timedelta(seconds=2)
"""How far the vendor's clock may be from ours."""
_ENDED_WITH_IT = frozenset({
    EntitlementKind.SIGN_IN, EntitlementKind.SESSION, EntitlementKind.GRANT, EntitlementKind.APP_PASSWORD,
})  # fmt: skip
_NO_ACCESS = frozenset({ActivityKind.SIGN_IN_FAILED, ActivityKind.SIGN_OUT})
_FROM_THE_BLOCK = EXITS | {ActivityKind.SIGN_IN}
_MOST_WORDS = 1_000
_WORDS_SAID = 3


class LogCoverage(NamedTuple):
    """A log that was read past the cut, the kinds of activity that it can record, and until when it is known in full."""

    log: str
    kinds: frozenset[ActivityKind]
    until: datetime


def note(heard: dict[ActivityKind, EventTimes], activity: Activity) -> None:
    """Count *activity* in *heard* under its kind."""
    heard.setdefault(activity.kind, EventTimes(0, activity.at, activity.at)).add(activity.at)


class AccountSilence:
    """
    One account after its cut.  *rows*: its entitlements.

    *blocked_at* is None until a read has seen the account blocked: until then nothing is counted.
    """

    def __init__(self, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> None:
        block = [r.observed_at for r in rows if r.kind is EntitlementKind.SIGN_IN and r.observed_at is not None]
        lives = [r.cut_effective_by for r in rows if r.kind in _ENDED_WITH_IT and r.cut_effective_by is not None]
        self.account, self.blocked_at = account, max(block, default=None)
        self.effective_by = self.blocked_at and max([self.blocked_at, *lives])
        self.broken: dict[ActivityKind, EventTimes] = {}
        self.unclear: dict[ActivityKind, EventTimes] = {}
        self.by_others: dict[ActivityKind, EventTimes] = {}
        self.words: Counter[str] = Counter()
        self.unclear_words: Counter[str] = Counter()
        self.residual = self.attempts = 0

    def hear(self, activities: Iterable[Activity]) -> None:
        """Count what the account did after the cut."""
        if self.blocked_at is None or self.effective_by is None:
            return
        done = [one for one in activities if not one.undone]
        clear = [one for one in done if one.kind is not ActivityKind.OTHER]
        for activity in clear:
            if activity.kind in _NO_ACCESS:
                self.attempts += activity.kind is ActivityKind.SIGN_IN_FAILED and activity.at > self.blocked_at
            elif self._is_late(activity):
                self._note(self.broken, self.words, activity)
            else:
                self.residual += activity.at > self.blocked_at
        if all(one.kind in _NO_ACCESS for one in clear):  # a record with a known kind needs no second count
            without_a_word = [one for one in done if one.kind is ActivityKind.OTHER]
            self.hear_doubtful(without_a_word)
            self.residual += sum(one.at > self.blocked_at and not self._is_late(one) for one in without_a_word)

    def _is_late(self, activity: Activity) -> bool:
        """Whether *activity* is later than sessions and tokens from before the block can explain."""
        limit = self.blocked_at if activity.kind in _FROM_THE_BLOCK else self.effective_by
        return limit is not None and activity.at > limit + _CLOCKS

    def hear_doubtful(self, activities: Iterable[Activity]) -> None:
        """Count events that leave silence unproved: those that we have no kind for, and those under an unknown name."""
        for activity in activities:
            if not activity.undone and activity.kind not in _NO_ACCESS and self._is_late(activity):
                self._note(self.unclear, self.unclear_words, activity)

    def hear_odd(self, at: datetime) -> None:
        """Count a record that cannot be understood: it may be of a kind that counts from the block."""
        if self.blocked_at is not None and at > self.blocked_at + _CLOCKS:
            self._note(self.unclear, self.unclear_words, Activity(ActivityKind.OTHER, at, "?"))

    def hear_others(self, activities: Iterable[Activity]) -> None:
        """Count what others did to the account after the cut."""
        for activity in activities:
            if self.blocked_at is not None and activity.at > self.blocked_at and not activity.undone:
                note(self.by_others, activity)

    @staticmethod
    def _note(heard: dict[ActivityKind, EventTimes], words: Counter[str], activity: Activity) -> None:
        note(heard, activity)
        if activity.raw_name in words or len(words) < _MOST_WORDS:
            words[activity.raw_name] += 1

    def told(self, heard: Sequence[LogCoverage] | None) -> dict[str, Any]:
        """Return the account's silence for the summary.  *heard*: the account's logs; None unless each was read past the cut."""
        state = self._state(heard)
        events, said = (self.broken, self.words) if self.broken else (self.unclear, self.unclear_words)
        count = sum(times.count for times in events.values())
        words = tuple(f"{word} ×{number:,}" for word, number in said.most_common(_WORDS_SAID))
        until = self.effective_by and self.effective_by.isoformat(timespec="minutes")
        residual = (
            message("silence_residual", count=self.residual, until=until) if self.residual else BilingualText("", "")
        )
        logs = tuple(_in_words(one) for one in heard or ())
        return {
            **as_fields(self.account.connection),
            "account": self.account.vendor_id,
            "state": state,
            **message(f"silence_{state}", count=count, words=words, logs=logs, residual=residual).said.fields,
            "cut_effective_by": self.effective_by,
            "residual": self.residual,
            "attempts": self.attempts,
            "events": _events(self.broken),
            "unclear": _events(self.unclear),
            "by_others": _events(self.by_others),
        }

    def _state(self, heard: Sequence[LogCoverage] | None) -> str:
        if self.blocked_at is None or self.effective_by is None:
            return "not_cut"
        if self.broken:
            return "broken"
        if self.unclear:
            return "unclear"
        return "silent" if heard and min(one.until for one in heard) > self.effective_by else "not_read"


def _events(heard: dict[ActivityKind, EventTimes]) -> list[dict[str, Any]]:
    return [{"kind": kind, **asdict(times)} for kind, times in sorted(heard.items())]


def _in_words(heard: LogCoverage) -> Message:
    kinds = tuple(message(f"kind_{kind}") for kind in sorted(heard.kinds)) or (message("kind_any"),)
    return message("silence_in", log=heard.log, kinds=kinds, until=heard.until.isoformat(timespec="minutes"))
