"""
The kinds of the vendor's operations, a table for each log.

An operation that no table has is `other`, with the vendor's name kept.  The kind of some depends on the record: see `describing`.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.vocabulary import ActivityKind as K

_NAMES: Mapping[K, tuple[str, ...]] = {
    K.DOWNLOAD: (
        "FileDownloaded", "ExportReport", "DownloadReport", "ExportArtifact", "ExportToExcel",
        "RecordingExported", "TranscriptsExported",
    ),
    K.SYNC: ("FileSyncDownloadedFull", "FileSyncDownloadedPartial"),
    K.COPY: (
        "FileCopied", "FolderCopied",
        # on the device (data loss prevention for endpoints)
        "FileCopiedToRemovableMedia", "FileCopiedToNetworkShare", "FileCopiedToRemoteDesktopSession",
        "FileCopiedToClipboard", "FileUploadedToCloud", "FileTransferredByBluetooth",
    ),
    K.PRINT: ("FilePrinted",),  # on the device, too
    K.VIEW: (
        "FileAccessed", "FileAccessedExtended", "FilePreviewed", "PageViewed", "PageViewedExtended",
        "MailItemsAccessed",
    ),
    K.UPLOAD: ("FileUploaded", "FileSyncUploadedFull", "FileSyncUploadedPartial"),
    K.EDIT: (
        "FileModified", "FileModifiedExtended", "FileCreated", "FileRenamed", "FileMoved", "FileRecycled",
        "FileDeleted", "FileRestored",
        "FolderCreated", "FolderModified", "FolderRenamed", "FolderMoved", "FolderRecycled", "FolderDeleted",
    ),
    # who gets the share decides
    K.EXTERNAL_SHARE: (
        "SharingSet", "SharingInvitationCreated", "SharingInvitationUpdated", "AddedToSecureLink", "AddedToGroup",
    ),
    K.PUBLIC_LINK: ("AnonymousLinkCreated", "AnonymousLinkUpdated"),
    K.SEND: ("Send", "SendAs", "SendOnBehalf"),
    K.FORWARD: ("New-InboxRule", "Set-InboxRule", "UpdateInboxRules", "Set-Mailbox"),
    K.DELEGATE: (
        "Add-MailboxPermission", "Add-RecipientPermission", "Add-MailboxFolderPermission",
        "AddFolderPermissions", "UpdateFolderPermissions", "UpdateCalendarDelegation",
    ),
    # programs that go on working for the person
    K.GRANT: (
        "Consent to application.", "Add OAuth2PermissionGrant.", "Add delegated permission grant.",
        "Add app role assignment grant to user.", "CreateFlow", "PutConnection",
    ),
    K.SIGN_IN: ("UserLoggedIn",),
    K.SIGN_IN_FAILED: ("UserLoginFailed",),
    K.APP_PASSWORD: ("Create application password for user.",),
    K.DEVICE: (
        "Register device.", "Add device.", "Add registered owner to device.", "Add registered users to device.",
        "User registered security info.",
    ),
    K.TAKEOUT: ("SearchExported", "SearchExportDownloaded"),
}  # fmt: skip
OPERATIONS = {name: kind for kind, names in _NAMES.items() for name in names}
"""Of the unified audit log.  Names that Entra writes there end in a full stop."""

TOLD = frozenset({*OPERATIONS.values(), K.VIEW_AS_DOWNLOAD})
"""The kinds of the unified audit log; a program's view counts as a download."""
_IN_DIRECTORY = frozenset({K.GRANT, K.APP_PASSWORD, K.DEVICE})
DIRECTORY: dict[str, K] = {
    "User registered all required security info": K.DEVICE,
    "Enable account": K.ENABLED,
    "Restore user": K.ENABLED,
    **{name.removesuffix("."): kind for name, kind in OPERATIONS.items() if kind in _IN_DIRECTORY},
}
"""Of Entra's own directory log, without the full stop."""

INSIDERS = frozenset({"Member", "SecurityGroup", "SharePointGroup"})
FORWARDING = {"ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "ForwardingSmtpAddress", "ForwardingAddress"}
"""Parameters of Exchange's commands that forward mail if they have a value."""
FORWARDING_ACTIONS = ("Forward", "Redirect")
"""The same in the rules' actions of `UpdateInboxRules`."""

BY_HAND = frozenset(
    {
        "00000003-0000-0ff1-ce00-000000000000",  # SharePoint Online
        "08e18876-6177-487e-b8b5-cf950c1e598c",  # SharePoint Online Web Client Extensibility
        "4765445b-32c6-49b0-83e6-1d93765276ca",  # OfficeHome
        "5e3ce6c0-2b1f-4285-8d4b-75ee78787346",  # Microsoft Teams Web Client
        "1fec8e78-bce4-4aaf-ab1b-5451cc387264",  # Microsoft Teams
        "d3590ed6-52b3-4102-aeff-aad2292ab01c",  # Microsoft Office
    }
)
"""Microsoft's own interactive applications: a person uses them by hand."""
