"""Answers and records that nobody foresaw: what the readers of the logs keep to all the same."""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.activity import Window
from connectors.errors import ConnectorError, Unintelligible
from connectors.google_workspace.activity.describing import describe as google
from connectors.google_workspace.activity.records import record as google_record
from connectors.microsoft365.activity.describing import describe as microsoft
from connectors.microsoft365.activity.records import records_of
from connectors.slack.activity.describing import describe as slack
from emulators.fault_proxy import Fault
from models.vocabulary import Account, Service
from tests.contract.rig import Rigging
from tests.contract.rig_slack import rig as slack_rig

AT = "2026-11-18T17:42:09.364Z"
EVER = Window(datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
WEEK = Window(datetime(2026, 11, 14, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


def _google(source: str, name: str, **parameters: str | bool | list[str]) -> dict[str, Any]:
    fields = {bool: "boolValue", list: "multiValue", str: "value"}
    return {
        "id": {"time": AT, "uniqueQualifier": "-48", "applicationName": source, "customerId": "C1"},
        "actor": {"email": "a@example.com", "profileId": "1122", "callerType": "USER", "applicationInfo": {}},
        "ownerDomain": "example.com",
        "ipAddress": "203.0.113.25",
        "userDeviceInfo": {"deviceId": "d"},
        "resourceDetails": [{"id": "1A", "title": "t", "appliedLabels": [{"title": "極秘"}]}],
        "events": [
            {"name": name, "parameters": [{"name": key, fields[type(v)]: v} for key, v in parameters.items()]},
        ],
    }


_SHARE: dict[str, Any] = {
    "primary_event": True, "doc_id": "1A", "target_user": "x@mail.example", "visibility": "people_with_link",
    "old_visibility": "private", "visibility_change": "external", "new_value": ["can_edit"], "old_value": ["none"],
    "membership_change_type": "add",
}  # fmt: skip
GOOGLE: list[tuple[str, dict[str, Any]]] = [
    ("drive", _google("drive", "change_user_access", **_SHARE)),
    (
        "drive",
        _google("drive", "source_copy", copy_type="external", doc_id="1A", owner_is_shared_drive=True, owner="S"),
    ),
    ("takeout", _google("takeout", "COMPLETED_USER_TAKEOUT", TAKEOUT_STATUS="COMPLETED", TAKEOUT_ID="1")),
    ("token", _google("token", "activity", num_response_bytes="77", client_id="c", app_name="n")),
    (
        "login",
        _google("login", "email_forwarding_out_of_domain", email_forwarding_destination_address="x@mail.example"),
    ),
]
_AUDIT = {
    "id": "r1", "createdDateTime": AT, "operation": "New-InboxRule", "userId": "a@example.com", "objectId": "https://x/a",
    "clientIp": "192.0.2.1",
    "auditData": {
        "ResultStatus": "True", "FileSizeBytes": "12", "TargetUserOrGroupType": "Guest", "TargetUserOrGroupName": "a#ext#",
        "Parameters": [{"Name": "ForwardTo", "Value": "x@mail.example"}], "AppAccessContext": {"ClientAppId": "c"},
        "OperationProperties": [{"Name": "RuleActions", "Value": "Forward"}], "UserAgent": "rclone", "SiteUrl": "https://x/",
        "SourceRelativeUrl": "d",
    },
}  # fmt: skip
_SIGN_IN = {
    "id": "s1", "createdDateTime": AT, "userId": "u", "status": {"errorCode": 0}, "clientAppUsed": "Browser",
    "deviceDetail": {"operatingSystem": "x", "browser": "y"}, "appDisplayName": "Office",
}  # fmt: skip
_CHANGE = {
    "id": "d1", "activityDateTime": AT, "activityDisplayName": "Register device", "result": "success",
    "initiatedBy": {"user": {"id": "u", "ipAddress": "192.0.2.1"}}, "targetResources": [{"id": "t", "displayName": "n"}],
}  # fmt: skip
MICROSOFT: list[tuple[str, dict[str, Any]]] = [
    ("purview", _AUDIT),
    ("purview", _AUDIT | {"operation": "FileAccessed"}),
    ("purview", _AUDIT | {"operation": "SharingSet"}),
    ("sign_ins", _SIGN_IN),
    ("background_sign_ins", _SIGN_IN),
    ("directory_audits", _CHANGE),
]
SLACK: list[tuple[str, dict[str, Any]]] = [
    (
        "audit_logs",
        {
            "id": "e1", "date_create": 1763000000, "action": "app_installed",
            "actor": {"type": "user", "user": {"id": "W1", "email": "a@example.com"}},
            "entity": {"type": "app", "app": {"id": "A1", "name": "n"}},
            "context": {"ua": "x", "ip_address": "192.0.2.1", "app": {"id": "A1"}},
        },
    ),
    ("access_logs", {"user_id": "W12", "date_first": 1762900000, "date_last": 1763000000, "ip": "192.0.2.1"}),
    ("integration_logs", {"user_id": "W12", "date": "1763000000", "change_type": "added", "app_id": "A1"}),
    ("files", {"id": "F1", "created": 1763000000, "user": "W1", "title": "t", "size": 3, "public_url_shared": True}),
]  # fmt: skip
STAMPS = {"directory_audits": "activityDateTime"}
SLACK_ANSWERS = {
    "audit_logs": ("entries", "audit/v1/logs"),
    "access_logs": ("logins", "team.accessLogs"),
    "integration_logs": ("logs", "team.integrationLogs"),
    "files": ("files", "files.list"),
}
NO_TIMES: list[Any] = [None, True, 0, -(10**25), 10**25, "", "x", [], {}, "nan", "1e400"]
SLACK_PERSON = Account(Service.SLACK, "W12")

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        7.5,
        10**30,
        "",
        "x",
        "9" * 5000,
        "٣",
        "\ud800",
        [],
        [None],
        [[]],
        [{}],
        ["x", 1],
        {},
        {"a": {}},
    ]
)


def _spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _spots(child, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, samples: list[tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    """Return a record of *samples* in which one to three things are others, or gone."""
    source, sample = draw(st.sampled_from(samples))
    raw = copy.deepcopy(sample)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(_spots(raw)) or [("id",)]))
        place: Any = raw
        for step in way:
            place = place[step]
        if draw(st.booleans()) and isinstance(place, dict):
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(draw(ODD))
    return source, raw


class TestDescribe:
    """What a reading gave out can be told of, whatever stands in it."""

    @settings(max_examples=400, deadline=None)
    @given(mutated(GOOGLE))
    def test_google(self, record: tuple[str, dict[str, Any]]) -> None:
        """No record of Google's that has its id and its time is too odd to be told."""
        source, raw = record
        try:
            google_record(raw)
        except Unintelligible:
            return
        assert all(told.raw_name and told.at.tzinfo is not None for told in google(source, raw))
        assert google(source, raw)

    @settings(max_examples=400, deadline=None)
    @given(mutated(MICROSOFT))
    def test_microsoft(self, record: tuple[str, dict[str, Any]]) -> None:
        """No record of Microsoft's that has its id and its time is too odd to be told."""
        source, raw = record
        try:
            records_of([raw], EVER, STAMPS.get(source, "createdDateTime"))
        except Unintelligible:
            return
        assert all(told.raw_name and told.at.tzinfo is not None for told in microsoft(source, raw))
        assert microsoft(source, raw)

    @pytest.mark.parametrize("end", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
    def test_ends_of_time(self, end: str) -> None:
        """An instant that no calendar of ours holds is not understood, and no crash."""
        raw = _google("drive", "download")
        with pytest.raises(Unintelligible):
            google_record(raw | {"id": raw["id"] | {"time": end}})
        with pytest.raises(Unintelligible):
            records_of([_SIGN_IN | {"createdDateTime": end}], EVER, "createdDateTime")

    @settings(max_examples=300, deadline=None)
    @given(mutated(SLACK))
    def test_slack(self, record: tuple[str, dict[str, Any]]) -> None:
        """No entry of Slack's that has its id and its times is too odd to be told."""
        source, raw = record
        whole = raw | {key: value for key, value in dict(SLACK)[source].items() if "date" in key or key == "created"}
        assert all(told.raw_name and told.at.tzinfo is not None for told in slack(source, whole))
        assert slack(source, whole)


class TestOddAnswers:
    @pytest.mark.parametrize(("source", "raw"), SLACK, ids=[source for source, _ in SLACK])
    async def test_slack(self, source: str, raw: dict[str, Any]) -> None:
        """An entry whose time, id or page count is none is refused as not understood, or it can be told of."""
        key, where = SLACK_ANSWERS[source]
        async with slack_rig(plan="business_plus") as r:
            for field in {"id", "date_create", "date_first", "date_last", "date", "created", "user_id"} & raw.keys():
                for odd in NO_TIMES:
                    body = json.dumps({"ok": True, key: [raw | {field: odd}], "paging": {"pages": 1}})
                    r.stage.faults[:] = [Fault(where, status=200, body=body)]
                    try:
                        page = await r.connector.activity(SLACK_PERSON, source, EVER)
                    except ConnectorError:
                        continue
                    assert all(r.connector.describe(source, record.raw) for record in page.records)

    @pytest.mark.parametrize("pages", ["x", None, [], 1e400, {}])
    async def test_slack_page_count(self, pages: Any) -> None:
        """A number of pages that is none is not understood."""
        async with slack_rig(plan="business_plus") as r:
            body = json.dumps({"ok": True, "files": [], "paging": {"pages": pages}})
            r.stage.faults.append(Fault("files.list", status=200, body=body))
            with pytest.raises(Unintelligible):
                await r.connector.activity(SLACK_PERSON, "files", EVER)


class TestUnknownLog:
    @pytest.mark.parametrize("service", list(Service))
    async def test_is_an_error_of_ours(self, service: Service) -> None:
        """A log that a service does not have is one of the house's errors, as every failure of a reading is."""
        build: Rigging = importlib.import_module(f"tests.contract.rig_{service}").rig
        async with build() as r:
            with pytest.raises(ConnectorError, match="no such log"):
                await r.connector.activity(Account(service, r.account_id("E1001")), "no_such_log", WEEK)
            assert not r.stage.journal
