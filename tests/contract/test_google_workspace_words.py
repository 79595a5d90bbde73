"""What Google's records tell, in the house's words."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.google_workspace.activity.describing import describe
from models.vocabulary import ActivityKind
from tests.contract.records_google_workspace import raw

K = ActivityKind


SHARED: list[tuple[str, dict[str, Any], ActivityKind]] = [
    ("change_user_access", {"target_user": "a@partner.example", "visibility": "shared_externally", "new_value": ["can_view"], "old_value": ["none"]}, K.EXTERNAL_SHARE),
    ("change_user_access", {"target_user": "a@partner.example", "visibility_change": "external", "visibility": "people_with_link", "new_value": ["can_edit"]}, K.EXTERNAL_SHARE),
    ("change_user_access", {"target_user": "a@partner.example", "new_value": ["can_edit"], "old_value": ["can_view"]}, K.EXTERNAL_SHARE),
    ("change_user_access", {"target_user": "a@partner.example", "visibility": "shared_externally", "new_value": ["can_view"], "old_value": ["can_edit"]}, K.OTHER),
    ("change_user_access", {"target_user": "a@partner.example", "visibility": "private", "new_value": ["none"], "old_value": ["can_view"]}, K.OTHER),
    ("change_user_access", {"target_user": "b@example.com", "visibility": "shared_internally", "new_value": ["can_edit"], "old_value": ["none"]}, K.OTHER),
    ("change_user_access", {"target_user": "B@EXAMPLE.COM", "visibility": "shared_externally", "new_value": ["can_edit"]}, K.OTHER),
    ("change_user_access", {"target_user": "b@second.example", "visibility": "shared_internally", "new_value": ["can_view"]}, K.OTHER),
    ("change_document_access_scope", {"target_domain": "all", "visibility": "people_with_link", "old_visibility": "private", "new_value": ["can_view"], "old_value": ["none"]}, K.PUBLIC_LINK),
    ("change_document_access_scope", {"target_domain": "all", "visibility": "people_with_link", "old_visibility": "people_with_link", "new_value": ["can_edit"], "old_value": ["can_view"]}, K.PUBLIC_LINK),
    ("change_document_access_scope", {"target_domain": "partner.example", "visibility": "shared_externally", "new_value": ["can_view"]}, K.EXTERNAL_SHARE),
    ("change_document_access_scope", {"target_domain": "example.com", "visibility": "people_within_domain_with_link", "new_value": ["can_view"]}, K.OTHER),
    ("change_document_visibility", {"target_domain": "all", "visibility": "public_on_the_web", "old_visibility": "private", "new_value": ["public_on_the_web"]}, K.PUBLIC_LINK),
    ("change_document_visibility", {"target_domain": "all", "visibility": "people_with_link", "old_visibility": "public_on_the_web", "new_value": ["people_with_link"], "old_value": ["public_on_the_web"]}, K.OTHER),
    ("change_document_visibility", {"visibility": "private", "old_visibility": "people_with_link", "new_value": ["private"]}, K.OTHER),
    ("change_user_access", {"visibility": "shared_externally", "visibility_change": "external", "new_value": ["can_view"]}, K.EXTERNAL_SHARE),
    ("change_document_visibility", {"visibility": "shared_externally", "visibility_change": "external", "new_value": ["shared_externally"]}, K.OTHER),
    ("change_owner", {"new_owner": "me@mail.example", "visibility": "shared_externally"}, K.EXTERNAL_SHARE),
    ("shared_drive_membership_change", {"target": "x@mail.example", "visibility": "shared_externally", "membership_change_type": "remove_from_shared_drive"}, K.OTHER),
]  # fmt: skip


class TestWords:
    @pytest.mark.parametrize(("name", "parameters", "kind"), SHARED)
    def test_shares(self, name: str, parameters: dict[str, Any], kind: ActivityKind) -> None:
        """Somebody outside gained access, or anyone with the link did; taking away and sharing inside are neither."""
        (told,) = describe("drive", raw(name, primary_event=True, **parameters))
        assert told.kind == kind

    def test_one_change_told_twice(self) -> None:
        """Google tells of one change of scope in two events: it counts once, whichever is the primary one."""
        change = {"target_domain": "all", "visibility": "people_with_link", "old_visibility": "private"}
        twin = raw("change_document_visibility", primary_event=True, **change)["events"]
        told = describe("drive", raw("change_document_access_scope", more=twin, primary_event=False, **change))
        assert [a.kind for a in told] == [K.PUBLIC_LINK, K.OTHER]

    def test_primary_events_alone(self) -> None:
        """One action gives several events; those that are not primary are kept by name and not counted."""
        second = raw("download", primary_event=False)["events"]
        told = describe("drive", raw("preview", more=second, primary_event=True))
        assert [(a.kind, a.raw_name) for a in told] == [(K.VIEW, "drive/preview"), (K.OTHER, "drive/download")]

    @pytest.mark.parametrize(
        ("source", "name", "parameters", "kind"),
        [
            ("drive", "access_item_content", {}, K.DOWNLOAD),
            ("drive", "sync_item_content", {}, K.SYNC),
            ("drive", "prefetch_item_content", {}, K.OTHER),
            ("drive", "an_event_of_next_year", {}, K.OTHER),
            ("login", "login_success", {"is_suspicious": True}, K.SIGN_IN),
            ("login", "suspicious_login", {}, K.SIGN_IN_FAILED),
            ("login", "login_failure", {"login_failure_type": "login_failure_account_disabled"}, K.SIGN_IN_FAILED),
            ("login", "email_forwarding_out_of_domain", {}, K.FORWARD),
            ("takeout", "COMPLETED_USER_TAKEOUT", {"TAKEOUT_STATUS": "FAILED"}, K.OTHER),
            ("takeout", "DOWNLOADED_USER_TAKEOUT", {}, K.TAKEOUT),
            ("token", "revoke", {}, K.OTHER),
            ("no_such_log", "download", {}, K.OTHER),
        ],
    )
    def test_events(self, source: str, name: str, parameters: dict[str, Any], kind: ActivityKind) -> None:
        """Each event has one word, or none, and always its own name."""
        (told,) = describe(source, raw(name, source, **parameters))
        assert (told.kind, told.raw_name) == (kind, f"{source}/{name}")

    def test_particulars(self) -> None:
        """Title, folder, label, program and place are taken where Google gives them."""
        record = raw(
            "source_copy",
            doc_id="1A",
            doc_title="図面",
            owner="Sales",
            owner_is_shared_drive=True,
            copy_type="external",
        )
        record["resourceDetails"] = [{"id": "1A", "title": "図面", "appliedLabels": [{"id": "l", "title": "極秘"}]}]
        record["actor"]["applicationInfo"] = {"oauthClientId": "x.apps.googleusercontent.com"}
        record["userDeviceInfo"] = {"deviceId": "d-1"}
        (told,) = describe("drive", record)
        assert (told.kind, told.object_id, told.title, told.folder) == (K.COPY, "1A", "図面", "Sales")
        assert (told.label, told.by_program) == ("極秘", True)
        assert (told.ip, told.device, told.actor_id) == ("203.0.113.25", "d-1", "112233445566778899001")

    def test_nobody_named(self) -> None:
        """Actors whom Google does not name are kept, its placeholder is no id, and its own systems are programs."""
        record = raw("download") | {
            "actor": {"profileId": "105250506097979753968", "callerType": "KEY", "key": "SYSTEM"}
        }
        (told,) = describe("drive", record)
        assert (told.actor_id, told.by_program, told.kind) == (None, True, K.DOWNLOAD)

    @pytest.mark.parametrize("events", [None, [], "x", [None], [{"name": 7, "parameters": {"a": 1}}]], ids=repr)
    def test_odd_shapes(self, events: Any) -> None:
        """Whatever stands where the events should be, the record is told of, as something that has no word."""
        told = describe("drive", raw("download") | {"events": events, "actor": None, "resourceDetails": 3})
        assert [(a.kind, a.raw_name) for a in told] == [(K.OTHER, "drive/unnamed")]
