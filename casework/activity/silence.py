"""
Proof of silence: what the leaver's own accounts did after the effective cut-off, which should be nothing.

A sign-in counts from the read that saw the block.  Tokens that were issued before live on for as long as the vendor
documents: their use, and content fetched with them, counts from `cut_effective_by`; until then it is residual, and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from casework.messages import message
from casework.truth.post_cut import Times
from connectors.activity import Activity
from models.tables import CaseAccount, CaseEntitlement
from models.vocabulary import TAKES, ActivityKind, EntitlementKind, as_fields

_CLOCKS = timedelta(seconds=2)
"""How far the vendor's clock may be from ours."""
_ENDED_WITH_IT = frozenset({
    EntitlementKind.SIGN_IN, EntitlementKind.SESSION, EntitlementKind.GRANT, EntitlementKind.APP_PASSWORD,
})  # fmt: skip


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
        self.residual = 0

    def hear(self, activities: Iterable[Activity]) -> None:
        """Take note of what was done after the cut."""
        if self.blocked_at is None or self.effective_by is None:
            return
        for activity in activities:
            if activity.kind is ActivityKind.SIGN_IN:
                limit = self.blocked_at + _CLOCKS
            elif activity.kind in TAKES or activity.kind is ActivityKind.TOKEN_USE:
                limit = self.effective_by + _CLOCKS
                self.residual += self.blocked_at < activity.at <= limit
            else:
                continue
            if activity.at > limit:
                note(self.broken, activity)

    def told(self, sure_until: datetime | None) -> dict[str, Any]:
        """Return it as the summary has it.  *sure_until*: up to when every log has been read past its lag."""
        state = self._state(sure_until)
        count = sum(times.count for times in self.broken.values())
        until = sure_until and sure_until.isoformat(timespec="minutes")
        return {
            **as_fields(self.account.connection),
            "account": self.account.vendor_id,
            "state": state,
            **message(f"silence_{state}", count=count, until=until).said.fields,
            "cut_effective_by": self.effective_by,
            "residual": self.residual,
            "events": [{"kind": kind, **asdict(times)} for kind, times in sorted(self.broken.items())],
        }

    def _state(self, sure_until: datetime | None) -> str:
        if self.blocked_at is None or self.effective_by is None:
            return "not_cut"
        if self.broken:
            return "broken"
        return "silent" if sure_until is not None and sure_until > self.effective_by else "not_read"
