"""Tenants that nobody has seen: each situation was traced through the readers of the logs, and each went wrong once."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from casework.messages import catalogue
from connectors.activity import Window
from connectors.errors import CursorExpired, Throttled, Unintelligible
from connectors.google_workspace.activity.describing import describe as google
from connectors.google_workspace.activity.sources import KEEPS
from connectors.microsoft365.activity import search
from connectors.microsoft365.activity.describing import describe as microsoft
from connectors.microsoft365.activity.sources import PURVIEW, SIGN_INS
from emulators.activity_profiles import ordinary
from emulators.fault_proxy import Fault
from emulators.microsoft365 import AuditOptions
from models.vocabulary import Account, ActivityKind
from tests.contract import logs_microsoft365 as m
from tests.contract import rig_google_workspace, rig_microsoft365, rig_slack
from tests.contract.rig import account_of

NOW = datetime.now(UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
DAY = Window(NOW - timedelta(days=1), NOW + timedelta(hours=1))  # what the tests record comes later than NOW
K = ActivityKind


class TestReasons:
    def test_each_has_its_words(self) -> None:
        """Every reason why a log is not whole is said in words, in both languages."""
        sources = [path.read_text("utf-8") for path in Path(__file__).parents[2].glob("connectors/*/activity/*.py")]
        used = {
            reason
            for text in sources
            for reason in re.findall(r'\b(?:UnreadSpan|_gap)\(\s*(?:progress, )?"(\w+)"', text)
        }
        assert {"retention", "address", "names_unseen", "names_denied", "fewer", "truncated", "refused"} <= used
        assert {f"log_{reason}" for reason in used} <= catalogue().keys()


class TestGoogle:
    @staticmethod
    def _event(name: str, **parameters: str) -> dict[str, Any]:
        return {"name": name, "parameters": [{"name": key, "value": value} for key, value in parameters.items()]}

    def _record(self, source: str, qualifier: str, **event: Any) -> dict[str, Any]:
        at = (NOW - timedelta(hours=1)).isoformat(timespec="milliseconds")
        return {"id": {"time": at, "uniqueQualifier": qualifier, "applicationName": source}, "events": [event]}

    @pytest.mark.parametrize(
        ("source", "name", "kind"),
        [
            ("drive", "download", K.OTHER),
            ("drive", "change_user_access", K.OTHER),
            ("takeout", "STARTED_USER_TAKEOUT", K.OTHER),
            ("login", "login_success", K.SIGN_IN_FAILED),
            ("login", "login_failure", K.SIGN_IN_FAILED),
        ],
    )
    @pytest.mark.parametrize("status", ["FAILED", "SKIPPED"])
    def test_failed_attempt(self, source: str, name: str, kind: ActivityKind, status: str) -> None:
        """What Google says has failed was not done: a download that was refused is none."""
        event = self._event(name, target_user="x@mail.example", visibility="shared_externally")
        (told,) = google(source, self._record(source, "1", **event, status={"eventStatus": status}))
        assert (told.kind, told.raw_name) == (kind, f"{source}/{name}")

    async def test_filter_left_out(self) -> None:
        """A parameter that Google does not know it leaves out of the filter: everybody's records are not the leaver's."""
        async with rig_google_workspace.rig() as r:
            account = await account_of(r, "E1001")
            mine = self._record("admin", "1", **self._event("UNSUSPEND_USER", USER_EMAIL=account.label.upper()))
            other = self._record("admin", "2", **self._event("UNSUSPEND_USER", USER_EMAIL="other@example.com"))
            body = json.dumps({"kind": "admin#reports#activities", "items": [other, mine]})
            r.stage.faults.append(Fault("eventName=UNSUSPEND_USER", status=200, body=body))
            found, cursor = [], None
            while True:
                page = await r.connector.activity(account, "admin", DAY, cursor)
                found += [record.raw for record in page.records]
                cursor = page.cursor
                if cursor is None:
                    break
            assert found == [mine]

    async def test_event_of_yesterday(self) -> None:
        """An event whose name Google gave up refuses one query: the others are asked, and the one is a gap."""
        async with rig_google_workspace.rig() as r:
            account = await account_of(r, "E1001")
            refusal = json.dumps({"error": {"code": 400, "errors": [{"reason": "invalid"}]}})
            r.stage.faults.append(Fault("eventName=STARTED_USER_TAKEOUT", status=400, body=refusal, times=None))
            r.tenant.record_activity(
                "", "COMPLETED_USER_TAKEOUT", application="takeout", kind="USER_TAKEOUT", USER_EMAIL=account.label
            )
            reading = await m.read(r, account, "takeout", DAY)
            assert len(reading.records) == 1
            assert [gap.reason for gap in reading.gaps] == ["refused"]

    async def test_short_window_at_the_edge(self) -> None:
        """What is no longer kept was not looked at, however short it is."""
        async with rig_google_workspace.rig() as r:
            edge = NOW - KEEPS
            window = Window(edge - timedelta(minutes=30), edge - timedelta(minutes=10))
            page = await r.connector.activity(await account_of(r, "E1001"), "drive", window)
            assert (page.cursor, [gap.reason for gap in page.gaps]) == (None, ["retention"])

    @pytest.mark.parametrize("change", [{"query": 99}, {"query": -1}, {"from_at": None}, {"ends_at": "soon"}])
    async def test_cursor_of_another_edition(self, change: dict[str, Any]) -> None:
        """A cursor that an older lastday wrote, with more queries than there are now, begins again."""
        async with rig_google_workspace.rig() as r:
            account = await account_of(r, "E1001")
            page = await r.connector.activity(account, "admin", DAY)
            assert page.cursor is not None
            with pytest.raises(CursorExpired):
                await r.connector.activity(account, "admin", DAY, json.dumps(json.loads(page.cursor) | change))

    @pytest.mark.parametrize(
        "body", ['{"error": "access_denied"}', '{"items": [{"id": {"time": "9999-12-31T23:59:59-14:00"}}]}']
    )
    async def test_no_log(self, body: str) -> None:
        """A refusal under 200, and a record without its qualifier, are no empty log."""
        async with rig_google_workspace.rig() as r:
            r.stage.faults.append(Fault("applications/token", status=200, body=body))
            with pytest.raises(Unintelligible):
                await r.connector.activity(await account_of(r, "E1001"), "token", DAY)


class TestMicrosoft:
    async def test_window_in_tokyo(self) -> None:
        """A window holds the same records in whatever zone its ends are told."""
        async with rig_microsoft365.rig() as r:
            person = m.account(r, habit=ordinary("x", m.TODAY))
            at = max(record.at for record in (await m.read(r, person, SIGN_INS)).records.values())
            hour = Window(
                (at - timedelta(minutes=30)).astimezone(TOKYO), (at + timedelta(minutes=30)).astimezone(TOKYO)
            )
            assert (await m.read(r, person, SIGN_INS, hour)).records

    async def test_circle_of_two(self) -> None:
        """Two pages that lead to each other end soon, as an answer that is not understood."""
        async with rig_microsoft365.rig() as r:
            person = m.account(r, habit=m.views(3))
            for here, there in (("=a", "b"), ("=b", "a"), ("", "a")):
                link = f"/v1.0/security/auditLog/queries/1/records?$skiptoken={there}"
                body = json.dumps({"@odata.nextLink": link, "value": []})
                r.stage.faults.append(Fault(m.RECORDS + ".*" + here, status=200, body=body, times=None))
            with pytest.raises(Unintelligible, match="repeats"):
                await m.read(r, person, most=20)

    async def test_queue_that_never_moves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Searches that somebody else's application left hanging are waited for, not for ever."""
        monkeypatch.setattr(search, "MOST_WAITS", 3)
        async with rig_microsoft365.rig() as r:
            person = m.account(r, habit=m.views(3))
            rows = [{"id": str(n), "displayName": "theirs", "status": "running"} for n in range(50)]
            body = json.dumps({"value": rows})
            r.stage.faults.append(Fault(rf"GET /v1.0{m.QUERIES}$", status=200, body=body, times=None))
            with pytest.raises(Throttled):
                await m.read(r, person, most=20)
            assert m.submissions(r) == 0

    async def test_deleted_account(self) -> None:
        """A deleted account's deeds are searched for by the name that it had, and the statement says so."""
        async with rig_microsoft365.rig() as r:
            person = await account_of(r, "E1001")
            r.tenant.book.behave(person.id, m.views(3))
            gone = json.dumps({"error": {"code": "Request_ResourceNotFound"}})
            r.stage.faults.append(Fault(f"GET /v1.0/users/{person.id}", status=404, body=gone, times=None))
            reading = await m.read(r, person)
            assert (len(reading.records), reading.reasons) == (3, {"names_unseen"})
            with pytest.raises(Unintelligible):
                await m.read(r, replace(person, label=""))

    async def test_odd_search(self) -> None:
        """Somebody else's search of an odd shape stops none of ours."""
        async with rig_microsoft365.rig(audit=AuditOptions()) as r:
            person = m.account(r, habit=m.views(3))
            body = json.dumps({"value": [{"id": "1", "displayName": [], "status": []}]})
            r.stage.faults.append(Fault(rf"GET /v1.0{m.QUERIES}$", status=200, body=body))
            assert len((await m.read(r, person)).records) == 3

    @pytest.mark.parametrize(
        "sku", [{"servicePlans": 7}, {"servicePlans": [7]}, {"capabilityStatus": [], "servicePlans": []}]
    )
    async def test_odd_licence(self, sku: dict[str, Any]) -> None:
        """A licence of an odd shape hides no plan behind it, and stops no reading."""
        async with rig_microsoft365.rig() as r:
            body = json.dumps({"value": [{"capabilityStatus": "Enabled"} | sku]})
            r.stage.faults.append(Fault("subscribedSkus", status=200, body=body))
            (gap,) = (await m.read(r, m.account(r), SIGN_INS)).gaps
            assert "Entra ID Free" in gap.text

    @pytest.mark.parametrize(
        ("operation", "told"),
        [
            ("New-InboxRule", {"ResultStatus": "False", "Parameters": [{"Name": "ForwardTo", "Value": "x@y"}]}),
            ("SearchExported", {"ResultStatus": "Failed"}),
            ("FileDownloaded", {"ResultStatus": "Failed"}),
            ("SharingSet", {"ResultStatus": "Failure", "TargetUserOrGroupType": "Guest"}),
            (
                "UpdateInboxRules",
                {
                    "OperationProperties": [
                        {"Name": "RuleOperation", "Value": "RemoveMailboxRule"},
                        {"Name": "RuleActions", "Value": '[{"ActionType":"Forward"}]'},
                    ]
                },
            ),
        ],
    )
    def test_not_done(self, operation: str, told: dict[str, Any]) -> None:
        """An attempt that failed, and a rule that was taken away, are no exits."""
        raw: dict[str, Any] = {"createdDateTime": "2026-11-01T01:02:03Z", "operation": operation, "auditData": told}
        (found,) = microsoft(PURVIEW, raw)
        assert (found.kind, found.raw_name) == (K.OTHER, operation)


