"""Google's logs and their traps: each one named in the reference has a test here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.activity import Activity, ActivityRecord, UnreadSpan, Window
from connectors.errors import (
    ConnectorError,
    CursorExpired,
    Denied,
    NotOnPlan,
    NotRecorded,
    Throttled,
    Unintelligible,
)
from connectors.google_workspace.activity.cursors import PageCursor
from connectors.google_workspace.activity.sources import BY_NAME, KEEPS, QUERIES
from emulators import activity_profiles
from emulators.activity_profiles import TOKYO, ActivityProfile, Strand, Verb
from emulators.fault_proxy import Fault
from emulators.google_workspace.reports_logs import LogOptions
from models.vocabulary import TAKES, Account, ActivityKind, Service
from tests.contract.records_google_workspace import raw
from tests.contract.rig import Rig
from tests.contract.rig_google_workspace import rig

NOW = datetime.now(UTC)
TODAY = NOW.astimezone(TOKYO).date()
LAST_DAY = TODAY - timedelta(days=1)
HALF_YEAR = Window(NOW - KEEPS, NOW)
PAGES = r"/activity/users/[^/]+/applications/"
K = ActivityKind


class Leaver:
    """E1001 in one tenant, and whole readings of the logs."""

    def __init__(self, built: Rig, account: Account) -> None:
        self.rig = built
        self.account = account
        self.gaps: list[UnreadSpan] = []
        self.pages = 0

    async def read(self, source: str, window: Window = HALF_YEAR) -> list[ActivityRecord]:
        """Read to the end by id; raises what the connector raises."""
        found: dict[str, ActivityRecord] = {}
        cursor: str | None = None
        self.gaps, self.pages = [], 0
        while True:
            page = await self.rig.connector.activity(self.account, source, window, cursor)
            found |= {record.id: record for record in page.records}
            self.gaps += page.gaps
            self.pages += 1
            cursor = page.cursor
            if cursor is None:
                return list(found.values())
            assert self.pages < 400

    async def told(self, source: str, window: Window = HALF_YEAR) -> list[Activity]:
        """Return what the log tells, in the house's words."""
        return [a for r in await self.read(source, window) for a in self.rig.connector.describe(source, r.raw)]

    def asked(self, source: str) -> list[str]:
        """The requests for this log's pages."""
        return [request.line for request in self.rig.stage.journal if f"applications/{source}?" in request.line]


def the_account(built: Rig) -> Account:
    user = built.tenant.users[built.account_id("E1001")]
    return Account(Service.GOOGLE_WORKSPACE, user.id, label=user.email)


@asynccontextmanager
async def leaver(habit: ActivityProfile | None = None, **options: Any) -> AsyncIterator[Leaver]:
    async with rig(**options) as built:
        account_id = built.account_id("E1001")
        if habit is not None:
            built.tenant.behave(account_id, habit)
        yield Leaver(built, the_account(built))


def strand(verb: Verb, total: int, *, days: int = 20) -> Strand:
    return Strand(verb, total, LAST_DAY - timedelta(days=days), LAST_DAY, activity_profiles.EVERY_DAY)


