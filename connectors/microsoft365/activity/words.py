"""
The kinds of the vendor's operations, a table for each log.

An operation that no table has is `other`, with the vendor's name kept.  The kind of some depends on the record: see `describing`.
"""

from __future__ import annotations

from models.vocabulary import ActivityKind as K

OPERATIONS: dict[str, K] = {
    # files, in SharePoint, OneDrive and Teams
    "FileDownloaded": K.DOWNLOAD,
    "FileSyncDownloadedFull": K.SYNC,
    "FileSyncDownloadedPartial": K.SYNC,
    "FileCopied": K.COPY,
    "FolderCopied": K.COPY,
    "FileAccessed": K.VIEW,
    "FileAccessedExtended": K.VIEW,
    "FilePreviewed": K.VIEW,
    "PageViewed": K.VIEW,
    "PageViewedExtended": K.VIEW,
    "FileUploaded": K.UPLOAD,
    "FileSyncUploadedFull": K.UPLOAD,
    "FileSyncUploadedPartial": K.UPLOAD,
    **dict.fromkeys(
        (
            "FileModified",
            "FileModifiedExtended",
            "FileCreated",
            "FileRenamed",
            "FileMoved",
            "FileRecycled",
            "FileDeleted",
            "FileRestored",
            "FolderCreated",
            "FolderModified",
            "FolderRenamed",
            "FolderMoved",
            "FolderRecycled",
            "FolderDeleted",
        ),
        K.EDIT,
    ),
    # files, on the device (data loss prevention for endpoints)
    "FilePrinted": K.PRINT,
    "FileCopiedToRemovableMedia": K.COPY,
    "FileCopiedToNetworkShare": K.COPY,
    "FileCopiedToRemoteDesktopSession": K.COPY,
    "FileCopiedToClipboard": K.COPY,
    "FileUploadedToCloud": K.COPY,
    "FileTransferredByBluetooth": K.COPY,
    # shares; who gets them decides
    "SharingSet": K.EXTERNAL_SHARE,
    "SharingInvitationCreated": K.EXTERNAL_SHARE,
    "SharingInvitationUpdated": K.EXTERNAL_SHARE,
    "AddedToSecureLink": K.EXTERNAL_SHARE,
    "AddedToGroup": K.EXTERNAL_SHARE,
    "AnonymousLinkCreated": K.PUBLIC_LINK,
    "AnonymousLinkUpdated": K.PUBLIC_LINK,
    # mail
    "Send": K.SEND,
    "SendAs": K.SEND,
    "SendOnBehalf": K.SEND,
    "MailItemsAccessed": K.VIEW,
    "New-InboxRule": K.FORWARD,
    "Set-InboxRule": K.FORWARD,
    "UpdateInboxRules": K.FORWARD,
    "Set-Mailbox": K.FORWARD,
    "Add-MailboxPermission": K.DELEGATE,
    "Add-RecipientPermission": K.DELEGATE,
    "Add-MailboxFolderPermission": K.DELEGATE,
    "AddFolderPermissions": K.DELEGATE,
    "UpdateFolderPermissions": K.DELEGATE,
    "UpdateCalendarDelegation": K.DELEGATE,
    # programs that go on working for the person
    "Consent to application.": K.GRANT,
    "Add OAuth2PermissionGrant.": K.GRANT,
    "Add delegated permission grant.": K.GRANT,
    "Add app role assignment grant to user.": K.GRANT,
    "CreateFlow": K.GRANT,
    "PutConnection": K.GRANT,
    # ways in
    "UserLoggedIn": K.SIGN_IN,
    "UserLoginFailed": K.SIGN_IN_FAILED,
    "Create application password for user.": K.APP_PASSWORD,
    "Register device.": K.DEVICE,
    "Add device.": K.DEVICE,
    "Add registered owner to device.": K.DEVICE,
    "Add registered users to device.": K.DEVICE,
    "User registered security info.": K.DEVICE,
    # whole exports
    "SearchExported": K.TAKEOUT,
    "SearchExportDownloaded": K.TAKEOUT,
    "ExportReport": K.DOWNLOAD,
    "DownloadReport": K.DOWNLOAD,
    "ExportArtifact": K.DOWNLOAD,
    "ExportToExcel": K.DOWNLOAD,
    "RecordingExported": K.DOWNLOAD,
    "TranscriptsExported": K.DOWNLOAD,
}
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

COMPANY_LINKS = frozenset({"CompanyLinkCreated", "CompanyLinkUsed"})
OUTSIDERS = frozenset({"Guest", "Partner"})
INSIDERS = frozenset({"Member", "SecurityGroup", "SharePointGroup"})
FORWARDING = frozenset(
    {"ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "ForwardingSmtpAddress", "ForwardingAddress"}
)
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
