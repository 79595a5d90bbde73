"""
The summary of all rounds: counts, reasons, picture, exits, silence; kept as evidence itself, so that showing reads no log.

It is derived: the same files give the same summary, and whoever doubts it counts the lines himself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from audit.events import EventType
from casework.activity.baseline import Baseline, measure
from casework.activity.collecting import logs_of, sources_of
from casework.activity.lines import read_records
from casework.activity.picture import Mark, draw
from casework.activity.risk import Reason, Weighing, weigh
from casework.activity.rounds import SUMMARIES, notice_from, rounds_of, telling
from casework.activity.silence import Quiet
from casework.activity.tally import Tally
from casework.context import Context
from casework.evidence.store import EvidenceStore, StoredEvidence
from casework.recording import seal
from casework.truth import post_cut
from casework.truth.findings import assess
from casework.truth.rows import accounts_of, rows_of
from connectors.activity import Activity, ActivityLog
from connectors.matching import fold_email
from models.tables import Case, CaseAccount, Collection
from models.vocabulary import Completeness, FindingKind, Json, Service, Standing

_MOST_FOLDERS = 10
_SAID_AT_ONCE = 3


def is_stale(context: Context, case_id: str) -> bool:
    """Whether a reading has ended of which no summary tells."""
    with context.store.read() as session:
        return any(row.ended_at is not None and row.told_in is None for row in rounds_of(session, case_id))


def summarise(context: Context, case_id: str) -> StoredEvidence | None:
    """
    Read all that was collected, keep the summary, write findings from what came after the cut; None without evidence.

    Takes about ten seconds a million records: call it in a thread.
    """
    if context.evidence is None:
        return None
    work = _Work.of(context, context.evidence, case_id)
    for row in work.rounds:
        if row.account_id in work.accepted:
            work.read(row)
    work.tally.close()
    content = json.dumps(work.content(), ensure_ascii=False, sort_keys=True).encode()
    number = len(context.evidence.list(case_id, SUMMARIES)) + 1
    binding = partial(_bind, work, number)
    return context.evidence.save(case_id, f"{SUMMARIES}{number:04}.json", content, binding=binding)


def _bind(work: _Work, number: int, session: Session, stored: StoredEvidence) -> None:
    """Commit with the summary what follows from it: a summary that is there has been acted on."""
    context, case_id = work.context, work.case.id
    for row in work.rounds:
        told = session.get_one(Collection, row.id)
        told.told_in = told.told_in or number
        session.add(told)
    for quiet in work.quiets:
        post_cut.keep(
            context, session, case_id, finding=FindingKind.ACTIVITY_AFTER_CUT, service=quiet.account.service,
            account_id=quiet.account.vendor_id, heard=quiet.broken, effective_by=quiet.effective_by,
        )  # fmt: skip
    seal(
        context, session, EventType.EVIDENCE_BOUND, case_id, scope="summary", source="summary",
        count=number, evidence=[stored.leaf()], dedup_key=f"{case_id}:{stored.name}",
    )  # fmt: skip
    assess(context, session, case_id)


@dataclass(slots=True)
class _Work:
    """One summary in the making."""

    context: Context
    evidence: EvidenceStore
    case: Case
    rounds: list[Collection]
    quiets: list[Quiet]
    tally: Tally
    own: frozenset[str]
    logs: Mapping[Service, ActivityLog]
    under_way: list[Collection]
    odd: int = 0
    covered: dict[str, date] = field(default_factory=dict)

    @property
    def accepted(self) -> frozenset[str]:
        """The leaver's accounts; one that turned out to be another person's says nothing about the leaver."""
        return frozenset(quiet.account.vendor_id for quiet in self.quiets)

    @classmethod
    def of(cls, context: Context, evidence: EvidenceStore, case_id: str) -> _Work:
        case = context.case(case_id)
        with context.store.read() as session:
            accounts = [a for a in accounts_of(session, case_id) if a.standing is Standing.ACCEPTED]
            rounds = rounds_of(session, case_id)
            quiets = [Quiet.of(account, rows_of(session, case_id, account)) for account in accounts]
        zone, rules = ZoneInfo(case.timezone), context.policy.activity
        notice_on = notice_from(context, case).astimezone(zone).date()
        tally = Tally(zone, notice_on, _last_on(case, zone), rules.work_hours, rules.marks)
        ended, others = ([row for row in rounds if (row.ended_at is not None) is had] for had in (True, False))
        return cls(context, evidence, case, ended, quiets, tally, _names_of(accounts), logs_of(context), others)

    def read(self, row: Collection) -> None:
        """Count one reading's records."""
        log = self.logs.get(row.service)
        if row.verdict is Completeness.NOT_AVAILABLE or log is None:
            return
        source = f"{row.service}/{row.source}"
        first = _kept_from(row).astimezone(self.tally.zone).date() + timedelta(days=1)
        self.covered[source] = min(first, self.covered.get(source, first))
        quiet = next((q for q in self.quiets if q.account.vendor_id == row.account_id), None)
        with self.evidence.open(row.case_id, row.file) as clear:
            for activities in self._described(log, row.source, read_records(clear)):
                self.tally.add(source, str(row.service), activities)
                if quiet is not None:
                    quiet.hear(activities)

    def _described(
        self, log: ActivityLog, source: str, records: Iterator[Mapping[str, Json]]
    ) -> Iterator[list[Activity]]:
        """Yield what the leaver did.  What others did to the account is evidence too, but not the leaver's doing."""
        for raw in records:
            try:
                activities = log.describe(source, raw)
            except (ArithmeticError, LookupError, TypeError, ValueError):
                self.odd += 1  # counted, and said: a record that cannot be understood is not one that tells nothing
                continue
            yield [a for a in activities if a.actor_id is None or fold_email(a.actor_id) in self.own]

    def content(self) -> dict[str, Any]:
        baseline = measure(self.tally.days, self.covered, self.tally.notice_on, mads=self.context.policy.activity.mads)
        weighing = Weighing(self.tally, baseline, self.context.policy.activity, self.tally.ends_on)
        reasons = [*weigh(weighing), *self._unread()]
        return {
            "lastday": "summary/1",
            "made_at": self.context.now().isoformat(),
            "timezone": self.case.timezone,
            "notice_from": str(self.tally.notice_on),
            "until": str(self.tally.ends_on),
            "baseline": {"days": baseline.days, "without": list(baseline.missing)},
            "counts": {kind: number for kind, number in sorted(self.tally.kinds.items()) if number},
            "verdict": _verdict(reasons),
            "summary": [{"text": r.text, "text_ja": r.text_ja} for r in reasons[:_SAID_AT_ONCE]],
            "risks": [_said(reason) for reason in reasons],
            "picture": self._picture(weighing, baseline),
            "folders": [{"folder": name, "count": n} for name, n in self.tally.folders.most_common(_MOST_FOLDERS)],
            "hours": self.tally.clock,
            "exits": [
                {"kind": str(e.kind), "at": e.at.isoformat(), "service": e.service, "text": e.target}
                for e in self.tally.exits
            ],
            "exits_in_all": self.tally.exits_in_all,
            "silence": [self._silence(quiet) for quiet in self.quiets],
            "not_counted_in_full": sorted(self.tally.full),
        }

    def _unread(self) -> Iterator[Reason]:
        """Say what could not be read: without it nobody is declared clean."""
        if self.odd:
            yield Reason(
                "odd_records",
                f"{self.odd:,} records could not be understood: they are kept, and nobody can say what they tell.",
                f"解釈できない記録が{self.odd:,}件あります。保存していますが、内容は判断できません。",
                {"records": self.odd}, unclean=True,
            )  # fmt: skip
        mine = [row for row in self.rounds if row.account_id in self.accepted]
        last = telling([*mine, *(row for row in self.under_way if row.round == 1)])
        lacking = [row for row in last if row.verdict is not Completeness.COMPLETE or row.service not in self.logs]
        if lacking or not self.rounds:
            named = ", ".join(sorted({f"{row.service}/{row.source}" for row in lacking})) or "-"
            yield Reason(
                "incomplete",
                f"{len(lacking):,} of the logs could not be read completely ({named}): what they would have shown is not known.",
                f"完全に取得できなかったログが{len(lacking):,}件あります（{named}）。その内容は不明です。",
                {"logs": len(lacking)}, unclean=True,
            )  # fmt: skip

    def _picture(self, weighing: Weighing, baseline: Baseline) -> str:
        case, zone = self.case, self.tally.zone
        marks = [Mark(case.opened_at.astimezone(zone).date(), "notice", "退職通知")]
        if case.last_working_at is not None:
            marks.append(Mark(case.last_working_at.astimezone(zone).date(), "last day worked", "最終出社日"))
        marks.append(Mark(case.employment_ends_on, "last day", "退職日"))
        first = min(self.covered.values(), default=self.tally.notice_on)
        return draw(weighing.per_day(), baseline, self.tally.notice_on, marks, first=first, last=self.tally.ends_on)

    def _silence(self, quiet: Quiet) -> dict[str, Any]:
        word, said = quiet.said(self._sure_until(quiet))
        return {
            "service": str(quiet.account.service),
            "account": quiet.account.vendor_id,
            "state": word,
            "text": said.en,
            "text_ja": said.ja,
            "cut_effective_by": quiet.effective_by.isoformat() if quiet.effective_by else None,
            "residual": quiet.residual,
            "events": [
                {
                    "kind": str(kind),
                    "count": t.count,
                    "first_at": t.first_at.isoformat(),
                    "last_at": t.last_at.isoformat(),
                }
                for kind, t in sorted(quiet.broken.items())
            ],
        }

    def _sure_until(self, quiet: Quiet) -> datetime | None:
        """Return up to when every log of the account has been read, less the lag that its vendor allows itself."""
        log = self.logs.get(quiet.account.service)
        sources = sources_of(log) if log is not None else {}
        mine = (quiet.account.service, quiet.account.vendor_id)
        last = {row.source: row for row in telling(self.rounds) if (row.service, row.account_id) == mine}
        if not sources or not all(name in last and _reaches_its_end(last[name]) for name in sources):
            return None
        newest = {row.source: row.until_at for row in self.rounds if (row.service, row.account_id) == mine}
        return min(newest[name] - source.lag for name, source in sources.items())


