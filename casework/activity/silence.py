"""
Proof of silence: what the leaver's own accounts did after the effective cut-off, which should be nothing of any kind.

A sign-in, and a new way out (a share, a forwarding, a grant …), counts from the read that saw the block.  Sessions and tokens that were issued
before live on for as long as the vendor documents: what else is done with them counts from `cut_effective_by`; until then it is residual, and said.  That somebody tries to sign in
in vain, or that a session ends, breaks no silence; what others do to the account is told apart.  An event without a word of ours,
one under a name that is nobody's that we know, and a record that cannot be understood break none, and leave none proved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from casework.activity.tally import EXITS
from casework.messages import Message, Said, message
from casework.truth.post_cut import Times
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


class Heard(NamedTuple):
    """A log that was read past the cut: which kinds its records tell, and until when it is sure."""

    log: str
    kinds: frozenset[ActivityKind]
    until: datetime


def note(heard: dict[ActivityKind, Times], activity: Activity) -> None:
    """Count *activity* among what was heard of its kind."""
    heard.setdefault(activity.kind, Times(0, activity.at, activity.at)).add(activity.at)


class Quiet:
    """
    One account after its cut, of which *rows* are known.

    *blocked_at* is None while nobody has seen it blocked: then nothing can be said.
    """

    def __init__(self, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> None:
        block = [r.observed_at for r in rows if r.kind is EntitlementKind.SIGN_IN and r.observed_at is not None]
        lives = [r.cut_effective_by for r in rows if r.kind in _ENDED_WITH_IT and r.cut_effective_by is not None]
        self.account, self.blocked_at = account, max(block, default=None)
        self.effective_by = self.blocked_at and max([self.blocked_at, *lives])
        self.broken: dict[ActivityKind, Times] = {}
        self.unclear: dict[ActivityKind, Times] = {}
        self.by_others: dict[ActivityKind, Times] = {}
        self.words: Counter[str] = Counter()
        self.unclear_words: Counter[str] = Counter()
        self.residual = self.attempts = 0

    def hear(self, activities: Iterable[Activity]) -> None:
        """Take note of what the account did after the cut."""
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
        if all(one.kind in _NO_ACCESS for one in clear):  # else its other words say no more
            without_a_word = [one for one in done if one.kind is ActivityKind.OTHER]
            self.hear_doubtful(without_a_word)
            self.residual += sum(one.at > self.blocked_at and not self._is_late(one) for one in without_a_word)

    def _is_late(self, activity: Activity) -> bool:
        """Whether it lies beyond what sessions and tokens of before the block may still have done."""
        limit = self.blocked_at if activity.kind in _FROM_THE_BLOCK else self.effective_by
        return limit is not None and activity.at > limit + _CLOCKS

    def hear_doubtful(self, activities: Iterable[Activity]) -> None:
        """Take note of what nobody can say is silence: of events without a word, or under a name that is nobody's we know."""
        for activity in activities:
            if not activity.undone and activity.kind not in _NO_ACCESS and self._is_late(activity):
                self._note(self.unclear, self.unclear_words, activity)

    def hear_odd(self, at: datetime) -> None:
        """Take note of a record that cannot be understood: of whatever kind it is, it may be one that counts from the block on."""
        if self.blocked_at is not None and at > self.blocked_at + _CLOCKS:
            self._note(self.unclear, self.unclear_words, Activity(ActivityKind.OTHER, at, "?"))

    def hear_others(self, activities: Iterable[Activity]) -> None:
        """Take note of what others did to the account after the cut."""
        for activity in activities:
            if self.blocked_at is not None and activity.at > self.blocked_at and not activity.undone:
                note(self.by_others, activity)

    @staticmethod
    def _note(heard: dict[ActivityKind, Times], words: Counter[str], activity: Activity) -> None:
        note(heard, activity)
        if activity.raw_name in words or len(words) < _MOST_WORDS:
            words[activity.raw_name] += 1

    def told(self, heard: Sequence[Heard] | None) -> dict[str, Any]:
        """Return it as the summary has it.  *heard*: the logs of the account, None unless each was read past the cut."""
        state = self._state(heard)
        events, said = (self.broken, self.words) if self.broken else (self.unclear, self.unclear_words)
        count = sum(times.count for times in events.values())
        words = tuple(f"{word} ×{number:,}" for word, number in said.most_common(_WORDS_SAID))
        until = self.effective_by and self.effective_by.isoformat(timespec="minutes")
        residual = message("silence_residual", count=self.residual, until=until) if self.residual else Said("", "")
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

    def _state(self, heard: Sequence[Heard] | None) -> str:
        if self.blocked_at is None or self.effective_by is None:
            return "not_cut"
        if self.broken:
            return "broken"
        if self.unclear:
            return "unclear"
        return "silent" if heard and min(one.until for one in heard) > self.effective_by else "not_read"


def _events(heard: dict[ActivityKind, Times]) -> list[dict[str, Any]]:
    return [{"kind": kind, **asdict(times)} for kind, times in sorted(heard.items())]


def _in_words(heard: Heard) -> Message:
    kinds = tuple(message(f"kind_{kind}") for kind in sorted(heard.kinds)) or (message("kind_any"),)
    return message("silence_in", log=heard.log, kinds=kinds, until=heard.until.isoformat(timespec="minutes"))
