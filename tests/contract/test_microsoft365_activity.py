"""
Microsoft's audit log and Entra's own: each trap that the reference names, met on a real socket.

What a test of this kind is after: complete, or said not to be; one submission for one search, whatever is killed when.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.activity import ActivityPage, Gap, Record, Window
from connectors.errors import (
    Denied,
    Expired,
    NotOnPlan,
    NotRecorded,
    OutcomeUnknown,
    Throttled,
    Unintelligible,
    Unreachable,
)
from connectors.microsoft365.activity import queue, search
from connectors.microsoft365.activity.describing import describe
from connectors.microsoft365.activity.search import LOOKS, grown
from connectors.microsoft365.activity.sources import BACKGROUND, DIRECTORY, PURVIEW, SIGN_INS
from emulators.habits import EVERY_DAY, ROUND_THE_CLOCK, Habit, Strand, Verb, by_program, heavy_leaver, ordinary
from emulators.microsoft365 import Audit
from emulators.microsoft365.permissions import READ_TIER
from emulators.stage import Fault
from models.vocabulary import Account, ActivityKind, Service
from tests.contract.rig import Rig
from tests.contract.rig_microsoft365 import rig

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
WINDOW = Window(NOW - timedelta(days=20), NOW - timedelta(hours=1))
QUERIES = "/security/auditLog/queries"
RECORDS = r"GET /v1.0/security/auditLog/queries/[^/?]+/records"
POLL = r"GET /v1.0/security/auditLog/queries/[^/?]+$"
SUBMIT = r"POST /v1.0/security/auditLog/queries"


def views(total: int) -> Habit:
    """Somebody who did *total* things within the window, at all hours."""
    since = TODAY - timedelta(days=18)
    return Habit("views", [Strand(Verb.VIEW, total, since, TODAY - timedelta(days=1), EVERY_DAY, ROUND_THE_CLOCK)])


def account(r: Rig, person: str = "E1001", habit: Habit | None = None) -> Account:
    found = Account(Service.MICROSOFT365, r.account_id(person))
    if habit is not None:
        r.tenant.book.behave(found.id, habit)
    return found


@dataclass(slots=True)
class Reading:
    """All that came of one source, page after page, without waiting."""

    pages: list[ActivityPage] = field(default_factory=list)

    @property
    def records(self) -> dict[str, Record]:
        return {record.id: record for page in self.pages for record in page.records}

    @property
    def gaps(self) -> list[Gap]:
        return [gap for page in self.pages for gap in page.gaps]

    @property
    def reasons(self) -> set[str]:
        return {gap.reason for gap in self.gaps}

    @property
    def waits(self) -> list[timedelta]:
        return [page.wait for page in self.pages if page.wait]


async def read(  # what a caller may vary
    r: Rig,
    of: Account,
    source: str = PURVIEW,
    window: Window = WINDOW,
    *,
    cursor: str | None = None,
    before: Callable[[int], None] = lambda _: None,
    most: int = 2000,
) -> Reading:
    """Read to the end; *before* is called with the number of each page."""
    reading = Reading()
    for n in range(most):
        before(n)
        page = await r.connector.activity(of, source, window, cursor)
        reading.pages.append(page)
        cursor = page.cursor
        if cursor is None:
            return reading
    raise AssertionError("the reading does not end")


def truth(r: Rig, of: Account, window: Window = WINDOW) -> set[str]:
    """Return the ids of what the tenant remembers of the account."""
    name = r.tenant.directory.users[of.id]["userPrincipalName"].casefold()
    found = r.tenant.book.found(frozenset({name}), window.from_at, window.until_at, r.tenant.book.now())
    return {row["id"] for row in found}


def submissions(r: Rig) -> int:
    return len(r.tenant.purview.searches)


class TestComplete:
    async def test_the_37_000(self) -> None:
        """Half a year with 37,000 downloads in it comes whole, by one submission."""
        window = Window(NOW - timedelta(days=179), NOW)
        async with rig() as r:
            leaver = account(r, habit=heavy_leaver("leaver", TODAY - timedelta(days=1)))
            reading = await read(r, leaver, window=window)
            downloads = [x for x in reading.records.values() if x.raw["operation"] == "FileDownloaded"]
            assert len(downloads) > 37_000
            (search_,) = r.tenant.purview.searches.values()
            assert (len(reading.records), reading.gaps) == (len(search_.found), [])

    async def test_one_a_page(self) -> None:
        """Pages of one record, and an empty page that has a next link, lose nothing."""
        async with rig(page_size=1, empty_page=True) as r:
            leaver = account(r, habit=views(15))
            reading = await read(r, leaver)
            assert len(reading.records) == 15
            assert any(not p.records and p.cursor for p in reading.pages)

    async def test_repeated_page(self) -> None:
        """A page that comes twice gives the same ids twice, and evidence holds them once."""
        async with rig(page_size=4, audit=Audit(repeated=True)) as r:
            leaver = account(r, habit=views(10))
            reading = await read(r, leaver)
            assert len(reading.records) == 10
            assert sum(len(page.records) for page in reading.pages) == 14

    async def test_own_records_only(self) -> None:
        """The window is the caller's: what lies outside it, by however little, is not handed over."""
        async with rig() as r:
            leaver = account(r, habit=views(1))
            r.tenant.book.behave(leaver.id, None)
            inside = r.tenant.book.write(leaver.id, "FileDownloaded", at=WINDOW.from_at)
            r.tenant.book.write(leaver.id, "FileDownloaded", at=WINDOW.until_at)
            r.tenant.book.write(leaver.id, "FileDownloaded", at=WINDOW.from_at - timedelta(seconds=1))
            assert set((await read(r, leaver)).records) == {inside}

    async def test_parts_of_a_second(self) -> None:
        """A window between two whole seconds is asked for whole: the vendor's filter knows no finer time."""
        async with rig() as r:
            leaver = account(r)
            r.tenant.book.behave(leaver.id, None)
            at = WINDOW.until_at.replace(microsecond=0)
            last = r.tenant.book.write(leaver.id, "FileDownloaded", at=at)
            window = Window(at - timedelta(days=1, microseconds=5), at + timedelta(microseconds=5))
            assert set((await read(r, leaver, window=window)).records) == {last}

    async def test_former_name(self) -> None:
        """What was logged under a former sign-in name is found as long as the name lives on as an address."""
        async with rig() as r:
            leaver = account(r, "E1005", views(3))
            former = next(
                address[5:]
                for address in r.tenant.directory.users[leaver.id]["proxyAddresses"]
                if "watanabe" in address
            )
            old = r.tenant.book.write(leaver.id, "FileDownloaded", at=NOW - timedelta(days=9), upn=former)
            assert old in (await read(r, leaver)).records

    async def test_late(self) -> None:
        """A record that comes late is in the second look, which asks for the tail alone."""
        async with rig(audit=Audit(lag=24 * 3600)) as r:
            leaver = account(r, habit=views(40))
            first = await read(r, leaver)
            r.tenant.book.shift = timedelta(hours=24)
            tail = Window(WINDOW.until_at - timedelta(hours=25), WINDOW.until_at)
            second = await read(r, leaver, window=tail)
            assert set(first.records) | set(second.records) == truth(r, leaver)
            assert set(first.records) < truth(r, leaver)

    async def test_fewer_than_told(self) -> None:
        """A search whose records come short the first time is read again, not submitted again."""
        async with rig(page_size=5, audit=Audit(first_short=True)) as r:
            leaver = account(r, habit=views(20))
            reading = await read(r, leaver)
            assert (len(reading.records), reading.gaps, submissions(r)) == (20, [], 1)

    async def test_fewer_again(self) -> None:
        """If it comes short again, the statement says so."""
        async with rig(page_size=5) as r:
            leaver = account(r, habit=views(20))
            body = json.dumps({"id": "x", "status": "succeeded", "approximateReturnedRecordCount": 400})
            r.stage.faults.append(Fault(POLL, status=200, body=body))
            reading = await read(r, leaver)
            assert (len(reading.records), reading.reasons) == (20, {"fewer"})


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
ODD_CURSORS = ["", "nonsense", "[]", "{}", '[7, ""]', '{"slices": [[1, 2]], "step": "dance", "key": "k"}']


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
            with pytest.raises(Expired):
                await read(r, leaver, before=lambda _: r.tenant.purview.expire_tokens())

    async def test_search_gone(self) -> None:
        """A search that the vendor has forgotten is `Expired`; begun again, the reading is complete."""
        async with rig(page_size=4) as r:
            leaver = account(r, habit=views(10))
            with pytest.raises(Expired):
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
        async with rig(audit=Audit(most=150)) as r:
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
        """A cursor that is none of ours is `Expired`: the reading begins again."""
        async with rig() as r:
            for source in (PURVIEW, SIGN_INS):
                for cursor in ODD_CURSORS:
                    with pytest.raises(Expired):
                        await r.connector.activity(account(r), source, WINDOW, cursor)