class TestHeavyLeaver:
    @pytest.mark.parametrize("taken", [3700, pytest.param(37_000, marks=pytest.mark.chaos)])
    async def test_every_download_once(self, taken: int) -> None:
        """What was taken in the last month is counted to the piece, hidden among half a year of ordinary work."""
        async with leaver(activity_profiles.heavy_leaver("E1001", LAST_DAY, taken=taken)) as someone:
            told = await someone.told("drive", Window(NOW - timedelta(days=179), NOW))
        month = [a for a in told if a.kind is K.DOWNLOAD and a.ip is not None and a.ip.startswith("198.51.100.")]
        assert len(month) == taken
        assert Counter(a.kind for a in told)[K.EXTERNAL_SHARE] == 12
        assert Counter(a.kind for a in told)[K.PUBLIC_LINK] == 3
        assert len({a.folder for a in month}) > 150
        assert someone.gaps == []

    async def test_exits(self) -> None:
        """What was prepared in the notice window stands in the logs that Google keeps for it, with whom it went to."""
        async with leaver(activity_profiles.heavy_leaver("E1001", LAST_DAY, taken=10)) as someone:
            grants, forwards = await someone.told("token"), await someone.told("user_accounts")
            devices = [a for a in await someone.told("login") if a.kind is K.DEVICE]
        assert [(a.kind, a.target) for a in grants] == [(K.GRANT, "rclone")]
        assert [(a.kind, a.target) for a in forwards] == [(K.FORWARD, "private.box@mail.example")]
        assert len(devices) == 1

    async def test_by_program(self) -> None:
        """Who lets a program read and exports the account has no download more than ever, and is seen all the same."""
        async with leaver(activity_profiles.by_program("E1001", LAST_DAY, read=300)) as someone:
            drive = await someone.told("drive", Window(NOW - timedelta(days=10), NOW))
            used = [a for a in await someone.told("token") if a.kind is K.TOKEN_USE]
            exported = await someone.told("takeout")
        programs = [a for a in drive if a.by_program and a.kind in TAKES]
        assert len(programs) == len(used) == 300
        assert {a.raw_name for a in programs} == {"drive/access_item_content"}
        assert all(a.size is not None and a.target == "rclone" for a in used)
        assert [(a.kind, a.target) for a in exported] == [(K.TAKEOUT, "EMAIL")]

    async def test_after_the_cut(self) -> None:
        """A sign-in after the last day shows, with the place that it came from."""
        async with leaver(activity_profiles.returning("E1001", LAST_DAY - timedelta(days=5))) as someone:
            since = datetime.combine(LAST_DAY - timedelta(days=4), datetime.min.time(), TOKYO)
            later = await someone.told("login", Window(since, NOW))
        assert [(a.kind, a.ip) for a in later] == [(K.SIGN_IN, "192.0.2.77")]


class TestQueries:
    async def test_whole_records(self) -> None:
        """Pages of a thousand, the account by its immutable id, and each record as Google gave it, nothing masked."""
        async with leaver(ActivityProfile("x", [strand(Verb.DOWNLOAD, 1500)])) as someone:
            records = await someone.read("drive")
            shown = someone.asked("drive")
        assert len(records) == 1500
        assert len(shown) == 2
        assert all("maxResults=1000" in line and "fields=" not in line for line in shown)
        assert all(f"/users/{someone.account.id}/" in line for line in shown)
        assert {"kind", "id", "etag", "actor", "networkInfo", "events", "resourceDetails"} <= records[0].raw.keys()

    async def test_same_instant_other_qualifier(self) -> None:
        """Two records of one millisecond are two: the qualifier tells them apart, and is negative as often as not."""
        async with leaver() as someone:
            for _ in range(6):
                someone.rig.tenant.record_activity(someone.account.id, "download", at=NOW, primary_event=True)
            records = await someone.read("drive", Window(NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)))
        assert len(records) == 6
        qualifiers = {str(json.loads(json.dumps(r.raw))["id"]["uniqueQualifier"]) for r in records}
        assert len(qualifiers) == 6
        assert any(q.startswith("-") for q in qualifiers)

    @pytest.mark.parametrize("included", [True, False])
    async def test_end(self, *, included: bool) -> None:
        """Google does not say whether endTime is part of the time asked for: the window's end is out either way."""
        end = NOW.replace(microsecond=0) - timedelta(hours=1)
        async with leaver(logs=LogOptions(ends_included=included)) as someone:
            for at in (end, end - timedelta(milliseconds=1)):
                someone.rig.tenant.record_activity(someone.account.id, "download", at=at, doc_id="x")
            first = await someone.read("drive", Window(end - timedelta(seconds=1), end))
            odd = await someone.read(
                "drive", Window(end - timedelta(microseconds=1500), end + timedelta(microseconds=1))
            )
        assert [r.at for r in first] == [end - timedelta(milliseconds=1)]
        assert {r.at for r in odd} == {end, end - timedelta(milliseconds=1)}

    async def test_done_to_the_account(self) -> None:
        """What others did to the account is found too, by the parameter that names it, event by event."""
        async with leaver() as someone:
            tenant, admin = someone.rig.tenant, someone.rig.account_id("E1009")
            email = someone.account.label
            tenant.record_activity(admin, "UNSUSPEND_USER", application="admin", kind="USER_SETTINGS", USER_EMAIL=email)
            tenant.record_activity(admin, "UNSUSPEND_USER", application="admin", kind="USER_SETTINGS", USER_EMAIL="o@x")
            tenant.record_activity(
                "", "suspicious_login", application="login", kind="account_warning", affected_email_address=email
            )
            tenant.record_activity(
                admin,
                "STARTED_USER_TAKEOUT",
                application="takeout",
                kind="USER_TAKEOUT",
                USER_EMAIL=email,
                TAKEOUT_DESTINATION="DROPBOX",
            )
            window = Window(NOW - timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=5))
            told = {source: await someone.told(source, window) for source in ("admin", "login", "takeout")}
        assert [(a.raw_name, a.actor_id) for a in told["admin"]] == [("admin/UNSUSPEND_USER", admin)]
        assert [(a.kind, a.target, a.actor_id) for a in told["login"]] == [(K.SIGN_IN_FAILED, email, None)]
        assert [(a.kind, a.target) for a in told["takeout"]] == [(K.TAKEOUT, "DROPBOX")]

    def test_filters_name_their_event(self) -> None:
        """A filter on a parameter that an event lacks finds nothing and says nothing: none is asked without its event."""
        queries = [query for walks in QUERIES.values() for query in walks if query.parameter is not None]
        assert queries
        assert all(query.event is not None for query in queries)

    async def test_without_an_address(self) -> None:
        """Where the account's address is not known, what others did to it is a gap, not nothing."""
        async with leaver() as someone:
            someone.account = replace(someone.account, label="")
            await someone.read("admin")
        assert [gap.reason for gap in someone.gaps] == ["address"]

    async def test_somebody_elses_records(self) -> None:
        """A page of one account's doings that is all another's is no answer."""
        async with leaver() as someone:
            other = json.dumps({"items": [raw("download")]})
            someone.rig.stage.faults.append(Fault(PAGES, status=200, body=other))
            with pytest.raises(Unintelligible, match="another account"):
                await someone.read("drive")

    @pytest.mark.parametrize("body", ['{"items": [{"id": {}}]}', '{"items": {}}', '{"nextPageToken": 7}', "<html>"])
    async def test_unreadable_pages(self, body: str) -> None:
        """A page that is not one is an error, never an empty log."""
        async with leaver() as someone:
            someone.rig.stage.faults.append(Fault(PAGES, status=200, body=body))
            with pytest.raises(Unintelligible):
                await someone.read("drive")

    async def test_half_a_surrogate(self) -> None:
        """A title that is no proper text does not lose the page that it stands on."""
        async with leaver() as someone:
            record = raw("download", doc_title="TITLE") | {"actor": {}}
            body = json.dumps({"items": [record]}).replace("TITLE", "\\ud800 plan")
            someone.rig.stage.faults.append(Fault(PAGES, status=200, body=body))
            window = Window(datetime(2026, 11, 1, tzinfo=UTC), NOW)
            assert len(await someone.read("drive", window)) == 1


