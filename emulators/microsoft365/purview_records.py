"""A deed in Purview's words: the record that `/security/auditLog/queries/{id}/records` gives of it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from emulators.activity_profiles import Deed, Verb, folder, mixed, size, title
from emulators.company import DOMAIN
from emulators.microsoft365.directory import TENANT_ID

Row: TypeAlias = "dict[str, Any]"

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Edg/141.0"
PROGRAM, PROGRAM_NAME = "9f1c5a0e-3d2b-4c77-8a65-1b6e4d0f2a91", "Sync everything"
OUTSIDER = "buyer@rival.example"
PLACES = ("203.0.113.10", "198.51.100.77", "192.0.2.201")
FILES = ("sharePointFileOperation", "sharePointFileOperationAuditRecord")
SHARES = ("sharePointSharingOperation", "sharePointSharingOperationAuditRecord")
DIRECTORY = ("azureActiveDirectory", "azureActiveDirectoryAuditRecord")

KINDS: Mapping[Verb, tuple[str, str, tuple[str, str]]] = {
    Verb.VIEW: ("FileAccessed", "OneDrive", FILES),
    Verb.EDIT: ("FileModified", "OneDrive", FILES),
    Verb.UPLOAD: ("FileUploaded", "OneDrive", FILES),
    Verb.DOWNLOAD: ("FileDownloaded", "OneDrive", FILES),
    Verb.SYNC: ("FileSyncDownloadedFull", "OneDrive", FILES),
    Verb.COPY: ("FileCopied", "OneDrive", FILES),
    Verb.PROGRAM_READ: ("FileAccessed", "OneDrive", FILES),
    Verb.SHARE_OUTSIDE: ("SharingInvitationCreated", "OneDrive", SHARES),
    Verb.MAKE_PUBLIC: ("AnonymousLinkCreated", "OneDrive", SHARES),
    Verb.PRINT: ("FilePrinted", "Endpoint", ("dlpEndpoint", "dlpEndpointAuditRecord")),
    Verb.TAKEOUT: ("SearchExportDownloaded", "SecurityComplianceCenter", ("discovery", "discoveryAuditRecord")),
    Verb.GRANT: ("Consent to application.", "AzureActiveDirectory", DIRECTORY),
    Verb.APP_PASSWORD: ("Create application password for user.", "AzureActiveDirectory", DIRECTORY),
    Verb.NEW_DEVICE: ("Add registered owner to device.", "AzureActiveDirectory", DIRECTORY),
    Verb.FORWARD: ("New-InboxRule", "Exchange", ("exchangeAdmin", "exchangeAdminAuditRecord")),
    Verb.DELEGATE: ("Add-MailboxPermission", "Exchange", ("exchangeAdmin", "exchangeAdminAuditRecord")),
    Verb.SIGN_IN: (
        "UserLoggedIn",
        "AzureActiveDirectory",
        ("azureActiveDirectoryStsLogon", "azureActiveDirectoryStsLogonAuditRecord"),
    ),
}
"""Each verb's operation, its workload, and the record's type, as the record and as its `auditData` spell it."""


def number(owner: str, no: int) -> str:
    """Return the id of one of somebody's records."""
    seed = zlib.crc32(owner.encode())
    return str(UUID(int=mixed(seed, no) << 64 | mixed(seed, -no - 1)))


def zulu(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def record(user: Row, deed: Deed) -> Row:
    """Return what Purview says of *deed*, done by *user*."""
    operation, workload, types = KINDS[deed.verb]
    own = {"UserAgent": BROWSER} | _of_the_thing(user, deed) | _of_the_verb(deed)
    return envelope(user, number(user["id"], deed.no), deed.at, operation, workload, types, own, PLACES[deed.place])


def envelope(  # noqa: PLR0913, PLR0917  # a record has these parts
    user: Row, record_id: str, at: datetime, operation: str, workload: str, types: tuple[str, str], own: Row, ip: str
) -> Row:
    upn = user["userPrincipalName"]
    told = {
        "@odata.type": f"#microsoft.graph.security.{types[1]}",
        "CreationTime": zulu(at)[:-1],
        "Id": record_id,
        "Operation": operation,
        "OrganizationId": TENANT_ID,
        "UserId": upn,
        "UserType": 0,
        "Workload": workload,
        "ClientIP": ip,
    }
    return {
        "id": record_id,
        "createdDateTime": zulu(at),
        "auditLogRecordType": types[0],
        "operation": operation,
        "organizationId": TENANT_ID,
        "userType": "Regular",
        "userId": upn,
        "service": workload,
        "objectId": own.get("ObjectId", ""),
        "userPrincipalName": upn,
        "clientIp": ip,
        "administrativeUnits": [""],
        "auditData": told | own,
    }


def _of_the_thing(user: Row, deed: Deed) -> Row:
    if KINDS[deed.verb][1] != "OneDrive":
        return {}
    box = str(user["userPrincipalName"]).replace("@", "_").replace(".", "_")
    site, path = f"https://hoshizora-my.sharepoint.com/personal/{box}/", f"Documents/{folder(deed.folder_no)}"
    name = title(deed.object_no)
    return {
        "ObjectId": f"{site}{path}/{name}",
        "ItemType": "File",
        "ListItemUniqueId": number("items", deed.object_no),
        "SiteUrl": site,
        "SourceRelativeUrl": path,
        "SourceFileName": name,
        "SourceFileExtension": name.rsplit(".", 1)[-1],
        "FileSizeBytes": size(deed.object_no),
    }


def _of_the_verb(deed: Deed) -> Row:
    match deed.verb:
        case Verb.PROGRAM_READ:
            context = {"ClientAppId": PROGRAM, "APIId": "00000003-0000-0000-c000-000000000000"}
            return {"UserAgent": "rclone/v1.71", "ApplicationId": PROGRAM, "AppAccessContext": context}
        case Verb.SYNC:
            return {"UserAgent": "Microsoft SkyDriveSync 25.184.0921.0004 ship; Windows NT 10.0"}
        case Verb.SHARE_OUTSIDE:
            return {
                "TargetUserOrGroupType": "Guest",
                "TargetUserOrGroupName": OUTSIDER,
                "EventData": "<Type>View</Type>",
            }
        case Verb.MAKE_PUBLIC:
            return {"EventData": "<Type>View</Type>", "UniqueSharingId": number("links", deed.no)}
        case Verb.PRINT:
            name = title(deed.object_no)
            return {"ObjectId": f"C:\\Users\\work\\{name}", "FileSize": size(deed.object_no), "DeviceName": "HSZ-NB-17"}
        case Verb.GRANT:
            return {"ObjectId": PROGRAM, "ApplicationName": PROGRAM_NAME, "ResultStatus": "Success"}
        case Verb.FORWARD:
            return {"Parameters": [{"Name": "ForwardTo", "Value": f"smtp:{OUTSIDER}"}], "ResultStatus": "True"}
        case Verb.DELEGATE:
            rights = [{"Name": "User", "Value": f"ken.sato@{DOMAIN}"}, {"Name": "AccessRights", "Value": "FullAccess"}]
            return {"Parameters": rights, "ResultStatus": "True"}
        case Verb.NEW_DEVICE | Verb.APP_PASSWORD:
            return {"ObjectId": number("devices", deed.no), "ResultStatus": "Success"}
        case Verb.SIGN_IN:
            return {"ApplicationId": "4765445b-32c6-49b0-83e6-1d93765276ca", "ResultStatus": "Success"}
        case _:
            return {}
