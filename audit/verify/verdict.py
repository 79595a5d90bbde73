"""What a sound bundle proves of its case: the lines of the verdict, from the sealed events alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from audit import layout
from audit.projection import Projection, project
from audit.verify.folder import Bundle

Line: TypeAlias = "tuple[str, str]"
"""English and Japanese."""
LONGEST_PAYLOAD = 1 << 28
"""Bytes: some 600,000 exchanges."""
_SEEN = "observed_closed"
_SIGNED = frozenset({"waived", "attested"})
_UNTOLD = "accepted"
"""The first version sealed of no account whose it is: it had rows of the leaver's alone."""


def projection_of(bundle: Bundle) -> Projection:
    """Return the case as the bundle's events have it; its steps have proved them."""
    return project((seq, bundle.event(seq), _payload(bundle, seq)) for seq in range(bundle.events))


def _payload(bundle: Bundle, seq: int) -> dict[str, Any] | None:
    path = layout.payload(seq)
    said = json.loads(bundle.whole(path, LONGEST_PAYLOAD)) if path in bundle.paths else None
    return said if isinstance(said, dict) else None


def lines(case: Projection) -> Iterator[Line]:
    """Yield what is to be known of the case before anybody relies on the record: a case that ended well has one line."""
    if case.state == "closed":
        yield f"CLOSED at {case.closed_at}", f"終結: {case.closed_at}"
    else:
        yield f"NOT CLOSED: the case is {case.state}", f"未終結: 案件の状態は {case.state}"
    if not case.for_real:
        yield "PLAN ONLY: nobody decided that anything be taken away", "計画のみ: 実施の決定なし"
    if case.findings:
        count = len(case.findings)
        yield f"FINDINGS OPEN: {count}", f"未解決の指摘: {count} 件"
    states = [row.state for row in case.rows.values() if case.accounts.get(row.account, _UNTOLD) == "accepted"]
    unseen = sum(state != _SEEN and state not in _SIGNED for state in states)
    if unseen:
        yield f"NOT SEEN CLOSED: {unseen} of {len(states)} rows", f"停止未確認: {len(states)} 行中 {unseen} 行"
    if signed := sum(state in _SIGNED for state in states):
        yield (
            f"SIGNED FOR, NOT SEEN: {signed} of {len(states)} rows rest on a waiver or an attestation",
            f"署名による承認 (確認なし): {len(states)} 行中 {signed} 行",
        )
    if case.unauthenticated:
        yield (
            f"UNAUTHENTICATED: {case.unauthenticated} acts of people of whom nobody made sure who they are",
            f"本人確認なし: {case.unauthenticated} 件の操作",
        )
    if case.unfit:
        yield f"NOT READABLE: {len(case.unfit)} events", f"読めない事象: {len(case.unfit)} 件"
    if case.erased:
        yield (
            "ERASED: what only payloads named is counted in no line above",
            "消去済み: 個人データのみが示していた事項は上に含まれない",
        )


def summed_up(bundle: Bundle) -> list[Line]:
    """Return the lines of the verdict; of payloads that nothing of ours wrote, that they cannot be read."""
    try:
        return [*lines(projection_of(bundle))]
    except (ValueError, TypeError, RecursionError):
        return [("NOT READABLE: a payload is not what lastday writes", "読めない個人データあり")]