def _names_of(accounts: Sequence[CaseAccount]) -> frozenset[str]:
    names = [name for account in accounts for name in (account.vendor_id, account.label)]
    return frozenset(fold_email(name) for name in names if name)


def _last_on(case: Case, zone: ZoneInfo) -> date:
    return (min(case.due_at, case.contained_at or case.due_at).astimezone(zone) - timedelta(seconds=1)).date()


def _reaches_its_end(row: Collection) -> bool:
    """Whether everything up to the end of its window was read; what was forgotten lies at its beginning."""
    return row.verdict is Completeness.COMPLETE or (row.verdict is Completeness.PARTIAL and row.reason == "retention")


def _kept_from(row: Collection) -> datetime:
    """Return where the vendor's memory begins: days that it has forgotten are not days without anything."""
    edges = [datetime.fromisoformat(gap["until"]) for gap in row.gaps if gap["reason"] == "retention" and gap["until"]]
    return max([row.from_at, *edges])


def _verdict(reasons: Sequence[Reason]) -> str:
    """Return `unusual`, `cannot_say` (something stands against declaring the leaver clean) or `nothing_unusual`."""
    if any(not reason.unclean for reason in reasons):
        return "unusual"
    return "cannot_say" if reasons else "nothing_unusual"


def _said(reason: Reason) -> dict[str, Any]:
    return {
        "reason": reason.word,
        "text": reason.text,
        "text_ja": reason.text_ja,
        "figures": reason.figures,
        "unclean": reason.unclean,
    }