class TestTime:
    async def test_beyond_keeping(self) -> None:
        """What lies before Google's 180 days is a gap with its limits; the rest is read."""
        async with leaver() as someone:
            records = await someone.read("drive", Window(NOW - timedelta(days=400), NOW))
        (gap,) = someone.gaps
        assert records
        assert (gap.reason, gap.from_at) == ("retention", NOW - timedelta(days=400))
        assert gap.until_at is not None
        assert timedelta(0) <= gap.until_at - (NOW - KEEPS) < timedelta(hours=1)  # it moves on while the tests run

    async def test_wholly_beyond(self) -> None:
        """A window of which nothing is kept gives no record, no request, and a gap as long as the window."""
        window = Window(NOW - timedelta(days=400), NOW - timedelta(days=300))
        async with leaver() as someone:
            assert await someone.read("drive", window) == []
            assert someone.asked("drive") == []
        assert [(g.reason, g.from_at, g.until_at) for g in someone.gaps] == [
            ("retention", window.from_at, window.until_at)
        ]

    async def test_all_that_is_kept(self) -> None:
        """Who asks for all that Google keeps, a moment after having reckoned how much that is, lacks nothing."""
        async with leaver() as someone:
            assert await someone.read("drive", Window(NOW - KEEPS - timedelta(minutes=5), NOW))
        assert someone.gaps == []

    async def test_not_begun(self) -> None:
        """A window that has not begun cannot be asked for, and says so."""
        async with leaver() as someone:
            assert await someone.read("drive", Window(NOW + timedelta(days=1), NOW + timedelta(days=2))) == []
        assert [gap.reason for gap in someone.gaps] == ["not_yet"]

    async def test_late_records(self) -> None:
        """Records come late and out of order; a second look after the lag has them all, under the same ids."""
        habit = ActivityProfile(
            "late", [Strand(Verb.DOWNLOAD, 400, TODAY - timedelta(days=3), TODAY, activity_profiles.EVERY_DAY)]
        )
        async with leaver(habit, logs=LogOptions(lags={"drive": 0.0}, straggling=8 * 86400.0)) as someone:
            window = Window(NOW - timedelta(days=6), NOW - timedelta(hours=1))
            first = {r.id for r in await someone.read("drive", window)}
            someone.rig.tenant.shift = timedelta(days=9)
            second = {r.id for r in await someone.read("drive", window)}
        assert first < second
        assert 0 < len(second - first) < 40

    def test_lags(self) -> None:
        """Each log says how late it may be: exports days, grants hours, what administrators do minutes."""
        lags = {name: source.lag for name, source in BY_NAME.items()}
        assert lags["admin"] < lags["login"] <= lags["user_accounts"] < lags["token"] < lags["drive"] < lags["takeout"]
        assert all(source.retention == KEEPS for source in BY_NAME.values())


