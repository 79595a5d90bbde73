"""Purview's audit search: searches that are submitted, run, succeed or fail, and are read page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode
from uuid import uuid4

from emulators.microsoft365.calls import Call
from emulators.microsoft365.errors import VendorRefusal, bad
from emulators.microsoft365.purview_history import Spans
from emulators.microsoft365.purview_records import zulu

if TYPE_CHECKING:
    from emulators.microsoft365.tenant import Tenant

Row: TypeAlias = "dict[str, Any]"

ASKED = frozenset(
    {
        "displayName", "filterStartDateTime", "filterEndDateTime", "recordTypeFilters", "keywordFilter", "serviceFilters",
        "operationFilters", "userPrincipalNameFilters", "ipAddressFilters", "objectIdFilters", "administrativeUnitIdFilters",
    }
)  # fmt: skip
_USUAL_PAGE = 150


@dataclass(slots=True)
class AuditSearch:
    """One submitted search.  *fate*: how it ends.  *hidden*: how many lists do not show it yet.  *readings*: how often its records were read from the start."""

    id: str
    asked: Row
    submitted_at: datetime
    found: Spans
    polls: int
    fate: str
    hidden: int
    readings: int = 0
    tokens: set[str] = field(default_factory=set)

    def row(self, limit: int) -> Row:
        status = ("notStarted" if not self.readings and self.polls > 1 else "running") if self.polls > 0 else self.fate
        lists: Row = {name: [] for name in sorted(ASKED) if name.endswith("Filters")}
        return lists | self.asked | {
            "id": self.id,
            "keywordFilter": self.asked.get("keywordFilter"),
            "status": status,
            "isRecordCountLimitExceeded": status == "succeeded" and len(self.found) > limit,
            "recordCountLimit": limit,
            "approximateReturnedRecordCount": min(len(self.found), limit) if status == "succeeded" else 0,
        }  # fmt: skip


class PurviewCalls:
    """The four calls.  Each takes a `Call` and returns the answer's body."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.searches: dict[str, AuditSearch] = {}
        self.failing = tenant.book.audit.failing

    def queries(self, call: Call) -> Row:
        shown = []
        for search in list(self.searches.values()):
            if search.hidden > 0:
                search.hidden -= 1
            else:
                shown.append(search.row(self.tenant.book.audit.limit))
        return self.tenant.paging.page(call, shown, "security/auditLog/queries", usual=_USUAL_PAGE)

    def submit(self, call: Call) -> Row:
        """Store the search and its records.  Each call is a new search, even under a used name."""
        asked = call.body(ASKED)
        book, now = self.tenant.book, self.tenant.book.now()
        today = [s for s in self.searches.values() if s.submitted_at > now - timedelta(hours=24)]
        if len(today) >= book.audit.daily or sum(s.polls > 0 for s in today) >= book.audit.at_once:
            raise VendorRefusal(429, "TooManyRequests", "The number of audit searches of the tenant is used up.")
        begin, end = (_instant(asked, name) for name in ("filterStartDateTime", "filterEndDateTime"))
        names = frozenset(str(name).casefold() for name in asked.get("userPrincipalNameFilters") or [])
        fate = "failed" if self.failing > 0 else "succeeded"
        self.failing -= 1
        search = AuditSearch(
            str(uuid4()), asked, now, book.found(names, begin, end, now), book.audit.polls, fate, book.audit.hidden
        )
        self.searches[search.id] = search
        return {"@odata.context": f"{call.root}/$metadata#security/auditLog/queries/$entity"} | search.row(
            book.audit.limit
        )

    def query(self, call: Call) -> Row:
        search = self._search(call)
        row = search.row(self.tenant.book.audit.limit)
        search.polls -= 1
        return {"@odata.context": f"{call.root}/$metadata#security/auditLog/queries/$entity"} | row

    def records(self, call: Call) -> Row:
        search, audit = self._search(call), self.tenant.book.audit
        if search.polls > 0 or search.fate != "succeeded":
            raise bad("The search has not succeeded.")
        size = self._size(call)
        token = call.query.get("$skiptoken")
        if token is None:
            search.readings += 1
        elif token not in search.tokens:
            raise VendorRefusal(400, "BadRequest", "The skip token is not valid any more.")
        kind, start = (token[0], int(token[1:])) if token else ("p", 0)
        end = min(len(search.found), audit.limit)
        if audit.first_short and search.readings == 1:
            end = max(0, end - size)
        answer: Row = {"@odata.context": f"{call.root}/$metadata#security/auditLog/queries('{search.id}')/records"}
        if kind == "e":
            return answer | {"@odata.nextLink": self._link(call, search, f"p{start}"), "value": []}
        rows = search.found[start : min(start + size, end)]
        if start + size >= end and search.readings <= audit.instead:
            rows = search.found[:size]
        if audit.repeated and token is None:
            answer["@odata.nextLink"] = self._link(call, search, "p0")
        elif start + size < end:
            then = "e" if self.tenant.paging.empty_page and start == 0 else "p"
            answer["@odata.nextLink"] = self._link(call, search, f"{then}{start + size}")
        return answer | {"value": rows}

    def forget(self) -> None:
        """Let the tenant forget every search, as it does after a month."""
        self.searches.clear()

    def expire_tokens(self) -> None:
        """Refuse every page token that was given until now."""
        for search in self.searches.values():
            search.tokens.clear()

    def _search(self, call: Call) -> AuditSearch:
        search = self.searches.get(call.params["query"])
        if search is None:
            raise VendorRefusal(404, "NotFound", "The audit log query was not found.")
        return search

    def _size(self, call: Call) -> int:
        text = call.query.get("$top", str(_USUAL_PAGE))
        if not text.isdigit() or not 1 <= int(text) <= self.tenant.book.audit.most:
            raise bad(f"Invalid page size specified: '{text}'.")
        return min(int(text), self.tenant.paging.page_size or int(text))

    def _link(self, call: Call, search: AuditSearch, token: str) -> str:
        search.tokens.add(token)
        query = call.query | {"$skiptoken": token}
        return f"{call.root}{quote(call.path)}?{urlencode(query, quote_via=quote, safe='$')}"


def _instant(asked: Row, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(asked[name])
    except (KeyError, TypeError, ValueError):
        raise bad(f"Invalid value for '{name}'.") from None
    asked[name] = zulu(at.astimezone(UTC))
    return at
