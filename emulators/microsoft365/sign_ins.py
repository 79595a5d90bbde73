"""Entra's own logs: sign-ins (interactive, and in beta also non-interactive) and changes in the directory.  Newest first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode

from emulators.activity_profiles import Deed, Verb
from emulators.microsoft365.calls import Call
from emulators.microsoft365.errors import VendorRefusal, bad
from emulators.microsoft365.purview_history import Span, Spans
from emulators.microsoft365.purview_records import BROWSER, PLACES, PROGRAM, PROGRAM_NAME, number, zulu

if TYPE_CHECKING:
    from emulators.microsoft365.tenant import Tenant

Row: TypeAlias = "dict[str, Any]"

_TIMES = r" and (?:created|activity)DateTime ge (?P<begin>\S+) and (?:created|activity)DateTime le (?P<end>\S+)"
_SIGN_INS = re.compile(
    r"userId eq '(?P<user>[^']+)'(?P<background> and signInEventTypes/any\(t: t eq 'nonInteractiveUser'\))?" + _TIMES
)
_AUDITS = re.compile(
    r"(?P<by>initiatedBy/user/id eq|targetResources/any\(t: t/id eq) '(?P<user>[^']+)'\)?" + f"(?:{_TIMES})?"
)
_CHANGES = {
    Verb.GRANT: ("Consent to application", "ApplicationManagement", "ServicePrincipal", PROGRAM_NAME),
    Verb.APP_PASSWORD: ("Create application password for user", "UserManagement", "User", "mail"),
    Verb.NEW_DEVICE: ("Add registered owner to device", "Device", "Device", "DESKTOP-HOME"),
}
_MOST, _USUAL = 999, 999


class SignInLogs:
    """The calls.  Each takes a `Call` and returns the answer's body."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def sign_ins(self, call: Call) -> Row:
        """List sign-ins; refused below P1.  Non-interactive sign-ins are in beta only."""
        if self.tenant.plan == "free":
            raise VendorRefusal(
                403,
                "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                "Neither tenant is B2C or tenant doesn't have premium license",
            )
        asked = _SIGN_INS.fullmatch(call.query.get("$filter", ""))
        if asked is None or (asked["background"] and not call.root.endswith("/beta")):
            raise bad("Invalid filter clause")
        verb = Verb.PROGRAM_READ if asked["background"] else Verb.SIGN_IN
        user = self.tenant.directory.users.get(asked["user"])
        if user is None:
            return self._page(call, Spans([]), "auditLogs/signIns")
        span = self._deeds(
            user["id"], (verb,), asked, lambda deed: _sign_in(user, deed, beta=call.root.endswith("/beta"))
        )
        return self._page(call, Spans([span]), "auditLogs/signIns")

    def directory_audits(self, call: Call) -> Row:
        asked = _AUDITS.fullmatch(call.query.get("$filter", ""))
        if asked is None:
            raise bad("Invalid filter clause")
        noted = [] if asked["by"].startswith("initiated") else self._noted(asked)
        spans = [Span(len(noted), noted.__getitem__)]
        user = self.tenant.directory.users.get(asked["user"])
        if user is not None and asked["by"].startswith("initiated"):
            spans.append(self._deeds(user["id"], tuple(_CHANGES), asked, lambda deed: _change(user, deed)))
        return self._page(call, Spans(spans), "auditLogs/directoryAudits")

    def _noted(self, asked: re.Match[str]) -> list[Row]:
        begin, end = self._asked_for(asked)
        return [
            {"id": f"Directory_{number('noted', n)}", "category": "UserManagement", "loggedByService": "Core Directory"}
            | row
            for n, row in enumerate(self.tenant.audit)
            if any(target["id"] == asked["user"] for target in row["targetResources"])
            and begin <= datetime.fromisoformat(row["activityDateTime"]) <= end
        ]

    def _asked_for(self, asked: re.Match[str]) -> tuple[datetime, datetime]:
        """Return the filter's time window; without an instant, the window of everything that is kept."""
        edges = asked["begin"] or "2000-01-01T00:00:00Z", asked["end"] or "2999-01-01T00:00:00Z"
        return datetime.fromisoformat(edges[0]), datetime.fromisoformat(edges[1])

    def _deeds(self, user: str, verbs: tuple[Verb, ...], asked: re.Match[str], told: Any) -> Span:
        """Return the deeds of *verbs* in the time asked for, newest first, as far back as the plan keeps them."""
        habit = self.tenant.book.habit(user)
        now = self.tenant.book.now()
        keeps = timedelta(days=7 if self.tenant.plan == "free" else 30)
        begin, end = self._asked_for(asked)
        begin, end = max(begin, now - keeps), min(end, now - timedelta(seconds=self.tenant.book.audit.lag))
        if habit is None or begin >= end:
            return Span(0, told)
        habit = habit.only(*verbs)
        first, last = habit.before(begin), habit.before(end + timedelta(seconds=1))
        return Span(last - first, lambda n: told(habit.deed(last - 1 - n)))

    def _page(self, call: Call, rows: Spans, context: str) -> Row:
        text = call.query.get("$top", str(_USUAL))
        if not text.isdigit() or not 1 <= int(text) <= _MOST:
            raise bad(f"Invalid page size specified: '{text}'.")
        size = min(int(text), self.tenant.paging.page_size or int(text))
        token = call.query.get("$skiptoken", "p0")
        if token[:1] not in {"p", "e"} or not token[1:].isdigit():
            raise VendorRefusal(400, "BadRequest", "The skip token is not valid any more.")
        start = int(token[1:])
        answer: Row = {"@odata.context": f"{call.root}/$metadata#{context}"}
        if token[0] == "e":
            return answer | {"@odata.nextLink": _link(call, f"p{start}"), "value": []}
        if start + size < len(rows):
            then = "e" if self.tenant.paging.empty_page and start == 0 else "p"
            answer["@odata.nextLink"] = _link(call, f"{then}{start + size}")
        return answer | {"value": rows[start : start + size]}