class TestFaultyPages:
    @pytest.mark.parametrize(
        "logs",
        [LogOptions(empty_every=2), LogOptions(repeat_every=3), LogOptions(empty_every=3, repeat_every=2)],
        ids=repr,
    )
    async def test_empty_and_repeated(self, logs: LogOptions) -> None:
        """An empty page with a next one is not the end; a page that comes twice counts once."""
        async with leaver(ActivityProfile("x", [strand(Verb.DOWNLOAD, 30)]), logs=logs, page_size=4) as someone:
            assert len(await someone.read("drive")) == 30

    async def test_circle(self) -> None:
        """Pages that lead back to themselves end in an error, not in a short log nor in none."""
        async with leaver(
            ActivityProfile("x", [strand(Verb.DOWNLOAD, 40)]), logs=LogOptions(circles=True), page_size=5
        ) as someone:
            with pytest.raises(Unintelligible, match="the same page again"):
                await someone.read("drive")

    async def test_forgotten_token(self) -> None:
        """When Google forgets a page token, reading goes on below the oldest record, and that millisecond comes again."""
        at = NOW - timedelta(days=2)
        async with leaver(ActivityProfile("x", [strand(Verb.DOWNLOAD, 20)]), page_size=4) as someone:
            for _ in range(7):
                someone.rig.tenant.record_activity(someone.account.id, "download", at=at, primary_event=True)
            expected = {r.id for r in await someone.read("drive")}
            found, cursor = set[str](), None
            while True:
                page = await someone.rig.connector.activity(someone.account, "drive", HALF_YEAR, cursor)
                found |= {r.id for r in page.records}
                cursor = page.cursor
                if cursor is None:
                    break
                if len(found) % 3 == 0:
                    someone.rig.tenant.expire_page_tokens()
        assert found == expected
        assert len(expected) == 27

    async def test_forgotten_within_one_instant(self) -> None:
        """Where a page holds nothing but one millisecond, there is no time left to ask for: beginning again is."""
        async with leaver(page_size=2) as someone:
            for _ in range(5):
                someone.rig.tenant.record_activity(someone.account.id, "download", at=NOW, primary_event=True)
            window = Window(NOW - timedelta(milliseconds=1), NOW + timedelta(milliseconds=1))
            page = await someone.rig.connector.activity(someone.account, "drive", window)
            someone.rig.tenant.expire_page_tokens()
            page = await someone.rig.connector.activity(someone.account, "drive", window, page.cursor)
            assert page.cursor is not None
            someone.rig.tenant.expire_page_tokens()
            with pytest.raises(CursorExpired):
                await someone.rig.connector.activity(someone.account, "drive", window, page.cursor)

    def test_forgotten_after_disorder(self) -> None:
        """Narrowing is only sure while everything came newest first; after a single exception it begins again."""
        place = PageCursor("drive", "1", NOW - timedelta(days=9), NOW, token="t")
        orderly = place.onwards("u", [NOW - timedelta(days=1), NOW - timedelta(days=2)])
        assert orderly.renewed().ends_at == NOW - timedelta(days=2) + timedelta(milliseconds=1)
        with pytest.raises(CursorExpired):
            orderly.onwards("v", [NOW - timedelta(days=1, hours=1)]).renewed()

    async def test_cursor_of_another(self) -> None:
        """A cursor goes on with the log and the account that it was given for, and no other."""
        async with leaver(ActivityProfile("x", [strand(Verb.DOWNLOAD, 20)]), page_size=4) as someone:
            page = await someone.rig.connector.activity(someone.account, "drive", HALF_YEAR)
            with pytest.raises(CursorExpired):
                await someone.rig.connector.activity(someone.account, "token", HALF_YEAR, page.cursor)


