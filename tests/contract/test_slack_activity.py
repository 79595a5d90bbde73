"""Slack's logs, read page by page from an emulated organisation."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.activity import ActivityPage, ActivityRecord, Window
from connectors.errors import CursorExpired, Denied, NotOnPlan, Throttled, Unintelligible
from connectors.slack.activity.describing import describe
from connectors.slack.activity.words import ACTIONS, kind_of
from emulators import activity_profiles
from emulators.fault_proxy import Fault
from emulators.slack.state import ENTERPRISE_ID
from models.vocabulary import Account, ActivityKind, Json, Service
from tests.contract.rig import Rig
from tests.contract.rig_slack import rig

LAST_DAY = date(2026, 11, 20)
HALF_A_YEAR = Window(datetime(2026, 5, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
LAST_WEEK = Window(datetime(2026, 11, 14, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
AUDIT = "GET /audit/v1/logs"


def account(r: Rig, employee_no: str = "E1001") -> Account:
    return Account(Service.SLACK, r.account_id(employee_no))


def behave(r: Rig, habit: activity_profiles.ActivityProfile, employee_no: str = "E1001") -> Account:
    person = account(r, employee_no)
    r.tenant.behave(person.id, habit)
    return person


async def pages(r: Rig, person: Account, source: str, window: Window) -> AsyncIterator[ActivityPage]:
    cursor: str | None = None
    for _ in itertools.count():
        page = await r.connector.activity(person, source, window, cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return


async def everything(r: Rig, person: Account, source: str, window: Window) -> list[ActivityRecord]:
    return [record async for page in pages(r, person, source, window) for record in page.records]


class TestAuditLogs:
    async def test_whole(self) -> None:
        """Every entry of the window comes once, newest first, and none of outside."""
        async with rig() as r:
            habit = activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.1)
            person = behave(r, habit)
            found = await everything(r, person, "audit_logs", LAST_WEEK)
            expected = [d for d in habit.only(*_LOGGED).deeds() if LAST_WEEK.from_at <= d.at < LAST_WEEK.until_at]
            assert len(found) == len(expected) > 20
            assert len({record.id for record in found}) == len(found)
            assert [record.at for record in found] == sorted((record.at for record in found), reverse=True)

    async def test_pages_of_one(self) -> None:
        """A page by one entry gives the same as one page."""
        async with rig(page_size=1) as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.02))
            one_by_one = await everything(r, person, "audit_logs", LAST_WEEK)
        async with rig() as r:
            assert one_by_one == await everything(
                r, behave(r, activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.02)), "audit_logs", LAST_WEEK
            )

    async def test_one_person(self) -> None:
        """What others did is neither asked for nor returned."""
        async with rig() as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.02))
            behave(r, activity_profiles.ordinary("sato", LAST_DAY, scale=0.02), "E1002")
            found = await everything(r, person, "audit_logs", HALF_A_YEAR)
            assert {record.raw["actor"]["user"]["id"] for record in found} == {person.id}  # type: ignore[index,call-overload]  # JSON
            assert all(
                f"actor={person.id}" in one.query or f"entity={person.id}" in one.query for one in r.stage.journal
            )

    async def test_who_enabled_it(self) -> None:
        """What an administrator did to let the account in again is part of what the log tells of it, with the name."""
        async with rig(page_size=1) as r:
            person, by = r.tenant.members[r.account_id("E1002")], r.tenant.members[r.account_id("E1001")]
            for other in (person, r.tenant.members[r.account_id("E1003")]):
                r.tenant.deactivate(other, by.id)
                r.tenant.activate(other, by.id)
            now = datetime.now(UTC)
            window = Window(now - timedelta(hours=1), now + timedelta(seconds=2))
            found = await everything(r, account(r, "E1002"), "audit_logs", window)
            (told,) = [told for one in found for told in r.connector.describe("audit_logs", one.raw)]
            assert (told.kind, told.raw_name, told.object_id) == (ActivityKind.ENABLED, "user_reactivated", person.id)
            assert told.actor == by.email

    async def test_edges(self) -> None:
        """The window's beginning belongs to it and its end does not, to the second that Slack counts in."""
        async with rig() as r:
            person = account(r)
            for offset in (-1, 0, 59, 60):
                r.tenant.audit.append(_entry(person.id, int(LAST_WEEK.from_at.timestamp()) + offset))
            minute = Window(LAST_WEEK.from_at, LAST_WEEK.from_at + timedelta(seconds=60))
            found = await everything(r, person, "audit_logs", minute)
            assert [int((record.at - minute.from_at).total_seconds()) for record in found] == [59, 0]

    async def test_empty_page_with_cursor(self) -> None:
        """An empty page is not the end: its cursor is followed."""
        async with rig(page_size=3) as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.05))
            whole = await everything(r, person, "audit_logs", LAST_WEEK)
            cursor = f"3.{int(r.tenant.options.clock())}"
            empty = json.dumps({"entries": [], "response_metadata": {"next_cursor": cursor}})
            r.stage.faults.append(Fault(AUDIT, status=200, body=empty, skip=0))
            found = [page async for page in pages(r, person, "audit_logs", LAST_WEEK)]
            assert (len(found[0].records), found[0].cursor is not None) == (0, True)
            assert [record for page in found for record in page.records] == whole[3:]

    async def test_quota_used_up(self) -> None:
        """Slack that goes on saying wait is `Throttled`, with evidence, and not the end of the log."""
        async with rig() as r:
            r.stage.faults.append(Fault(AUDIT, status=429, headers={"Retry-After": "0"}, times=None))
            with pytest.raises(Throttled) as throttled:
                await r.connector.activity(account(r), "audit_logs", LAST_WEEK)
            assert throttled.value.evidence

    async def test_cursor_forgotten(self) -> None:
        """A cursor that Slack no longer knows is `CursorExpired`: the reading begins again."""
        async with rig(page_size=2, cursor_seconds=-1.0) as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.05))
            first = await r.connector.activity(person, "audit_logs", LAST_WEEK)
            with pytest.raises(CursorExpired):
                await r.connector.activity(person, "audit_logs", LAST_WEEK, first.cursor)

    @pytest.mark.parametrize("cursor", ["", "{}x", "[1]", '{"other":1}', "null"])
    async def test_odd_cursor(self, cursor: str) -> None:
        """A cursor that is none of ours is `CursorExpired` as well, and nothing is asked."""
        async with rig() as r:
            with pytest.raises(CursorExpired):
                await r.connector.activity(account(r), "audit_logs", LAST_WEEK, cursor)
            assert not r.stage.journal

    async def test_cursor_stands_still(self) -> None:
        """A server that gives the same cursor for ever is not followed."""
        async with rig(page_size=2) as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.05))
            first = await r.connector.activity(person, "audit_logs", LAST_WEEK)
            assert first.cursor is not None
            body = json.dumps({"entries": [], "response_metadata": {"next_cursor": json.loads(first.cursor)["cursor"]}})
            r.stage.faults.append(Fault(AUDIT, status=200, body=body))
            with pytest.raises(Unintelligible):
                await r.connector.activity(person, "audit_logs", LAST_WEEK, first.cursor)

    @pytest.mark.parametrize(
        "body",
        [
            "[]",
            "{}",
            '{"ok":true}',
            '{"entries":[{"id":"x"}]}',
            '{"entries":[{"date_create":1}]}',
            '{"entries":[{"id":"x","date_create":"soon"}]}',
        ],
    )
    async def test_odd_answer(self, body: str) -> None:
        """An answer without entries, or with one that has no id or no time, is never an empty log."""
        async with rig() as r:
            r.stage.faults.append(Fault(AUDIT, status=200, body=body, times=None))
            with pytest.raises(Unintelligible):
                await r.connector.activity(account(r), "audit_logs", LAST_WEEK)

    async def test_late_entry(self) -> None:
        """What Slack shows late is found by a later look."""
        async with rig(audit_lag=600.0) as r:
            now = datetime.now(UTC)
            window = Window(now - timedelta(hours=1), now + timedelta(seconds=1))
            r.tenant.audit.append(_entry(account(r).id, int(now.timestamp())))
            assert await everything(r, account(r), "audit_logs", window) == []
        async with rig() as r:
            r.tenant.audit.append(_entry(account(r).id, int(now.timestamp())))
            assert len(await everything(r, account(r), "audit_logs", window)) == 1


