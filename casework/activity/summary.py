"""
The summary of all passes: counts, reasons, days, exits, silence; kept as evidence itself, so that showing it reads no log.

It is derived: the same files give the same summary, and anyone who doubts it can count the lines.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from audit.events import EventType
from audit.leaf import canonical
from casework.activity.addresses import Addresses
from casework.activity.comparison import Comparison
from casework.activity.file_format import RecordActivities, doings_of
from casework.activity.logs import Log, log_of, logs_in, logs_of, name_of, names_of
from casework.activity.passes import SUMMARIES, not_begun, notice_window, passes_of, plain, telling
from casework.activity.reason import Reason
from casework.activity.risk import reasons_of, verdict_of
from casework.activity.silence import AccountSilence, LogCoverage
from casework.activity.statement import (
    FORGOTTEN,
    LIMIT,
    UNSEEN,
    as_stated,
    is_limited,
    is_whole,
    limit_of,
    reach,
    sure_until,
    tells_of_others,
)
from casework.activity.tally import EXITS, Tally
from casework.context import Context
from casework.errors import EvidenceError
from casework.evidence.store import EvidenceStore
from casework.intake.employment import employment_of
from casework.messages import Message, joined, message
from casework.recording import seal
from casework.truth import post_cut
from casework.truth.findings import assess
from casework.truth.rows import accepted_accounts, rows_of
from connectors.matching import fold_email
from models.tables import Collection, EvidenceFile
from models.vocabulary import Completeness, FindingKind, as_fields

_MOST_FOLDERS = 10
_SAID_AT_ONCE = 3
_MOST_NAMES = 1_000
_LONGEST = 400
"""Most days whose counts a summary holds."""


def is_stale(context: Context, case_id: str) -> bool:
    """Whether a pass has ended that no summary includes yet."""
    with context.store.read() as session:
        return any(row.ended_at is not None and row.told_in is None for row in passes_of(session, case_id))


def summarise(context: Context, case_id: str, evidence: EvidenceStore) -> None:
    """
    Read all collected files, keep the summary, and write findings of activity after the cut.

    Takes about ten seconds for a million records: call it in a thread.
    """
    work = _Work(context, evidence, case_id)
    for row in work.ended:
        work.read(row)
    said = json.dumps(work.content(), ensure_ascii=False, default=lambda at: at.isoformat()).encode("utf-8", "replace")
    number, content = len(evidence.list(case_id, SUMMARIES)) + 1, canonical(json.loads(said))  # as a record has it
    evidence.save(case_id, f"{SUMMARIES}{number:04}.json", content, binding=partial(work.bind, number))


@dataclass(slots=True)
class RecordCount:
    """
    One log's *records*, counted: the person's *own*, *others'*, the *doubtful* ones among these (with *names*, up to `_MOST_NAMES`), *odd* ones
    that cannot be understood, and those that are in the files *again*.
    """

    records: int = 0
    own: int = 0
    others: int = 0
    doubtful: int = 0
    odd: int = 0
    again: int = 0
    names: Counter[str] = field(default_factory=Counter)

    def add(self, told: RecordActivities) -> None:
        self.records += 1
        self.own += bool(told.own)
        self.odd += told.odd_at is not None
        self.again += told.again
        self.others += bool(told.others or told.doubtful) and not told.own
        self.doubtful += bool(told.doubtful) and not told.own
        for name in {str(name) for one in told.doubtful if (name := one.actor_id or one.actor) is not None}:
            if name in self.names or len(self.names) < _MOST_NAMES:
                self.names[name] += 1

    @property
    def fields(self) -> dict[str, int]:
        return {"records": self.records, "own": self.own, "others": self.others, "odd": self.odd, "again": self.again}


class _Work:
    def __init__(self, context: Context, evidence: EvidenceStore, case_id: str) -> None:
        self.context, self.evidence, self.case, self.logs = context, evidence, context.case(case_id), logs_of(context)
        with context.store.read() as session:
            self.passes, self.accounts = passes_of(session, case_id), accepted_accounts(session, case_id)
            self.employment = employment_of(session, self.case)
            self.quiets = {
                (a.connection, a.vendor_id): AccountSilence(a, rows_of(session, case_id, a)) for a in self.accounts
            }
        self.ended = [row for row in self.passes if row.ended_at is not None]
        self.sources = {log: source for log, (_, source) in logs_in(context, self.accounts).items()}
        zone = ZoneInfo(self.case.timezone)
        begins_at, self.ends_at = notice_window(context, self.case)
        ends_on = (self.ends_at.astimezone(zone) - timedelta(seconds=1)).date()
        theirs = Addresses.of(
            self.case.person, (name for one in self.accounts for name in one.addresses.get("primary", ()))
        )
        self.tally = Tally(zone, begins_at.astimezone(zone).date(), ends_on, context.policy.activity, theirs)
        self.covered: dict[str, date] = {}
        self.lost = set[Log]()
        unsure = {log_of(row) for row in self.ended if as_stated(row, "problems").get("memory_lost")}
        self.seen: dict[Log, set[int]] = {one: set() for one in unsure}
        self.counted: dict[str, RecordCount] = defaultdict(RecordCount)

    def read(self, row: Collection) -> None:
        """Count the records of one pass; a lost or damaged file counts as far as it can be read, and its log as lost."""
        log, quiet = self.logs.get(row.connection), self.quiets.get((row.connection, row.account_id))
        if row.verdict is Completeness.NOT_AVAILABLE or log is None or quiet is None:
            return
        source = name_of(log_of(row))
        first = reach(row, None).since.astimezone(self.tally.zone).date() + timedelta(days=1)
        try:
            counted = self.counted[source]
            of_others, seen = self._tells_of_others(row), self.seen.get(log_of(row))
            names = names_of(self.accounts, row, row.connection, contacts=not of_others)
            for told in doings_of(self.evidence, row, log, names, of_others=of_others, seen=seen):
                counted.add(told)
                self.tally.add(source, row.connection, told.own)
                quiet.hear(told.own)
                quiet.hear_others(told.others)
                quiet.hear_doubtful(told.doubtful)
                if told.odd_at is not None:
                    quiet.hear_odd(told.odd_at)
            self.covered[source] = min(first, self.covered.get(source, first))
        except (EvidenceError, OSError):
            self.lost.add(log_of(row))

    def bind(self, number: int, session: Session, stored: EvidenceFile) -> None:
        """Commit the summary's findings together with it: every stored summary has had its effect."""
        context, case_id = self.context, self.case.id
        for row in self.ended:
            told = session.get_one(Collection, row.id)
            told.told_in = told.told_in or number
        for quiet in self.quiets.values():
            post_cut.keep(
                context, session, case_id, finding=FindingKind.ACTIVITY_AFTER_CUT, connection=quiet.account.connection,
                account_id=quiet.account.vendor_id, heard=quiet.broken, effective_by=quiet.effective_by,
            )  # fmt: skip
        seal(
            context, session, EventType.EVIDENCE_BOUND, case_id, scope="summary", source="summary",
            count=number, evidence=[self.evidence.leaf_of(stored)], dedup_key=f"{case_id}:{stored.name}",
        )  # fmt: skip
        assess(context, session, case_id)

    def content(self) -> dict[str, Any]:
        tally, since, unread = self.tally, self.tally.since, {*self._lacking(), *self._unread_since()}
        comparison = Comparison(tally, self.covered, self.employment, unread)
        reasons = [*reasons_of(comparison), *self._unread()]
        sentences = [reason.said for reason in reasons[:_SAID_AT_ONCE]] or [self._nothing_unusual().said]
        return {
            "lastday": "summary/2",
            "made_at": self.context.now(),
            "timezone": self.case.timezone,
            "notice_from": tally.notice_on,
            "until": tally.ends_on,
            "baseline": {"days": comparison.known_days, "left_out": comparison.left_out, "without": comparison.missing},
            "counts": since.kinds,
            "verdict": verdict_of(reasons),
            "summary": [said.fields for said in sentences],
            "risks": [reason.fields for reason in reasons],
            "days": self._days(comparison),
            "folders": [{"folder": name, "count": n} for name, n in tally.folders.most_common(_MOST_FOLDERS)],
            "hours": [sum(n for at, n in since.hours.items() if at.hour == hour) for hour in range(24)],
            "exits": [
                {"kind": e.kind, "at": e.at, **as_fields(e.connection), "text": e.target} for e in sorted(tally.exits)
            ],
            "exits_in_all": since.of(EXITS),
            "counted": [{"log": log, **one.fields} for log, one in sorted(self.counted.items())],
            "strangers": [
                {"log": log, "name": name, "records": number}
                for log, one in self._strange().items()
                for name, number in one.names.most_common(_MOST_FOLDERS)
            ],
            "silence": [quiet.told(self._heard_in(quiet)) for quiet in self.quiets.values()],
            "not_counted_in_full": sorted(tally.full),
        }

    def _unread(self) -> Iterator[Reason]:
        """Yield a reason for each way in which logs were not read in full: with any of them nobody is declared clean."""
        if odd := sum(one.odd for one in self.counted.values()):
            yield Reason("odd_records", records=odd)
        yield from self._strangers()
        lacking = self._lacking()
        if lacking or not self.ended:
            named = tuple(dict.fromkeys(lacking)) or "-"
            yield Reason("incomplete", named=named, logs=len(lacking))
        if unread := self._unread_since():
            named = tuple(f"{log}: {until:%Y-%m-%d %H:%M} UTC" for log, until in unread.items())
            yield Reason("not_read_since", named=named, logs=len(unread))

    def _lacking(self) -> list[str]:
        """Return the logs that were not begun, were read in part, or were lost."""
        known = self._telling()
        lost = self.lost | {log for log, row in known.items() if not is_whole(row) or log[0] not in self.logs}
        return sorted(map(name_of, [*not_begun(self.context, self.accounts, known.values()), *lost]))

    def _tells_of_others(self, row: Collection) -> bool:
        return tells_of_others(row, self.sources.get(log_of(row)))

    def _strange(self) -> dict[str, RecordCount]:
        """Return the counts with records under a name that may not have been the account's then."""
        return {log: one for log, one in sorted(self.counted.items()) if one.doubtful}

    def _strangers(self) -> Iterator[Reason]:
        """Yield a reason for each log with records under other names, without the names, which are confidential."""
        for log, one in self._strange().items():
            yield Reason("other_names", log=log, records=one.doubtful)

    def _telling(self) -> dict[Log, Collection]:
        """Return the deciding pass of each of the leaver's logs; a later pass that has not ended replaces no earlier one."""
        known = [row for row in self.passes if row.ended_at is not None or row.round == 1]
        return telling([row for row in known if log_of(row)[:2] in self.quiets])

    def _unread_since(self) -> dict[str, datetime]:
        """Return, for each log that is not yet known to the end of the notice window, until when it is known."""
        mine = {
            log_of(row): sure_until(row)
            for row in plain(self.ended)
            if is_whole(row) and log_of(row)[:2] in self.quiets
        }
        return {name_of(log): until for log, until in sorted(mine.items()) if until < self.ends_at}

    def _nothing_unusual(self) -> Message:
        """Return the sentence that nothing is unusual, with the limits of logs that do not reach back over the whole notice window."""
        limits = [
            message("nothing_limit", log=name_of(log), limit=limit_of(row, self.sources.get(log)))
            for log, row in self._telling().items()
            if is_limited(row)
        ]
        return message("nothing_unusual", limits=joined(limits, "", ""))

    def _days(self, comparison: Comparison) -> dict[str, Any]:
        """Return the takes by day (at most the latest `_LONGEST` days) and what was usual by weekday."""
        per_day = sum(self.tally.days.values(), Counter[date]())
        last = max([self.tally.ends_on, *per_day])
        begun = min(self.covered.values(), default=self.tally.notice_on)
        first = max(min(begun, last), last - timedelta(days=_LONGEST))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return {
            "first": str(first),
            "counts": [per_day[day] for day in days],
            "usual": [asdict(day) for day in comparison.usual] if comparison.known_days else [],
        }

    def _heard_in(self, quiet: AccountSilence) -> list[LogCoverage] | None:
        """Return what each log of the account can record, and until when it is known in full; None unless all were read."""
        logs = sorted(logs_in(self.context, [quiet.account]).items(), key=lambda one: one[0])
        heard = [
            LogCoverage(name_of(log), source.tells, until)
            for log, (_, source) in logs
            if (until := self._known_until(log, quiet))
        ]
        return heard if len(heard) == len(logs) and not self.lost & {log for log, _ in logs} else None

    def _known_until(self, log: Log, quiet: AccountSilence) -> datetime | None:
        """
        Return until when the log is known in full for the account since the block.  Overlapping passes join; a later one that fails takes
        nothing back.  None where days are lost between two passes.
        """
        until, names = quiet.blocked_at, set[str]()
        for row in (one for one in plain(self.ended) if log_of(one) == log):
            asked = [(fold_email(name), times) for name, times in (row.names or {}).items()]
            if until is not None and _lacks_only_the_past(row, quiet) and names <= {name for name, _ in asked}:
                if reach(row, None).since > until:
                    return None
                until = max(until, sure_until(row))
            names |= {name for name, times in asked if _is_held_since(times, quiet.blocked_at)}
        return until


