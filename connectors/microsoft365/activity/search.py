"""
The unified audit log: a search is submitted, runs for minutes or hours, and is then read.

A tenant has some 200 submissions a day for all its applications, so none is made twice: the cursor *before* a submission has
the search's name, and the submitting call first looks for that name among the tenant's searches.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.activity import ActivityPage, ActivityRecord, LogName, UnreadSpan, Window
from connectors.errors import CursorExpired, NotRecorded, OutcomeUnknown, Throttled, Unintelligible
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.microsoft365.activity import search_quota
from connectors.microsoft365.activity.names import names_of
from connectors.microsoft365.activity.progress import SHORTEST, Progress, SearchStep
from connectors.microsoft365.activity.records import PAGE, REFUSED, STAMP, records_of, status_of
from connectors.microsoft365.activity.sources import READ_AUDIT, STANDARD
from connectors.microsoft365.answers import WHO, page_rows
from connectors.microsoft365.transport import GraphTransport, get
from models.vocabulary import Account

LATE = 10.0
"""Seconds after *due* from which a submitting call may be the second try after a kill.  Our choice."""
LOOKS = 3
"""How often a search that may have been submitted is looked for, a minute apart, before it is submitted.  Our choice."""
A_MINUTE = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=10)
POLLS = 170
"""Polls until a search counts as failed: more than a day.  Our choice."""
MOST_WAITS = 24 * 60
"""Minutes that a search waits while the tenant's other searches run.  Our choice: a day."""
NEW = 3
"""Polls in which the vendor may not know a new search yet.  Our choice."""
REFUSALS, FAILURES, AGAIN = 10, 2, 2
MOST_PAGES = 100_000
A_WEEK = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Reads one account's records, one step a call.  Has no state besides the cursor."""

    graph: GraphTransport

    async def page(self, account: Account, window: Window, cursor: str | None) -> ActivityPage:
        if cursor is None:
            return await self._begin(account, window)
        progress = Progress.read(cursor)
        match progress.step:
            case SearchStep.ASK:
                return await self._ask(account, progress)
            case SearchStep.POLL:
                return await self._poll(progress)
            case SearchStep.READ:
                return await self._read(window, progress)

    async def _begin(self, account: Account, window: Window) -> ActivityPage:
        """Name the first search and submit nothing; without names to search for, there is no search."""
        trace: Trace = []
        names, gaps = await names_of(self.graph, account, trace)
        begun = Progress.of(window, secrets.token_hex(16), datetime.now(UTC), STANDARD)
        if not names:
            return ActivityPage((), None, tuple(trace), gaps=gaps)
        gaps += too_old(window, datetime.now(UTC))
        return ActivityPage((), begun.cursor(), tuple(trace), gaps=gaps, names=tuple(names))

    async def _ask(self, account: Account, progress: Progress) -> ActivityPage:
        trace: Trace = []
        async with self.graph.client().searches:
            known = await search_quota.searches(self.graph, trace)
            now = datetime.now(UTC)
            found = next((search.id for search in known if search.name.startswith(progress.name)), None)
            if found is not None:
                return self._begun(progress, found, trace)
            may_be_under_way = progress.looks > 0 or now.timestamp() > progress.due + LATE
            if may_be_under_way and progress.looks < LOOKS:
                return self._in_a_minute(replace(progress, looks=progress.looks + 1), now, trace)
            search_quota.check_quota(known, now, tuple(trace))
            if search_quota.full(known, now):
                return self._stand_in_line(progress, now, trace)
            return await self._submit(account, progress, now, trace)

    async def _submit(self, account: Account, progress: Progress, now: datetime, trace: Trace) -> ActivityPage:
        names, gaps = (list[LogName](), ()) if progress.alive else await names_of(self.graph, account, trace)
        if not names and not progress.alive:  # a search without a name finds all accounts' records
            return ActivityPage((), None, tuple(trace), gaps=gaps)
        try:
            called = list(dict.fromkeys(one.name for one in names))
            found = await search_quota.submit(self.graph, progress, called, now, trace)
        except OutcomeUnknown:  # look for the search that may have been submitted
            if progress.turn >= REFUSALS:
                raise
            return self._in_a_minute(replace(progress, looks=1, turn=progress.turn + 1), now, trace)
        except Throttled as exc:  # wait as the vendor asks, or longer each time if it does not say
            wait = max(exc.retry_after or grown(progress.turn), timedelta(seconds=1))
            if progress.turn >= REFUSALS or wait > LONGEST_WAIT:
                raise
            return self._wait(replace(progress, turn=progress.turn + 1, due=(now + wait).timestamp()), wait, trace)
        except Unintelligible as exc:
            return self._not_taken(progress, exc, now, trace)
        return replace(self._begun(progress, found, trace), names=tuple(names), gaps=gaps)

    def _begun(self, progress: Progress, found: str, trace: Trace) -> ActivityPage:
        return self._wait(replace(progress, step=SearchStep.POLL, query=found, turn=0), timedelta(0), trace)

    def _stand_in_line(self, progress: Progress, now: datetime, trace: Trace) -> ActivityPage:
        """Wait for a place, a day at most: no property shows whether another application's search hangs."""
        if progress.waits >= MOST_WAITS:
            text = "microsoft365: cannot search the audit log: as many searches as the tenant may have run for a day"
            raise Throttled(text, retry_after=LONGEST_WAIT, evidence=trace)
        return self._in_a_minute(replace(progress, waits=progress.waits + 1), now, trace)

    def _in_a_minute(self, progress: Progress, now: datetime, trace: Trace) -> ActivityPage:
        return self._wait(replace(progress, due=(now + A_MINUTE).timestamp()), A_MINUTE, trace)

    def _not_taken(self, progress: Progress, error: Unintelligible, now: datetime, trace: Trace) -> ActivityPage:
        """Return a gap if the vendor refuses to search before the 180 days that the tenant may keep; raise otherwise."""
        edge = now - STANDARD
        if status_of(error) != 400 or progress.begins_at >= edge:
            raise error
        text = "the vendor does not search so far back on this licence"
        gap = UnreadSpan("retention", text, progress.begins_at, min(progress.ends_at, edge + A_MINUTE))
        if progress.ends_at <= edge + A_MINUTE:
            return self._after(progress, trace, gaps=(gap,))
        kept = int((edge + A_MINUTE).timestamp()), progress.slices[0][1]
        return ActivityPage((), progress.ask((kept, *progress.slices[1:]), now).cursor(), tuple(trace), gaps=(gap,))

    async def _poll(self, progress: Progress) -> ActivityPage:
        trace: Trace = []
        try:
            build = get(lambda client: client.security.audit_log.queries.by_audit_log_query_id(progress.query))
            row = await self.graph.read(build, trace, needs=READ_AUDIT)
        except Unintelligible as exc:
            # the vendor may not know a new search yet, and was seen to answer 400 for a running one
            status = status_of(exc)
            if status == 404 and progress.turn >= NEW:
                raise CursorExpired("microsoft365: cannot read a search: it is gone", evidence=trace) from exc
            if status not in REFUSED:
                raise
            return self._ask_later(progress, trace)
        match row.get("status"):
            case "succeeded":
                return self._succeeded(progress, row, trace)
            case "failed" | "cancelled":
                return self._failed(progress, trace)
            case _:  # running, or a status that we do not know
                return self._ask_later(progress, trace)

    def _ask_later(self, progress: Progress, trace: Trace) -> ActivityPage:
        if progress.turn >= POLLS:
            return self._failed(progress, trace)
        return self._wait(replace(progress, turn=progress.turn + 1), grown(progress.turn), trace)

    def _succeeded(self, progress: Progress, row: Row, trace: Trace) -> ActivityPage:
        """Go on to the records; a search that found more than the vendor gives is split in two first."""
        truncated = row.get("isRecordCountLimitExceeded") is True and not progress.alive
        begin, end = progress.slices[0]
        if truncated and end - begin > SHORTEST.total_seconds():
            return self._wait(progress.halved(datetime.now(UTC)), timedelta(0), trace)
        told = row.get("approximateReturnedRecordCount")
        reading = replace(progress, step=SearchStep.READ, turn=0, told=told if isinstance(told, int) else 0)
        gaps = (_gap(progress, "truncated", "the vendor gives only a part of these records"),) if truncated else ()
        return ActivityPage((), reading.cursor(), tuple(trace), gaps=gaps)

    def _failed(self, progress: Progress, trace: Trace) -> ActivityPage:
        """Submit a new search for one that failed, up to `FAILURES` times; then return a gap."""
        if progress.failures < FAILURES:
            again = progress.ask(progress.slices, datetime.now(UTC) + A_MINUTE)
            again = replace(again, failures=progress.failures + 1, alive=progress.alive)
            return self._wait(again, A_MINUTE, trace)
        text = f"the vendor's search failed {progress.failures + 1} times"
        return self._after(progress, trace, gaps=(_gap(progress, "search_failed", text),))

    async def _read(self, window: Window, progress: Progress) -> ActivityPage:
        trace: Trace = []
        if progress.link is None:
            wide = {"top": PAGE} if progress.wide else {}  # as large as the vendor gives, unless it has refused that
            query = progress.query
            build = get(lambda client: client.security.audit_log.queries.by_audit_log_query_id(query).records, **wide)
        else:
            build = self.graph.follow(progress.link, trace)
        try:
            body = await self.graph.read(build, trace, needs=READ_AUDIT)
        except Unintelligible as exc:
            return self._page_refused(progress, exc, trace)
        rows, link = page_rows(body, trace), body.get("@odata.nextLink")
        if progress.alive and (rows or link is None):
            if rows:
                return ActivityPage((), None, tuple(trace))
            text = "microsoft365: cannot read what was done: the audit log has no record of any account in a week"
            raise NotRecorded(text, evidence=trace)
        records = () if progress.alive else records_of(rows, window, STAMP)
        read = progress.having([need(WHO, row, "id", str) for row in rows])
        if link is None:
            return self._read_out(read, records, trace)
        self.graph.follow(link, trace)
        if link in {progress.link, progress.mark} or progress.turn >= MOST_PAGES:
            raise Unintelligible("microsoft365: cannot page: the next link repeats", evidence=trace)
        return ActivityPage(records, read.onwards(link).cursor(), tuple(trace))

    def _page_refused(self, progress: Progress, error: Unintelligible, trace: Trace) -> ActivityPage:
        """Read this search's records from the first page again, without a submission; records that come twice have equal ids."""
        status = status_of(error)
        if status not in REFUSED:
            raise error
        if progress.again >= AGAIN or (progress.link is None and status != 400):
            raise CursorExpired(
                "microsoft365: cannot read a search's records: they are gone", evidence=trace
            ) from error
        wide = progress.wide and progress.link is not None
        return self._wait(replace(progress.from_first_page(), wide=wide), timedelta(0), trace)

    def _read_out(self, progress: Progress, records: tuple[ActivityRecord, ...], trace: Trace) -> ActivityPage:
        """Go on to the next slice.  Too few records are read again once, since the vendor was seen to give more then."""
        short = progress.came < progress.told
        if short and progress.again == 0:
            return ActivityPage(records, progress.from_first_page().cursor(), tuple(trace))
        text = f"the vendor counts {progress.told} records here and gave {progress.came}: {progress.told - progress.came} are missing"
        gaps = (_gap(progress, "fewer", text),) if short else ()
        return self._after(progress, trace, records, gaps)

    def _after(
        self,
        progress: Progress,
        trace: Trace,
        records: tuple[ActivityRecord, ...] = (),
        gaps: tuple[UnreadSpan, ...] = (),
    ) -> ActivityPage:
        """Go on to the next slice.  After the last one without any record, search whether the tenant records at all."""
        now, rest, end = datetime.now(UTC), progress.slices[1:], progress.slices[0][1]
        if progress.alive:
            text = "nothing was found, and whether the tenant records at all could not be seen"
            return ActivityPage((), None, tuple(trace), gaps=(UnreadSpan("unproven", text),))
        then = progress.ask(rest, now) if rest else None
        if then is None and progress.total == 0:
            then = replace(progress.ask(((end - A_WEEK, end),), now), alive=True)
        return ActivityPage(records, then.cursor() if then is not None else None, tuple(trace), gaps=gaps)

    def _wait(self, progress: Progress, wait: timedelta, trace: Trace) -> ActivityPage:
        return ActivityPage((), progress.cursor(), tuple(trace), wait=wait)


def grown(turn: int) -> timedelta:
    """Return a wait of 15 seconds, growing by half each turn up to ten minutes.  Our choice."""
    return min(timedelta(seconds=15 * 1.5 ** min(turn, 20)), LONGEST_WAIT)


def too_old(window: Window, now: datetime) -> tuple[UnreadSpan, ...]:
    """Return the part of *window* that only some licences keep, from a minute on.  It is asked for nevertheless."""
    edge = now - STANDARD
    if window.from_at > edge - A_MINUTE:
        return ()
    text = "records older than 180 days are kept with some licences only; what came of them may not be all"
    return (UnreadSpan("retention", text, window.from_at, min(edge, window.until_at)),)


def _gap(progress: Progress, reason: str, text: str) -> UnreadSpan:
    return UnreadSpan(reason, text, progress.begins_at, progress.ends_at)