class TestVerdicts:
    async def test_smaller_plan(self) -> None:
        """Below Enterprise the refusal says that downloads are not recorded; access log and uploads are still there."""
        async with rig(plan="business_plus") as r:
            person = behave(r, activity_profiles.heavy_leaver("tanaka", LAST_DAY, taken=200))
            with pytest.raises(NotOnPlan) as refused:
                await r.connector.activity(person, "audit_logs", LAST_WEEK)
            assert "absence of downloads is not shown" in refused.value.advice
            names = [source.name for source in r.connector.activity_sources]
            assert names == ["audit_logs", "access_logs", "integration_logs", "files"]
            for name in names[1:]:
                assert await everything(r, person, name, HALF_A_YEAR), name

    async def test_enterprise(self) -> None:
        """On Enterprise the Audit Logs have it all."""
        async with rig() as r:
            assert [source.name for source in r.connector.activity_sources] == ["audit_logs"]

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"missing_scopes": frozenset({"auditlogs:read"})}, "missing_scope"),
            ({"org_install": False}, "team_not_authorized"),
            ({"token_role": "admin"}, "user_not_authorized"),
        ],
    )
    async def test_denied(self, options: dict[str, Any], code: str) -> None:
        """A missing scope, a workspace's install and a mere administrator each say what to do."""
        async with rig(**options) as r:
            with pytest.raises(Denied) as denied:
                await r.connector.activity(account(r), "audit_logs", LAST_WEEK)
            assert denied.value.code == code
            assert denied.value.advice


