"""Searches of the audit log: complete, or said not to be; one submission for one search, whatever is killed when."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.activity import ActivityRecord, Window
from connectors.errors import (
    CursorExpired,
    OutcomeUnknown,
    Throttled,
    Unintelligible,
    Unreachable,
)
from connectors.microsoft365.activity import search, search_quota
from connectors.microsoft365.activity.progress import Progress
from connectors.microsoft365.activity.search import LOOKS, grown, too_old
from connectors.microsoft365.activity.sources import PURVIEW, SIGN_INS
from emulators.fault_proxy import Fault
from emulators.microsoft365 import AuditOptions
from tests.contract.logs_microsoft365 import (
    NOW,
    POLL,
    QUERIES,
    RECORDS,
    SUBMIT,
    WINDOW,
    Reading,
    account,
    read,
    submissions,
    truth,
    views,
)
from tests.contract.rig_microsoft365 import rig

KEPT = timedelta(days=180)
FAULTS = [
    Fault("", status=429, headers={"Retry-After": "0"}),
    Fault("", status=429),
    Fault("", status=503),
    Fault("", status=502, body="<html>"),
    Fault("", drop=True),
    Fault("", drop=True, after=True),
]


ODD_PAGES = [
    '{"@odata.nextLink": "https://elsewhere.example/v1.0/next", "value": []}',
    '{"records": []}',
    "[]",
    json.dumps({"value": [{"createdDateTime": (NOW - timedelta(days=2)).isoformat()}]}),
    '{"value": [{"id": "1"}]}',
    '{"value": [{"id": "1", "createdDateTime": "yesterday"}]}',
]
ODD_CURSORS = [
    "",
    '{"slices": [], "step": "ask", "key": "k"}',
    "nonsense",
    "[]",
    "{}",
    '[7, ""]',
    '{"slices": [[1, 2]], "step": "dance", "key": "k"}',
]


class TestFaults:
    @pytest.mark.parametrize("where", [RECORDS, POLL, rf"GET /v1.0{QUERIES}$"], ids=["records", "poll", "list"])
    async def test_reads(self, where: str) -> None:
        """A read that fails once is asked again; nothing is lost and nothing submitted twice."""
        async with rig(page_size=4) as r:
            leaver = account(r, habit=views(10))
            for n, fault in enumerate(FAULTS, start=1):
                r.stage.faults.append(replace(fault, match=where, skip=int(where == RECORDS)))
                reading = await read(r, leaver)
                assert (len(reading.records), reading.gaps, submissions(r)) == (10, [], n)

    async def test_outage(self) -> None:
        """A page that cannot be had is an exception, and the same cursor goes on later."""
        async with rig(page_size=4) as r:
            leaver = account(r, habit=views(10))
            cursor: str | None = None
            r.stage.faults.append(Fault(RECORDS, status=503, skip=1, times=None))
            first = Reading()
            for _ in range(4):  # named, submitted, succeeded, one page
                first.pages.append(await r.connector.activity(leaver, PURVIEW, WINDOW, cursor))
                cursor = first.pages[-1].cursor
            with pytest.raises(Unreachable):
                await r.connector.activity(leaver, PURVIEW, WINDOW, cursor)
            r.stage.faults.clear()
            rest = await read(r, leaver, cursor=cursor)
            assert len({**first.records, **rest.records}) == 10
            assert submissions(r) == 1

    async def test_token_expired(self) -> None:
        """A page token that is too old begins the search's records anew, without a submission."""
        async with rig(page_size=4) as r:
            leaver = account(r, habit=views(10))
            reading = await read(r, leaver, before=lambda n: r.tenant.purview.expire_tokens() if n == 5 else None)
            assert (len(reading.records), submissions(r)) == (10, 1)

    async def test_tokens_always_expired(self) -> None:
        """If that goes on, the reading says that it has to begin again; it does not go round for ever."""
        async with rig(page_size=4) as r:
            leaver = account(r, habit=views(10))
            with pytest.raises(CursorExpired):
                await read(r, leaver, before=lambda _: r.tenant.purview.expire_tokens())

    async def test_search_gone(self) -> None:
        """A search that the vendor has forgotten is `CursorExpired`; begun again, the reading is complete."""
        async with rig(page_size=4) as r:
            leaver = account(r, habit=views(10))
            with pytest.raises(CursorExpired):
                await read(r, leaver, before=lambda n: r.tenant.purview.forget() if n == 4 else None)
            assert len((await read(r, leaver)).records) == 10

    async def test_unknown_at_first(self) -> None:
        """A search may be unknown for a moment after its submission, and be answered with 400 while it runs."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            r.stage.faults += [Fault(POLL, status=404, body='{"error": {"code": "NotFound"}}'), Fault(POLL, status=400)]
            reading = await read(r, leaver)
            assert (len(reading.records), submissions(r)) == (10, 1)

    async def test_narrow_pages(self) -> None:
        """Where the vendor refuses wide pages, its own are read."""
        async with rig(audit=AuditOptions(most=150)) as r:
            leaver = account(r, habit=views(400))
            assert len((await read(r, leaver)).records) == 400

    async def test_odd_page(self) -> None:
        """A page that is not understood is an error, never the end."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            for body in ODD_PAGES:
                r.stage.faults.append(Fault(RECORDS, status=200, body=body))
                with pytest.raises(Unintelligible):
                    await read(r, leaver)

    async def test_link_to_itself(self) -> None:
        """A next link that leads back to its own page does not end in a circle."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            body = json.dumps(
                {"@odata.nextLink": "/v1.0/security/auditLog/queries/1/records?$skiptoken=1", "value": []}
            )
            r.stage.faults.append(Fault(RECORDS, status=200, body=body, times=None))
            with pytest.raises(Unintelligible):
                await read(r, leaver)

    async def test_foreign_cursor(self) -> None:
        """A cursor that is none of ours is `CursorExpired`: the reading begins again."""
        async with rig() as r:
            for source in (PURVIEW, SIGN_INS):
                for cursor in ODD_CURSORS:
                    with pytest.raises(CursorExpired):
                        await r.connector.activity(account(r), source, WINDOW, cursor)


class TestSearches:
    async def test_slow(self) -> None:
        """A search that runs long is asked after with waits that grow, and submitted once."""
        async with rig(audit=AuditOptions(polls=6)) as r:
            leaver = account(r, habit=views(10))
            reading = await read(r, leaver)
            assert (len(reading.records), submissions(r)) == (10, 1)
            assert len(reading.waits) == 6
            assert sorted(reading.waits) == reading.waits
            assert reading.waits[0] >= timedelta(seconds=10)

    async def test_words_of_the_future(self) -> None:
        """A status that has no meaning yet is neither an end nor a failure."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            for status in ("unknownFutureValue", "archived", None):
                r.stage.faults.append(Fault(POLL, status=200, body=json.dumps({"id": "x", "status": status})))
            reading = await read(r, leaver)
            assert (len(reading.records), len(reading.waits), submissions(r)) == (10, 3, 1)

    async def test_never_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A search that does not end in a day is given up, replaced twice, and then a gap: never a silent zero."""
        assert sum((grown(turn) for turn in range(search.POLLS)), timedelta(0)) > timedelta(days=1)
        monkeypatch.setattr(search, "POLLS", 2)
        monkeypatch.setattr(search_quota, "AT_ONCE", 50)
        async with rig(audit=AuditOptions(polls=10**9)) as r:
            reading = await read(r, account(r, habit=views(10)))
            assert (reading.records, reading.reasons) == ({}, {"search_failed", "unproven"})

    @pytest.mark.parametrize("status", ["failed", "cancelled"])
    async def test_fails_once(self, status: str) -> None:
        """A search that failed is replaced by a new one."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            r.stage.faults.append(Fault(POLL, status=200, body=json.dumps({"id": "x", "status": status})))
            reading = await read(r, leaver)
            assert (len(reading.records), reading.gaps, submissions(r)) == (10, [], 2)

    async def test_fails_always(self) -> None:
        """What always fails is a gap with its times."""
        async with rig(audit=AuditOptions(failing=10**6)) as r:
            reading = await read(r, account(r, habit=views(10)))
            assert "search_failed" in reading.reasons
            assert reading.gaps[0].from_at is not None
            assert reading.gaps[0].from_at <= WINDOW.from_at
            assert "unproven" in reading.reasons

    async def test_truncated(self) -> None:
        """A search that found more than it may give is halved until its parts are whole."""
        async with rig(audit=AuditOptions(limit=30)) as r:
            leaver = account(r, habit=views(100))
            reading = await read(r, leaver)
            assert (set(reading.records), reading.gaps) == (truth(r, leaver), [])
            asked = [s.asked for s in r.tenant.purview.searches.values()]
            assert 7 <= len(asked) <= 15

    async def test_truncated_in_an_hour(self) -> None:
        """An hour is not halved any more: what came is kept, and that it is not all is said."""
        async with rig(audit=AuditOptions(limit=5)) as r:
            leaver = account(r)
            r.tenant.book.behave(leaver.id, None)
            begin = NOW - timedelta(days=3)
            for n in range(9):
                r.tenant.book.write(leaver.id, "FileDownloaded", at=begin + timedelta(minutes=n))
            reading = await read(r, leaver, window=Window(begin, begin + timedelta(hours=1)))
            assert (len(reading.records), reading.reasons) == (5, {"truncated"})

    async def test_too_far_back(self) -> None:
        """Where the vendor refuses to search before 180 days, that part alone is a gap."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            r.stage.faults.append(Fault(SUBMIT, status=400, body='{"error": {"code": "BadRequest"}}'))
            reading = await read(r, leaver, window=Window(NOW - timedelta(days=300), NOW))
            assert (len(reading.records), reading.reasons, submissions(r)) == (10, {"retention"}, 1)

    async def test_half_a_year(self) -> None:
        """A window of 180 days, worked out a moment before the search is, is one search without a gap."""
        async with rig() as r:
            now = datetime.now(UTC)
            window = Window(now - timedelta(days=180), now)
            reading = await read(r, account(r, habit=views(10)), window=window)
            assert (len(reading.records), reading.gaps, submissions(r)) == (10, [], 1)

    @pytest.mark.parametrize(
        ("before", "searches", "said"),
        [
            (timedelta(seconds=59), [KEPT + timedelta(seconds=59)], False),
            (timedelta(minutes=1), [KEPT + timedelta(minutes=1)], True),
            (timedelta(minutes=59), [KEPT + timedelta(minutes=59)], True),
            (timedelta(hours=1), [KEPT + timedelta(hours=1)], True),
            (timedelta(hours=1, seconds=1), [timedelta(hours=1, seconds=1), KEPT], True),
            (KEPT + timedelta(hours=1), [KEPT + timedelta(hours=1), KEPT], True),
        ],
        ids=str,
    )
    def test_beyond_half_a_year(self, before: timedelta, searches: list[timedelta], said: bool) -> None:
        """Up to an hour beyond 180 days is no search of its own; from a minute on, what only some licences keep is said to be."""
        window = Window(NOW - KEPT - before, NOW)
        slices = Progress.of(window, "k", NOW, KEPT).slices
        assert [timedelta(seconds=end - begin) for begin, end in slices] == searches
        assert [(gap.from_at, gap.until_at) for gap in too_old(window, NOW)] == [(window.from_at, NOW - KEPT)] * said

    async def test_half_a_year_is_too_far_back(self) -> None:
        """Where the vendor refuses the moment too much, that moment alone is a gap."""
        async with rig() as r:
            r.stage.faults.append(Fault(SUBMIT, status=400, body='{"error": {"code": "BadRequest"}}'))
            now = datetime.now(UTC)
            reading = await read(r, account(r, habit=views(10)), window=Window(now - timedelta(days=180), now))
            assert (len(reading.records), reading.reasons, submissions(r)) == (10, {"retention"}, 1)
            (gap,) = reading.gaps
            assert gap.from_at is not None
            assert gap.until_at is not None
            assert gap.until_at - gap.from_at < timedelta(hours=1)

    async def test_refused(self) -> None:
        """A search that is refused for the time that everybody keeps is an error."""
        async with rig() as r:
            r.stage.faults.append(Fault(SUBMIT, status=400, body='{"error": {"code": "BadRequest"}}'))
            with pytest.raises(Unintelligible):
                await read(r, account(r, habit=views(10)))

    async def test_retention(self) -> None:
        """What lies before 180 days is asked for, and said to be in doubt."""
        async with rig() as r:
            window = Window(NOW - timedelta(days=300), NOW)
            (gap,) = (await read(r, account(r, habit=views(10)), window=window)).gaps
            assert gap.reason == "retention"
            assert gap.from_at == window.from_at
            assert gap.until_at is not None
            assert abs(gap.until_at - (NOW - timedelta(days=180))) < timedelta(hours=1)


class TestSubmission:
    """Intent first: the cursor that is given out names the search before it is submitted."""

    async def test_first_page_submits_nothing(self) -> None:
        """The first call only names: killed after it, nothing was submitted."""
        async with rig() as r:
            page = await r.connector.activity(account(r), PURVIEW, WINDOW)
            assert page.cursor is not None
            assert submissions(r) == 0

    async def test_cursor_holds_nobody(self) -> None:
        """Neither a cursor nor a search's name tells of whom it is."""
        async with rig(page_size=4) as r:
            leaver = account(r, habit=views(10))
            cursors = [page.cursor or "" for page in (await read(r, leaver)).pages]
            (search,) = r.tenant.purview.searches.values()
            assert not any("tanaka" in text or leaver.id in text for text in [*cursors, search.asked["displayName"]])

    async def test_killed_anywhere(self) -> None:
        """Killed after each answer, before it could be kept, and begun again from the cursor before: one submission, all records."""
        async with rig(page_size=4, empty_page=True, audit=AuditOptions(polls=2)) as r:
            leaver = account(r, habit=views(10))
            cursor: str | None = None
            records: dict[str, ActivityRecord] = {}
            pages = 0
            while True:
                await r.connector.activity(leaver, PURVIEW, WINDOW, cursor)
                page = await r.connector.activity(leaver, PURVIEW, WINDOW, cursor)
                records |= {record.id: record for record in page.records}
                pages, cursor = pages + 1, page.cursor
                if cursor is None:
                    break
            assert (len(records), submissions(r)) == (10, 1)
            assert pages > 6

    @pytest.mark.parametrize(
        "fault",
        [
            Fault(SUBMIT, drop=True, after=True),
            Fault(SUBMIT, status=504, after=True),
            Fault(SUBMIT, status=201, body="{}", after=True),
            Fault(SUBMIT, status=200, body="<html>", after=True),
        ],
        ids=["dropped", "504", "no id", "html"],
    )
    async def test_unknown_outcome(self, fault: Fault) -> None:
        """A submission whose answer was lost is found again by its name, never sent again."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            r.stage.faults.append(Fault(fault.match, fault.status, fault.body, {}, fault.drop, after=True))
            reading = await read(r, leaver)
            assert (len(reading.records), submissions(r)) == (10, 1)

    async def test_unknown_outcome_and_a_slow_list(self) -> None:
        """It is also found when the tenant's list shows it late."""
        async with rig(audit=AuditOptions(hidden=1)) as r:
            leaver = account(r, habit=views(10))
            r.stage.faults.append(Fault(SUBMIT, drop=True, after=True))
            reading = await read(r, leaver)
            assert (len(reading.records), submissions(r)) == (10, 1)
            assert timedelta(minutes=1) in reading.waits

    async def test_not_carried_out(self) -> None:
        """One that never arrived is submitted after a few looks."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            r.stage.faults.append(Fault(SUBMIT, drop=True))
            reading = await read(r, leaver)
            assert (len(reading.records), submissions(r)) == (10, 1)
            assert len(reading.waits) == LOOKS

    async def test_never_an_answer(self) -> None:
        """A vendor that loses every answer is not asked for ever, and what it took is found each time."""
        async with rig() as r:
            r.stage.faults.append(Fault(SUBMIT, status=500, times=None))
            with pytest.raises(OutcomeUnknown):
                await read(r, account(r, habit=views(10)))
            assert submissions(r) == 0

    async def test_late_return(self) -> None:
        """Who comes back late, after a kill perhaps, looks more than once before a submission."""
        async with rig(audit=AuditOptions(hidden=1)) as r:
            leaver = account(r, habit=views(10))
            begun = await r.connector.activity(leaver, PURVIEW, WINDOW)
            assert begun.cursor is not None
            asked = await r.connector.activity(leaver, PURVIEW, WINDOW, begun.cursor)
            assert asked.cursor is not None
            long_ago = json.loads(begun.cursor)
            long_ago["due"] -= 3600
            reading = await read(r, leaver, cursor=json.dumps(long_ago))
            assert (len(reading.records), submissions(r)) == (10, 1)

    async def test_sent_once(self) -> None:
        """Neither the SDK nor our own pace sends a submission twice in one call, not even a throttled one."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            r.stage.faults.append(Fault(SUBMIT, status=429, headers={"Retry-After": "7"}))
            reading = await read(r, leaver)
            assert len(reading.records) == 10
            assert reading.waits[0] == timedelta(seconds=7)

    async def test_throttled_for_long(self) -> None:
        """A throttling that lasts longer than a call may wait is `Throttled`, and the cursor stays good."""
        async with rig() as r:
            leaver = account(r, habit=views(10))
            r.stage.faults.append(Fault(SUBMIT, status=429, headers={"Retry-After": "7200"}, times=1))
            begun = await r.connector.activity(leaver, PURVIEW, WINDOW)
            with pytest.raises(Throttled) as raised:
                await r.connector.activity(leaver, PURVIEW, WINDOW, begun.cursor)
            assert raised.value.retry_after == timedelta(hours=2)
            assert len((await read(r, leaver, cursor=begun.cursor)).records) == 10

    async def test_throttled_without_an_end(self) -> None:
        """A tenant that refuses for ever, without saying how long, is `Throttled` after growing waits."""
        async with rig(audit=AuditOptions(daily=0)) as r:
            with pytest.raises(Throttled):
                await read(r, account(r, habit=views(10)))

    async def test_our_share(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Our share of the tenant's day is counted from the searches' own names, whichever process submitted them."""
        monkeypatch.setattr(search_quota, "OUR_SHARE", 2)
        async with rig() as r:
            for person in ("E1001", "E1002"):
                await read(r, account(r, person, views(10)))
            with pytest.raises(Throttled) as raised:
                await read(r, account(r, "E1003", views(10)))
            assert raised.value.retry_after is not None
            assert timedelta(hours=23) < raised.value.retry_after <= timedelta(hours=24)
            assert submissions(r) == 2

    async def test_other_peoples_searches(self) -> None:
        """Searches of others, with names of any kind or none, neither stop ours nor are taken for ours."""
        async with rig() as r:
            leaver = account(r, habit=views(3))
            rows = [
                {"id": str(n), "displayName": name}
                for n, name in enumerate((None, "x", "lastday ab.0 99999999T999999Z"))
            ]
            r.stage.faults.append(Fault(rf"GET /v1.0{QUERIES}$", status=200, body=json.dumps({"value": rows})))
            reading = await read(r, leaver)
            assert (len(reading.records), submissions(r)) == (3, 1)

    async def test_queue(self) -> None:
        """No more than five of our searches run at a time: the sixth leaver waits."""
        async with rig(audit=AuditOptions(polls=50)) as r:
            people = [account(r, f"E{1100 + n}", views(3)) for n in range(6)]
            pages = []
            for person in people:
                begun = await r.connector.activity(person, PURVIEW, WINDOW)
                pages.append(await r.connector.activity(person, PURVIEW, WINDOW, begun.cursor))
            assert submissions(r) == 5
            assert pages[-1].wait > timedelta(0)
