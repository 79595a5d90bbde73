"""What each of Microsoft's words for what was done means here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.microsoft365.activity.describing import describe
from connectors.microsoft365.activity.sources import BACKGROUND, DIRECTORY, PURVIEW, SIGN_INS
from models.vocabulary import ActivityKind


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
            ("UserLoggedIn", {"ResultStatus": "Failed"}, ActivityKind.SIGN_IN_FAILED, None),
            ("UserLoginFailed", {}, ActivityKind.SIGN_IN_FAILED, None),
            ("CreateFlow", {}, ActivityKind.GRANT, None),
            ("SearchExportDownloaded", {}, ActivityKind.TAKEOUT, None),
            ("Send", {}, ActivityKind.SEND, None),
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

    def test_sign_in_without_an_answer(self) -> None:
        """One of which the vendor does not say how it ended may have let somebody in."""
        (found,) = describe(SIGN_INS, {"createdDateTime": "2026-11-01T01:02:03Z"})
        assert found.kind is ActivityKind.SIGN_IN
