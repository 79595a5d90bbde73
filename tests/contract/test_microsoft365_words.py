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
        ("operation", "told", "kind"),
        [
            ("FileDownloaded", {}, ActivityKind.DOWNLOAD),
            ("FileSyncDownloadedFull", {}, ActivityKind.SYNC),
            ("FileSyncDownloadedPartial", {}, ActivityKind.SYNC),
            ("FileAccessed", {"UserAgent": "Mozilla/5.0"}, ActivityKind.VIEW),
            ("FileAccessed", {}, ActivityKind.VIEW),
            ("FileAccessed", {"UserAgent": "rclone/v1.71"}, ActivityKind.VIEW_AS_DOWNLOAD),
            ("FileAccessedExtended", {"AppAccessContext": {"ClientAppId": "x"}}, ActivityKind.VIEW_AS_DOWNLOAD),
            ("FileCopied", {}, ActivityKind.COPY),
            ("FilePrinted", {}, ActivityKind.PRINT),
            ("FileUploaded", {}, ActivityKind.UPLOAD),
            ("SharingSet", {"TargetUserOrGroupType": "Member"}, ActivityKind.OTHER),
            ("SharingSet", {"TargetUserOrGroupType": "Guest"}, ActivityKind.EXTERNAL_SHARE),
            ("AddedToSecureLink", {"TargetUserOrGroupName": "a_b#EXT#@c"}, ActivityKind.EXTERNAL_SHARE),
            ("SharingInvitationCreated", {}, ActivityKind.EXTERNAL_SHARE),
            ("AnonymousLinkCreated", {}, ActivityKind.PUBLIC_LINK),
            ("CompanyLinkCreated", {}, ActivityKind.OTHER),
            ("SecureLinkCreated", {}, ActivityKind.OTHER),
            ("MailItemsAccessed", {}, ActivityKind.VIEW),
            (
                "MailItemsAccessed",
                {"OperationProperties": [{"Name": "MailAccessType", "Value": "Sync"}]},
                ActivityKind.SYNC,
            ),
            ("New-InboxRule", {"Parameters": [{"Name": "ForwardTo", "Value": "a@b"}]}, ActivityKind.FORWARD),
            ("New-InboxRule", {"Parameters": [{"Name": "MoveToFolder", "Value": "x"}]}, ActivityKind.OTHER),
            (
                "UpdateInboxRules",
                {"OperationProperties": [{"Name": "RuleActions", "Value": '[{"ActionType":"Forward"}]'}]},
                ActivityKind.FORWARD,
            ),
            (
                "Set-Mailbox",
                {"Parameters": [{"Name": "ForwardingSmtpAddress", "Value": "smtp:a@b"}]},
                ActivityKind.FORWARD,
            ),
            ("Set-Mailbox", {"Parameters": [{"Name": "ForwardingSmtpAddress", "Value": ""}]}, ActivityKind.OTHER),
            ("Add-MailboxPermission", {}, ActivityKind.DELEGATE),
            ("AddFolderPermissions", {"ResultStatus": "Failed"}, ActivityKind.OTHER),
            ("Consent to application.", {"ResultStatus": "Success"}, ActivityKind.GRANT),
            ("Consent to application.", {"ResultStatus": "Failure"}, ActivityKind.OTHER),
            ("UserLoggedIn", {}, ActivityKind.SIGN_IN),
            ("UserLoggedIn", {"ResultStatus": "Failed"}, ActivityKind.SIGN_IN_FAILED),
            ("UserLoginFailed", {}, ActivityKind.SIGN_IN_FAILED),
            ("CreateFlow", {}, ActivityKind.GRANT),
            ("SearchExportDownloaded", {}, ActivityKind.TAKEOUT),
            ("Send", {}, ActivityKind.SEND),
            ("SomethingNew", {}, ActivityKind.OTHER),
        ],
    )
    def test_kind(self, operation: str, told: dict[str, Any], kind: ActivityKind) -> None:
        """One line of the table; the vendor's word stays beside ours."""
        found = described(operation, **told)
        assert (found.kind, found.raw_name) == (kind, operation)

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