def _link(call: Call, token: str) -> str:
    query = call.query | {"$skiptoken": token}
    return f"{call.root}{quote(call.path)}?{urlencode(query, quote_via=quote, safe='$')}"


def _sign_in(user: Row, deed: Deed, *, beta: bool) -> Row:
    background = deed.verb is Verb.PROGRAM_READ
    row = {
        "id": number(f"sign-ins of {user['id']}", deed.no),
        "createdDateTime": zulu(deed.at),
        "userDisplayName": user["displayName"],
        "userPrincipalName": user["userPrincipalName"].casefold(),
        "userId": user["id"],
        "appId": PROGRAM if background else "4765445b-32c6-49b0-83e6-1d93765276ca",
        "appDisplayName": PROGRAM_NAME if background else "OfficeHome",
        "ipAddress": PLACES[deed.place],
        "clientAppUsed": "Mobile Apps and Desktop clients" if background else "Browser",
        "correlationId": number("correlations", deed.no),
        "conditionalAccessStatus": "notApplied",
        "isInteractive": not background,
        "resourceDisplayName": "Microsoft Graph",
        "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
        "deviceDetail": {
            "deviceId": "", "displayName": "", "operatingSystem": "Windows10", "browser": "Edge 141.0",
            "isCompliant": False, "isManaged": False, "trustType": "",
        },
        "location": {"city": "Chiyoda-Ku", "state": "Tokyo", "countryOrRegion": "JP"},
    }  # fmt: skip
    kinds = ["nonInteractiveUser" if background else "interactiveUser"]
    return row | ({"signInEventTypes": kinds, "userAgent": BROWSER} if beta else {})


def _change(user: Row, deed: Deed) -> Row:
    name, category, kind, target = _CHANGES[deed.verb]
    return {
        "id": f"Directory_{number(user['id'], deed.no)}",
        "category": category,
        "correlationId": number("correlations", deed.no),
        "result": "success",
        "resultReason": "",
        "activityDisplayName": name,
        "activityDateTime": zulu(deed.at.astimezone(UTC)),
        "loggedByService": "Core Directory",
        "operationType": "Add",
        "initiatedBy": {
            "user": {
                "id": user["id"], "displayName": user["displayName"],
                "userPrincipalName": user["userPrincipalName"], "ipAddress": PLACES[deed.place],
            },
        },
        "targetResources": [{"id": number("targets", deed.no), "displayName": target, "type": kind}],
        "additionalDetails": [],
    }  # fmt: skip
