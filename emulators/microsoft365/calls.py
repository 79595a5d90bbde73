"""One request to Graph, checked and taken apart; and a page of its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from emulators.microsoft365.authority import Application
from emulators.microsoft365.errors import VendorRefusal, bad, malformed, unsupported
from emulators.microsoft365.odata import Filter, select

Row: TypeAlias = "dict[str, Any]"


@dataclass(slots=True)
class Call:
    """
    A request that has passed authentication.  *root* is this host's own `scheme://host:port/v1.0`.

    *roles* are the permissions in the token, not those that the application may have been given since.
    """

    root: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    application: Application
    roles: frozenset[str]

    @property
    def eventual(self) -> bool:
        """Whether the caller accepts the index that lags."""
        return self.headers.get("consistencylevel", "").casefold() == "eventual"

    def body(self, known: frozenset[str]) -> Row:
        """Return the JSON body; raises `VendorRefusal` for anything that is not an object of *known* properties."""
        try:
            read = json.loads(self.raw)
        except ValueError:
            raise malformed("Unable to read JSON request payload. Please ensure Content-Type header is set.") from None
        if not isinstance(read, dict):
            raise malformed("Unable to read JSON request payload.")
        read.pop("@odata.type", None)
        for name in read:
            if name not in known:
                raise bad(f"Invalid property '{name}'.")
        return read

    def no_body(self) -> None:
        """Raise `VendorRefusal` when there is a body where none is expected."""
        if self.raw:
            raise malformed("The request has a body, but none is expected.")

    def selected(self, row: Row, default: Sequence[str] | None = None) -> Row:
        """Return *row* with the properties that were asked for: by default only *default*, others must be selected."""
        if "$select" in self.query:
            return select(row, (name.strip() for name in self.query["$select"].split(",")))
        return select(row, default) if default is not None else dict(row)

    def check_advanced(self, clause: Filter | None) -> None:
        """Raise `VendorRefusal` when an advanced query comes without `ConsistencyLevel: eventual` and `$count=true`."""
        counted = self.query.get("$count") == "true"
        if counted and not self.eventual:
            raise unsupported("$count is not currently supported.")
        if clause is not None and clause.advanced and not (counted and self.eventual):
            raise unsupported(
                "The request uses an operator that is not supported because required parameters might be missing. "
                "Try adding $count=true query parameter and ConsistencyLevel:eventual header."
            )


@dataclass(frozen=True, slots=True)
class PagingOptions:
    """How the tenant pages: *page_size* caps what a client asks for; *empty_page* puts an empty page after the first."""

    page_size: int | None = None
    empty_page: bool = False

    def page(self, call: Call, rows: Sequence[Row], context: str, *, most: int = 999, usual: int = 100) -> Row:
        """Return the page of *rows* that *call* asks for, with an absolute `@odata.nextLink` to this same host."""
        asked = _top(call, most) or usual
        size = min(asked, self.page_size or asked)
        token = call.query.get("$skiptoken", "p0")
        if token[:1] not in {"p", "e"} or not token[1:].isdigit():
            raise VendorRefusal(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
        start = int(token[1:])
        answer: Row = {"@odata.context": f"{call.root}/$metadata#{context}"}
        if call.query.get("$count") == "true":
            answer["@odata.count"] = len(rows)
        if token[0] == "e":
            return answer | {"@odata.nextLink": _next(call, f"p{start}"), "value": []}
        end = start + size
        if end < len(rows):
            answer["@odata.nextLink"] = _next(call, f"{'e' if self.empty_page and start == 0 else 'p'}{end}")
        return answer | {"value": list(rows[start:end])}


def _top(call: Call, most: int) -> int | None:
    if "$top" not in call.query:
        return None
    text = call.query["$top"]
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise bad(f"Invalid page size specified: '{text}'. Must be between 1 and {most} inclusive.")
    return int(text)


def _next(call: Call, token: str) -> str:
    query = {name: value for name, value in call.query.items() if name != "$skiptoken"} | {"$skiptoken": token}
    return f"{call.root}{quote(call.path)}?{urlencode(query, quote_via=quote, safe='$')}"