class TestAccessLogs:
    async def test_own_rows_alone(self) -> None:
        """Everybody's rows are read, since there is no filter, and the leaver's alone are kept."""
        async with rig(plan="business_plus", page_size=1) as r:
            person = behave(r, activity_profiles.returning("tanaka", date(2026, 11, 16)))
            behave(r, activity_profiles.ordinary("sato", LAST_DAY), "E1002")
            found = await everything(r, person, "access_logs", LAST_WEEK)
            assert {record.raw["user_id"] for record in found} == {person.id}
            assert {record.raw["ip"] for record in found} == {"203.0.113.10", "192.0.2.77"}

    async def test_first_and_last(self) -> None:
        """One row tells of its first and its last access, and of none between."""
        async with rig(plan="business_plus") as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY))
            (row,) = await everything(r, person, "access_logs", HALF_A_YEAR)
            told = r.connector.describe("access_logs", row.raw)
            assert [activity.kind for activity in told] == [ActivityKind.SIGN_IN] * 2
            assert told[1].at == row.at > told[0].at

    async def test_older_than_the_window(self) -> None:
        """Reading ends with the first page that is older as a whole."""
        async with rig(plan="business_plus", page_size=1) as r:
            person = behave(r, activity_profiles.ordinary("tanaka", date(2026, 6, 1)))
            behave(r, activity_profiles.ordinary("sato", date(2026, 6, 1)), "E1002")
            assert await everything(r, person, "access_logs", LAST_WEEK) == []
            assert len(r.stage.journal) == 1