def _lacks_only_the_past(row: Collection, quiet: AccountSilence) -> bool:
    """
    Whether a pass lacks nothing between the time back to which it reaches and its end: only what the vendor has forgotten, or names from before
    the block.  It must have searched by the name that the account had at the block and by any found since.
    """
    lacking = {str(gap["reason"]) for gap in as_stated(row, "gaps")} | {row.reason or LIMIT}
    is_named = _names_since(quiet) <= {fold_email(name) for name in row.names or {}}
    return lacking <= FORGOTTEN | UNSEEN and (is_named or not lacking & UNSEEN)


def _names_since(quiet: AccountSilence) -> set[str]:
    """Return the account's names: the last one before its block, and each found since."""
    names = quiet.account.addresses.get("names")
    if not names:
        return {fold_email(quiet.account.label)}
    found = {name: datetime.fromisoformat(since) for name, since in names.items()}
    before = [since for since in found.values() if quiet.blocked_at is not None and since <= quiet.blocked_at]
    return {name for name, since in found.items() if since >= max(before, default=since)}


def _is_held_since(times: Sequence[str | None], blocked_at: datetime | None) -> bool:
    """Whether a name was the account's at some time since the block."""
    ends = [datetime.fromisoformat(until) if until is not None else None for until in times[1::2]]
    return any(end is None or blocked_at is None or end > blocked_at for end in ends)