class TestVerdicts:
    """Auditing off, a missing scope, a smaller plan: each has its own, and none is "0 downloads"."""

    async def test_nothing_recorded(self) -> None:
        """Where no log of the tenant holds anything, nothing is recorded."""
        async with leaver(logs=LogOptions(unlogged=frozenset({"drive", "login"}))) as someone:
            for source in ("drive", "login"):
                with pytest.raises(NotRecorded):
                    await someone.read(source)

    async def test_edition_without_drive_log(self) -> None:
        """Google answers with an empty list where the edition has no Drive log: sign-ins of the tenant give it away."""
        async with leaver(logs=LogOptions(unlogged=frozenset({"drive"}))) as someone:
            with pytest.raises(NotOnPlan):
                await someone.read("drive")

    async def test_account_on_another_edition(self) -> None:
        """An account of which the log never told anything, while it tells of others, is a gap."""
        async with rig() as built:
            silent = built.account_id("E1001")
        async with leaver(logs=LogOptions(unlicensed=frozenset({silent}))) as someone:
            assert await someone.read("drive") == []
        assert [gap.reason for gap in someone.gaps] == ["plan"]

    async def test_quiet_window(self) -> None:
        """Silence after the cut is silence: an account whose log is known to work leaves no gap."""
        async with leaver(ActivityProfile("x", [strand(Verb.DOWNLOAD, 5)])) as someone:
            assert await someone.read("drive", Window(NOW - timedelta(minutes=1), NOW)) == []
        assert someone.gaps == []

    async def test_missing_scope(self) -> None:
        """Without the scope nothing can be read, and the remedy names it."""
        async with rig(allowed_scopes=["https://www.googleapis.com/auth/admin.directory.user.readonly"]) as built:
            with pytest.raises(Denied) as caught:
                await built.connector.activity(the_account(built), "drive", HALF_YEAR)
        assert "admin.reports.audit.readonly" in caught.value.advice

    async def test_api_switched_off(self) -> None:
        """An API that the project has not enabled is its own verdict, with its own remedy."""
        refusal = {
            "code": 403,
            "message": "off",
            "errors": [{"reason": "accessNotConfigured", "domain": "usageLimits"}],
        }
        error = await _refused(403, refusal)
        assert isinstance(error, Denied)
        assert (error.code, "Enable the Admin SDK API" in error.advice) == ("accessNotConfigured", True)

    @pytest.mark.parametrize(
        ("status", "refusal"),
        [
            (429, {"code": 429, "message": "q", "errors": [{"reason": "rateLimitExceeded"}]}),
            (403, {"code": 403, "message": "q", "errors": [{"reason": "userRateLimitExceeded"}]}),
            (403, {"code": 403, "message": "q", "errors": [{"reason": "quotaExceeded"}]}),
            (403, {"code": 403, "message": "q", "details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}),
        ],
        ids=["429", "user", "quota", "details alone"],
    )
    async def test_over_quota(self, status: int, refusal: dict[str, Any]) -> None:
        """Every way in which Google says "too much" is a wait, not a refusal."""
        assert isinstance(await _refused(status, refusal), Throttled)


async def _refused(status: int, refusal: dict[str, Any]) -> ConnectorError:
    async with leaver() as someone:
        someone.rig.stage.faults.append(Fault(PAGES, status=status, body=json.dumps({"error": refusal}), times=None))
        with pytest.raises(ConnectorError) as caught:
            await someone.read("drive")
        assert "@" not in str(caught.value)
        return caught.value


class TestQuota:
    async def test_over_the_minute(self) -> None:
        """The tenant's own count of filtered queries is over its limit: a wait, and no record is lost by it."""
        async with leaver(
            ActivityProfile("x", [strand(Verb.DOWNLOAD, 12)]), page_size=2, logs=LogOptions(quota=4)
        ) as someone:
            with pytest.raises(Throttled):
                await someone.read("drive")