class TestSlack:
    async def test_before_a_probe(self) -> None:
        """Of a plan not seen yet nothing is begun that the plan may turn out not to have: no reading stays open for ever."""
        async with rig_slack.rig(probe=False) as r:
            before = {source.name for source in r.connector.activity_sources}
            await r.connector.probe()
            assert before <= {source.name for source in r.connector.activity_sources}

    async def test_pages_without_a_cursor(self) -> None:
        """A first page that tells of others and gives no way to them is a part, and says so."""
        async with rig_slack.rig(plan="business_plus") as r:
            body = json.dumps({"ok": True, "logins": [], "paging": {"count": 100, "page": 1, "pages": 12}})
            r.stage.faults.append(Fault("team.accessLogs", status=200, body=body))
            page = await r.connector.activity(Account(r.service, r.account_id("E1001")), "access_logs", DAY)
            assert (page.cursor, [gap.reason for gap in page.gaps]) == (None, ["truncated"])

    async def test_less_than_a_thousand(self) -> None:
        """A page by cursor has less than a thousand rows: more is refused."""
        async with rig_slack.rig(plan="business_plus") as r:
            await r.connector.activity(Account(r.service, r.account_id("E1001")), "access_logs", DAY)
            assert any(b"limit=999" in request.body for request in r.stage.journal)