class TestSearches:
    async def test_slow(self) -> None:
        """A search that runs long is asked after with waits that grow, and submitted once."""
        async with rig(audit=Audit(polls=6)) as r:
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
        monkeypatch.setattr(queue, "AT_ONCE", 50)
        async with rig(audit=Audit(polls=10**9)) as r:
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
        async with rig(audit=Audit(failing=10**6)) as r:
            reading = await read(r, account(r, habit=views(10)))
            assert "search_failed" in reading.reasons
            assert reading.gaps[0].from_at is not None
            assert reading.gaps[0].from_at <= WINDOW.from_at
            assert "unproven" in reading.reasons

    async def test_truncated(self) -> None:
        """A search that found more than it may give is halved until its parts are whole."""
        async with rig(audit=Audit(limit=30)) as r:
            leaver = account(r, habit=views(100))
            reading = await read(r, leaver)
            assert (set(reading.records), reading.gaps) == (truth(r, leaver), [])
            asked = [s.asked for s in r.tenant.purview.searches.values()]
            assert 7 <= len(asked) <= 15

    async def test_truncated_in_an_hour(self) -> None:
        """An hour is not halved any more: what came is kept, and that it is not all is said."""
        async with rig(audit=Audit(limit=5)) as r:
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
            assert abs(gap.until_at - (NOW - timedelta(days=180))) < timedelta(minutes=10)


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
        async with rig(page_size=4, empty_page=True, audit=Audit(polls=2)) as r:
            leaver = account(r, habit=views(10))
            cursor: str | None = None
            records: dict[str, Record] = {}
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
        async with rig(audit=Audit(hidden=1)) as r:
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
        async with rig(audit=Audit(hidden=1)) as r:
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
        async with rig(audit=Audit(daily=0)) as r:
            with pytest.raises(Throttled):
                await read(r, account(r, habit=views(10)))

    async def test_our_share(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Our share of the tenant's day is counted from the searches' own names, whichever process submitted them."""
        monkeypatch.setattr(queue, "OUR_SHARE", 2)
        async with rig() as r:
            for person in ("E1001", "E1002"):
                await read(r, account(r, person, views(10)))
            with pytest.raises(Throttled) as raised:
                await read(r, account(r, "E1003", views(10)))
            assert raised.value.retry_after is not None
            assert timedelta(hours=23) < raised.value.retry_after <= timedelta(hours=24)
            assert submissions(r) == 2

    async def test_queue(self) -> None:
        """No more than five of our searches run at a time: the sixth leaver waits."""
        async with rig(audit=Audit(polls=50)) as r:
            people = [account(r, f"E{1100 + n}", views(3)) for n in range(6)]
            pages = []
            for person in people:
                begun = await r.connector.activity(person, PURVIEW, WINDOW)
                pages.append(await r.connector.activity(person, PURVIEW, WINDOW, begun.cursor))
            assert submissions(r) == 5
            assert pages[-1].wait > timedelta(0)


class TestNothingFound:
    """Nothing is an answer only where something would have been found."""

    async def test_nothing_done(self) -> None:
        """An account that did nothing, in a tenant that records: complete and empty, at the price of one search."""
        async with rig() as r:
            leaver = account(r)
            r.tenant.book.behave(leaver.id, None)
            reading = await read(r, leaver)
            assert (reading.records, reading.gaps, submissions(r)) == ({}, [], 2)

    async def test_auditing_off(self) -> None:
        """With auditing switched off a search succeeds and finds nothing: that is `NotRecorded`, never zero downloads."""
        async with rig(audit=Audit(recording=False)) as r:
            with pytest.raises(NotRecorded) as raised:
                await read(r, account(r, habit=views(10)))
            assert raised.value.evidence

    @pytest.mark.parametrize("source", [PURVIEW, SIGN_INS, BACKGROUND, DIRECTORY])
    async def test_permission(self, source: str) -> None:
        """A missing permission is named, for each log its own."""
        lacking = {"AuditLogsQuery.Read.All"} if source == PURVIEW else {"AuditLog.Read.All"}
        async with rig(permissions=READ_TIER - lacking) as r:
            with pytest.raises(Denied) as raised:
                await read(r, account(r), source)
            assert lacking.pop() in raised.value.advice

    async def test_probe(self) -> None:
        """The doctor names what is missing before it is needed."""
        async with rig(permissions=READ_TIER - {"AuditLogsQuery.Read.All"}) as r:
            problems = (await r.connector.probe()).problems
            assert any("purview" in problem and "AuditLogsQuery.Read.All" in remedy for problem, remedy in problems)

    async def test_refused_without_graphs_words(self) -> None:
        """Purview's own refusal has another shape than Graph's, and is one all the same."""
        async with rig() as r:
            body = '{"Message":"User:x dont have any permissions"}'
            r.stage.faults.append(Fault(rf"GET /v1.0{QUERIES}$", status=403, body=body))
            with pytest.raises(Denied):
                await read(r, account(r))

    @pytest.mark.parametrize("source", [SIGN_INS, BACKGROUND])
    async def test_plan(self, source: str) -> None:
        """Sign-ins need a paid edition: without one, `NotOnPlan`."""
        async with rig(plan="free") as r:
            with pytest.raises(NotOnPlan):
                await read(r, account(r), source)

    async def test_plan_denied_by_whim(self) -> None:
        """A tenant that pays and is told that it does not is asked again later, not given up."""
        body = '{"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "message": ""}}'
        async with rig() as r:
            r.stage.faults.append(Fault("auditLogs/signIns", status=403, body=body))
            with pytest.raises(Unreachable):
                await read(r, account(r), SIGN_INS)


class TestEntraLogs:
    async def test_sign_ins(self) -> None:
        """Sign-ins of the last thirty days, page by page, and the rest is a gap."""
        async with rig(page_size=3, empty_page=True) as r:
            leaver = account(r, habit=ordinary("x", TODAY - timedelta(days=1)))
            reading = await read(r, leaver, SIGN_INS, Window(NOW - timedelta(days=90), NOW))
            assert len(reading.records) >= 12
            assert reading.reasons == {"retention"}
            kinds = {a.kind for x in reading.records.values() for a in r.connector.describe(SIGN_INS, x.raw)}
            assert kinds == {ActivityKind.SIGN_IN}

    async def test_without_the_person(self) -> None:
        """What a program did with the leaver's token is there, by its name, and marked as a program's."""
        async with rig(page_size=500) as r:
            leaver = account(r, habit=by_program("x", TODAY - timedelta(days=1), read=40))
            reading = await read(r, leaver, BACKGROUND)
            told = [a for x in reading.records.values() for a in r.connector.describe(BACKGROUND, x.raw)]
            assert len(told) == 40
            assert {(a.kind, a.by_program) for a in told} == {(ActivityKind.TOKEN_USE, True)}

    async def test_directory_changes(self) -> None:
        """What the leaver changed, and what was changed on the leaver, our own block included."""
        async with rig() as r:
            leaver = account(r, habit=heavy_leaver("x", TODAY - timedelta(days=1), taken=10))
            rows = await r.connector.list_access(leaver)
            await r.connector.revoke(next(row for row in rows if row.kind == "sign_in"))
            reading = await read(r, leaver, DIRECTORY, Window(NOW - timedelta(days=29), NOW + timedelta(days=1)))
            told = {a.kind for x in reading.records.values() for a in r.connector.describe(DIRECTORY, x.raw)}
            assert told == {ActivityKind.GRANT, ActivityKind.APP_PASSWORD, ActivityKind.DEVICE, ActivityKind.OTHER}

    @pytest.mark.parametrize(("plan", "days"), [("P1", 30), ("free", 7)])
    async def test_retention(self, plan: str, days: int) -> None:
        """How far back the directory's log goes depends on the edition."""
        async with rig(plan=plan) as r:
            (gap,) = (await read(r, account(r), DIRECTORY, Window(NOW - timedelta(days=60), NOW))).gaps
            assert gap.until_at is not None
            assert abs(gap.until_at - (NOW - timedelta(days=days))) < timedelta(minutes=10)

    async def test_token_expired(self) -> None:
        """A page token that is too old: begin again, records that come twice are told apart."""
        async with rig(page_size=3) as r:
            leaver = account(r, habit=ordinary("x", TODAY - timedelta(days=1)))
            r.stage.faults.append(Fault("signIns.*skiptoken", status=400, body='{"error": {"code": "BadRequest"}}'))
            with pytest.raises(Expired):
                await read(r, leaver, SIGN_INS)

    async def test_another_source(self) -> None:
        """A log that this service does not have is the caller's mistake."""
        async with rig() as r:
            with pytest.raises(KeyError):
                await r.connector.activity(account(r), "drive", WINDOW)


def described(operation: str, **told: Any) -> Any:
    raw: dict[str, Any] = {
        "id": "1",
        "createdDateTime": "2026-11-01T01:02:03Z",
        "operation": operation,
        "userId": "m@h",
        "auditData": told,
    }
    (activity,) = describe(PURVIEW, raw)
    return activity


class TestWords:
    """What each of the vendor's words means here."""

    @pytest.mark.parametrize(
        ("operation", "told", "kind", "external"),
        [
            ("FileDownloaded", {}, ActivityKind.DOWNLOAD, None),
            ("FileSyncDownloadedFull", {}, ActivityKind.SYNC, None),
            ("FileSyncDownloadedPartial", {}, ActivityKind.SYNC, None),
            ("FileAccessed", {"UserAgent": "Mozilla/5.0"}, ActivityKind.VIEW, None),
            ("FileAccessed", {}, ActivityKind.VIEW, None),
            ("FileAccessed", {"UserAgent": "rclone/v1.71"}, ActivityKind.VIEW_AS_DOWNLOAD, None),
            ("FileAccessedExtended", {"AppAccessContext": {"ClientAppId": "x"}}, ActivityKind.VIEW_AS_DOWNLOAD, None),
            ("FileCopied", {}, ActivityKind.COPY, None),
            ("FilePrinted", {}, ActivityKind.PRINT, None),
            ("FileUploaded", {}, ActivityKind.UPLOAD, None),
            ("SharingSet", {"TargetUserOrGroupType": "Member"}, ActivityKind.OTHER, False),
            ("SharingSet", {"TargetUserOrGroupType": "Guest"}, ActivityKind.EXTERNAL_SHARE, True),
            ("AddedToSecureLink", {"TargetUserOrGroupName": "a_b#EXT#@c"}, ActivityKind.EXTERNAL_SHARE, True),
            ("SharingInvitationCreated", {}, ActivityKind.EXTERNAL_SHARE, None),
            ("AnonymousLinkCreated", {}, ActivityKind.PUBLIC_LINK, True),
            ("CompanyLinkCreated", {}, ActivityKind.OTHER, False),
            ("SecureLinkCreated", {}, ActivityKind.OTHER, None),
            ("MailItemsAccessed", {}, ActivityKind.VIEW, None),
            (
                "MailItemsAccessed",
                {"OperationProperties": [{"Name": "MailAccessType", "Value": "Sync"}]},
                ActivityKind.SYNC,
                None,
            ),
            ("New-InboxRule", {"Parameters": [{"Name": "ForwardTo", "Value": "a@b"}]}, ActivityKind.FORWARD, None),
            ("New-InboxRule", {"Parameters": [{"Name": "MoveToFolder", "Value": "x"}]}, ActivityKind.OTHER, None),
            (
                "UpdateInboxRules",
                {"OperationProperties": [{"Name": "RuleActions", "Value": '[{"ActionType":"Forward"}]'}]},
                ActivityKind.FORWARD,
                None,
            ),
            (
                "Set-Mailbox",
                {"Parameters": [{"Name": "ForwardingSmtpAddress", "Value": "smtp:a@b"}]},
                ActivityKind.FORWARD,
                None,
            ),
            ("Set-Mailbox", {"Parameters": [{"Name": "ForwardingSmtpAddress", "Value": ""}]}, ActivityKind.OTHER, None),
            ("Add-MailboxPermission", {}, ActivityKind.DELEGATE, None),
            ("AddFolderPermissions", {"ResultStatus": "Failed"}, ActivityKind.OTHER, None),
            ("Consent to application.", {"ResultStatus": "Success"}, ActivityKind.GRANT, None),
            ("Consent to application.", {"ResultStatus": "Failure"}, ActivityKind.OTHER, None),
            ("UserLoggedIn", {}, ActivityKind.SIGN_IN, None),
            ("UserLoginFailed", {}, ActivityKind.SIGN_IN_FAILED, None),
            ("CreateFlow", {}, ActivityKind.GRANT, None),
            ("SearchExportDownloaded", {}, ActivityKind.TAKEOUT, None),
            ("Send", {}, ActivityKind.OTHER, None),
            ("SomethingNew", {}, ActivityKind.OTHER, None),
        ],
    )
    def test_kind(self, operation: str, told: dict[str, Any], kind: ActivityKind, external: bool | None) -> None:
        """One line of the table; the vendor's word stays beside ours."""
        found = described(operation, **told)
        assert (found.kind, found.raw_name, found.external) == (kind, operation, external)

    def test_what_was_touched(self) -> None:
        """Title, folder, size, label, client and address come along."""
        found = described(
            "FileDownloaded",
            SourceFileName="極秘_顧客名簿.xlsx", SiteUrl="https://x.example/sites/a/", SourceRelativeUrl="Documents/営業",
            FileSizeBytes=12, SensitivityLabelId="l1", ClientIP="192.0.2.1", ListItemUniqueId="i1",
            UserAgent="Microsoft SkyDriveSync 25", DeviceDisplayName="PC",
        )  # fmt: skip
        assert (found.title, found.folder) == ("極秘_顧客名簿.xlsx", "https://x.example/sites/a/Documents/営業")
        assert (found.size, found.label, found.object_id, found.ip) == (12, "l1", "i1", "192.0.2.1")
        assert (found.by_program, found.device) == (True, "PC")
        assert found.at == datetime(2026, 11, 1, 1, 2, 3, tzinfo=UTC)

    @pytest.mark.parametrize(
        "odd", [None, [], "text", 7, {"Parameters": {"Name": 1}, "FileSizeBytes": True, "AppAccessContext": 3}]
    )
    @pytest.mark.parametrize("source", [PURVIEW, SIGN_INS, BACKGROUND, DIRECTORY])
    def test_odd_records(self, odd: Any, source: str) -> None:
        """A record of an unforeseen shape is told as far as it goes: evidence of ten years ago stays readable."""
        times = {"createdDateTime": "2026-11-01T01:02:03Z", "activityDateTime": "2026-11-01T01:02:03Z"}
        raw: dict[str, Any] = times | dict.fromkeys(
            ("auditData", "status", "deviceDetail", "initiatedBy", "targetResources", "operation", "userId"), odd
        )
        (found,) = describe(source, raw)
        assert found.at == datetime(2026, 11, 1, 1, 2, 3, tzinfo=UTC)

    def test_failed_sign_in(self) -> None:
        """A sign-in with an error code did not let anybody in."""
        raw: dict[str, Any] = {"createdDateTime": "2026-11-01T01:02:03Z", "status": {"errorCode": 50126}}
        (found,) = describe(SIGN_INS, raw)
        assert found.kind is ActivityKind.SIGN_IN_FAILED
