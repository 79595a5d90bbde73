"""
The re-entry watch: the leaver's addresses and devices on colleagues' accounts after the cut.  Off unless policy says so.

It reads as little as it can: only the accounts that policy names, only from the cut on; it keeps only counts of matches.
Each watch is sealed with its purpose and the rule that allows it, even if it found nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TypeAlias

from audit.events import EventType
from casework.activity.file_format import doings_of
from casework.activity.logs import doings, log_of, logs_in, logs_of, names_of, opened
from casework.activity.passes import passes_of
from casework.activity.silence import note
from casework.activity.statement import tells_of_others
from casework.context import Context
from casework.errors import CaseworkError
from casework.evidence.store import EvidenceStore
from casework.recording import seal
from casework.truth import post_cut
from casework.truth.findings import assess
from casework.truth.post_cut import EventTimes
from casework.truth.rows import accepted_accounts
from connectors.activity import Activity, Window
from connectors.errors import ConnectorError
from models.tables import Case
from models.vocabulary import Account, ActivityKind, Completeness, ConnectionId, FindingKind

_MOST_ORIGINS = 500

_Heard: TypeAlias = dict[tuple[ConnectionId, str, str], dict[ActivityKind, EventTimes]]
"""What the watched accounts showed, by account and by the leaver's address or device."""


async def watch(context: Context, case_id: str) -> None:
    """Watch once.  Does nothing unless policy's watch is on and the case is within its days after the cut."""
    rules, case, now = context.policy.activity.watch, context.case(case_id), context.now()
    cut_at = case.contained_at
    if not rules.on or context.evidence is None:
        return
    if cut_at is None or not cut_at < now <= cut_at + timedelta(days=rules.days):
        return
    heard: _Heard = defaultdict(dict)
    origins, unread = await asyncio.to_thread(_origins, context, context.evidence, case, cut_at)
    for name in sorted(rules.accounts):
        connection, _, account_id = name.partition(":")
        unread += await _read(context, Account(connection, account_id), Window(cut_at, now), origins, heard)
    _conclude(context, case, heard, unread)


def _origins(context: Context, evidence: EvidenceStore, case: Case, cut_at: datetime) -> tuple[frozenset[str], int]:
    """Return the leaver's addresses and devices of policy's days before the cut, and how many passes could not be read."""
    since, used = cut_at - timedelta(days=context.policy.activity.watch.known_days), Counter[str]()
    logs, unread = logs_of(context), 0
    with context.store.read() as session:
        accounts, passes = accepted_accounts(session, case.id), passes_of(session, case.id)
    mine = {(one.connection, one.vendor_id) for one in accounts}
    sources = {log: source for log, (_, source) in logs_in(context, accounts).items()}
    for row in passes:
        if row.ended_at is None or row.verdict is Completeness.NOT_AVAILABLE or log_of(row)[:2] not in mine:
            continue
        of_others = tells_of_others(row, sources.get(log_of(row)))
        names = names_of(accounts, row, row.connection, contacts=not of_others)
        try:
            for told in doings_of(evidence, row, logs[row.connection], names, of_others=of_others):
                used.update(name for one in told.own if since <= one.at <= cut_at for name in _names(one))
        except (CaseworkError, KeyError, OSError, ValueError):  # not configured, lost, damaged: go on with the others
            unread += 1
    return frozenset(name for name, _ in used.most_common(_MOST_ORIGINS)), unread


def _names(activity: Activity) -> list[str]:
    return [name for name in (activity.ip, activity.device) if name is not None]


async def _read(context: Context, account: Account, window: Window, origins: frozenset[str], heard: _Heard) -> int:
    """Count in *heard* the activities of *account* from *origins*, in all its logs; return how many could not be read to their end."""
    unread = 0
    try:
        log = await opened(context, account.connection)
    except ConnectorError:
        return 1
    for source in log.activity_sources:
        try:
            async for done, _ in doings(log, account, source.name, window):
                for name in origins.intersection(_names(done)):
                    note(heard[account.connection, account.id, name], done)
        except ConnectorError:
            unread += 1
    return unread


def _conclude(context: Context, case: Case, heard: _Heard, unread: int) -> None:
    """Write findings, except for origins that more than policy's `shared_by` accounts use (an office's address), and seal the watch."""
    rules = context.policy.activity.watch
    users = Counter(name for _, _, name in heard)
    telling = {key: kinds for key, kinds in heard.items() if users[key[2]] <= rules.shared_by}
    with context.store.write() as session:
        for (connection, account_id, _), kinds in telling.items():
            post_cut.keep(
                context, session, case.id, finding=FindingKind.RE_ENTRY, connection=connection, account_id=account_id,
                heard=kinds, effective_by=None,
            )  # fmt: skip
        seal(
            context, session, EventType.CASE_WATCHED, case.id, scope="re_entry", count=len({key[:2] for key in telling}),
            accounts=len(rules.accounts), counts={"unread": unread}, payload={"purpose": rules.purpose, "rule": rules.rule},
        )  # fmt: skip
        assess(context, session, case.id)
