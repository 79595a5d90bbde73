"""
The re-entry watch: the leaver's addresses and devices on colleagues' accounts after the cut.  Off unless policy says so.

It reads as little as it can: the accounts that policy names, from the cut on, and it keeps counts of what matched alone.
Each watch is sealed with its purpose and the rule that allows it, also one that found nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.events import EventType
from casework.activity.collecting import logs_of
from casework.activity.lines import read_records
from casework.activity.rounds import rounds_of
from casework.connections import ready
from casework.context import Context
from casework.evidence.store import EvidenceStore
from casework.recording import seal
from casework.truth import post_cut
from casework.truth.findings import assess
from casework.truth.post_cut import Times
from connectors.activity import Activity, ActivityLog, Window
from connectors.errors import ConnectorError
from models.tables import Case, Collection
from models.vocabulary import Account, ActivityKind, Completeness, FindingKind, Service

_MOST_PAGES = 200
"""Of one log of one account: a watch that cannot see the end says that it did not."""
_MOST_ORIGINS = 500
_LONGEST_ANSWER = 90.0
"""Seconds, as for the leaver's own logs."""


@dataclass(slots=True)
class _Seen:
    """What the watched accounts showed.  *users*: by address or device, which accounts used it."""

    heard: dict[tuple[Service, str, str], dict[ActivityKind, Times]] = field(default_factory=dict)
    users: dict[str, set[tuple[Service, str]]] = field(default_factory=dict)
    unread: int = 0


async def watch(context: Context, case_id: str) -> int:
    """Watch once; return how many accounts showed the leaver's address or device.  Does nothing unless policy is on."""
    rules, case = context.policy.activity.watch, context.case(case_id)
    cut_at = case.contained_at
    now = context.now()
    if (
        not rules.on
        or context.evidence is None
        or cut_at is None
        or not cut_at < now <= cut_at + timedelta(days=rules.days)
    ):
        return 0
    origins = await asyncio.to_thread(_origins, context, context.evidence, case, cut_at)
    seen = _Seen()
    for name in sorted(rules.accounts):
        service, _, account_id = name.partition(":")
        if Service(service) not in logs_of(context):
            seen.unread += 1
        else:
            await _look(context, Account(Service(service), account_id), Window(cut_at, now), origins, seen)
    return _conclude(context, case, seen)


def _origins(context: Context, evidence: EvidenceStore, case: Case, cut_at: datetime) -> frozenset[str]:
    """Return the addresses and devices that the leaver used in the days before the cut, the most used first."""
    since, used = cut_at - timedelta(days=context.policy.activity.watch.known_days), Counter[str]()
    with context.store.read() as session:
        rounds = [row for row in rounds_of(session, case.id) if row.ended_at is not None]
    for row in rounds:
        if row.verdict is not Completeness.NOT_AVAILABLE:
            used.update(_used(evidence, logs_of(context), row, since, cut_at))
    return frozenset(name for name, _ in used.most_common(_MOST_ORIGINS))


def _used(
    evidence: EvidenceStore, logs: Mapping[Service, ActivityLog], row: Collection, since: datetime, until: datetime
) -> Counter[str]:
    used = Counter[str]()
    with evidence.open(row.case_id, row.file) as clear:
        for raw in read_records(clear):
            for activity in logs[row.service].describe(row.source, raw):
                if since <= activity.at <= until:
                    used.update(_names(activity))
    return used


def _names(activity: Activity) -> Sequence[str]:
    return [name for name in (activity.ip, activity.device) if name is not None]


async def _look(context: Context, account: Account, window: Window, origins: frozenset[str], seen: _Seen) -> None:
    log = logs_of(context)[account.service]
    try:
        await ready(context, account.service)  # which logs there are depends on the plan
    except ConnectorError:
        seen.unread += 1
        return
    for source in log.activity_sources:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            try:
                async with asyncio.timeout(_LONGEST_ANSWER):
                    page = await log.activity(account, source.name, window, cursor)
            except (ConnectorError, TimeoutError):
                seen.unread += 1
                break
            for record in page.records:
                _match(log.describe(source.name, record.raw), account, origins, seen)
            cursor = page.cursor
            if cursor is None or page.wait > timedelta(0):
                seen.unread += cursor is not None
                break
        else:
            seen.unread += 1


def _match(activities: Sequence[Activity], account: Account, origins: frozenset[str], seen: _Seen) -> None:
    for activity in activities:
        for name in _names(activity):
            if name not in origins:
                continue
            seen.users.setdefault(name, set()).add((account.service, account.id))
            kinds = seen.heard.setdefault((account.service, account.id, name), {})
            if activity.kind in kinds:
                kinds[activity.kind].add(activity.at)
            else:
                kinds[activity.kind] = Times(1, activity.at, activity.at)


def _conclude(context: Context, case: Case, seen: _Seen) -> int:
    """Write findings for what is not the company's own address, and seal the watch."""
    rules = context.policy.activity.watch
    telling = {key: kinds for key, kinds in seen.heard.items() if len(seen.users[key[2]]) <= rules.shared_by}
    matched = {(service, account_id) for service, account_id, _ in telling}
    with context.store.write() as session:
        for (service, account_id, _), kinds in telling.items():
            post_cut.keep(
                context, session, case.id, finding=FindingKind.RE_ENTRY, service=service, account_id=account_id,
                heard=kinds, effective_by=None,
            )  # fmt: skip
        seal(
            context, session, EventType.CASE_WATCHED, case.id, scope="re_entry", count=len(matched), accounts=len(rules.accounts),
            counts={"unread": seen.unread}, payload={"purpose": rules.purpose, "rule": rules.rule},
        )  # fmt: skip
        assess(context, session, case.id)
    return len(matched)