class TestCounted:
    async def test_pages(self) -> None:
        """Where Slack counts pages, each is read once."""
        async with rig(plan="business_plus", page_size=7) as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY, scale=0.2))
            found = await everything(r, person, "files", HALF_A_YEAR)
            assert len(found) == len({record.id for record in found}) == len(r.tenant.memories[person.id].files())
            assert len(r.stage.journal) == -(-len(found) // 7)

    def test_public_link(self) -> None:
        """A file with a public link is an upload and a link, of the same object."""
        raw: dict[str, Json] = {
            "id": "F1", "created": 1763000000, "user": "W1", "title": "t", "size": 3, "public_url_shared": True,
        }  # fmt: skip
        uploaded, link = describe("files", raw)
        assert (uploaded.kind, link.kind) == (ActivityKind.UPLOAD, ActivityKind.PUBLIC_LINK)
        assert (link.object_id, link.title, link.actor_id) == ("F1", "t", "W1")
        assert (link.actor, link.size) == (None, None)

    async def test_more_than_a_hundred(self) -> None:
        """What lies past Slack's hundredth page is a gap, said aloud."""
        async with rig(plan="business_plus", page_size=1) as r:
            person = behave(r, activity_profiles.ordinary("tanaka", LAST_DAY))
            found = [page async for page in pages(r, person, "files", HALF_A_YEAR)]
            assert len(found) == 100
            assert [gap.reason for gap in found[-1].gaps] == ["truncated"]
            assert not any(page.gaps for page in found[:-1])


class TestWords:
    async def test_leaver(self) -> None:
        """Downloads, exports, links, guests and applications of a leaver each get their word, and Slack's own beside it."""
        async with rig() as r:
            person = behave(r, activity_profiles.heavy_leaver("tanaka", LAST_DAY, taken=300))
            found = await everything(r, person, "audit_logs", HALF_A_YEAR)
            told = [activity for record in found for activity in r.connector.describe("audit_logs", record.raw)]
            kinds = {activity.kind for activity in told}
            assert kinds >= {
                ActivityKind.VIEW_AS_DOWNLOAD, ActivityKind.PUBLIC_LINK, ActivityKind.EXTERNAL_SHARE, ActivityKind.GRANT,
                ActivityKind.FORWARD, ActivityKind.SIGN_IN, ActivityKind.UPLOAD,
            }  # fmt: skip
            grant = next(activity for activity in told if activity.kind is ActivityKind.GRANT)
            assert (grant.raw_name, grant.target) == ("app_installed", "File Grabber")

    async def test_program(self) -> None:
        """A program that reads with the leaver's token is told from the leaver's own hand."""
        async with rig() as r:
            person = behave(r, activity_profiles.by_program("tanaka", LAST_DAY, read=30))
            found = await everything(r, person, "audit_logs", HALF_A_YEAR)
            told = [activity for record in found for activity in r.connector.describe("audit_logs", record.raw)]
            assert sum(activity.by_program is True for activity in told) == 30
            assert any(activity.kind is ActivityKind.TAKEOUT for activity in told)

    @pytest.mark.parametrize("action", ["file_shared", "user_channel_join", "something_new", "manual_export_deleted"])
    def test_without_a_word(self, action: str) -> None:
        """An action without a word of ours is `other`, and is never left out."""
        assert kind_of(action) is ActivityKind.OTHER

    @pytest.mark.parametrize(
        ("action", "kind"),
        [
            ("manual_export_started", ActivityKind.TAKEOUT),
            ("scheduled_export_completed", ActivityKind.TAKEOUT),
            ("audit_logs_export_csv_started", ActivityKind.TAKEOUT),
            ("mcp_slack_search_public_tool_called", ActivityKind.TOKEN_USE),
        ],
    )
    def test_families(self, action: str, kind: ActivityKind) -> None:
        """Exports and programs' reads are known by their families' names."""
        assert kind_of(action) is kind

    def test_view_is_not_called_a_download(self) -> None:
        """Slack writes the same word for a view: ours says so."""
        assert ACTIONS["file_downloaded"] is ActivityKind.VIEW_AS_DOWNLOAD


_LOGGED = (
    activity_profiles.Verb.VIEW, activity_profiles.Verb.DOWNLOAD, activity_profiles.Verb.UPLOAD, activity_profiles.Verb.SIGN_IN, activity_profiles.Verb.GRANT, activity_profiles.Verb.FORWARD,
    activity_profiles.Verb.TAKEOUT, activity_profiles.Verb.MAKE_PUBLIC, activity_profiles.Verb.SHARE_OUTSIDE, activity_profiles.Verb.PROGRAM_READ,
)  # fmt: skip


def _entry(user: str, at: int) -> dict[str, Any]:
    return {
        "id": f"entry-{at}",
        "date_create": at,
        "action": "user_login",
        "actor": {"type": "user", "user": {"id": user}},
        "entity": {"type": "user", "user": {"id": user}},
        "context": {"location": {"type": "enterprise", "id": ENTERPRISE_ID}, "session_id": None},
        "details": {},
    }
