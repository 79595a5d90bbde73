"""The API that reads the tenant's logs: `activities.list`, its filters, its pages and its quota."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from emulators.google_workspace.calls import Call, Method, find_user
from emulators.google_workspace.errors import invalid
from emulators.google_workspace.reports_logs import Key, is_out, newest_first
from emulators.google_workspace.reports_words import Event

KEEPS = timedelta(days=180)
MOST = 1000
_FILTERS = frozenset({"eventName", "filters", "actorIpAddress", "orgUnitID", "groupIdFilter"})
_TOP = 2**62
"""Higher than every rank: a key with it comes after all lines of its instant."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The content of a page token: where the page begins, where the one before it began, and the page's number."""

    key: Key
    before: Key
    page: int
    query: str
    issued_at: float

    def token(self) -> str:
        spelled = [_spelled(self.key), _spelled(self.before), self.page, self.query, self.issued_at]
        return "A:" + base64.urlsafe_b64encode(json.dumps(spelled).encode()).decode()


def activities_list(call: Call) -> dict[str, Any]:
    """
    Newest first.  Lines younger than the log's lag do not show yet; *startTime* is included.

    A filter on a parameter that an event does not have finds nothing, without an error.  A *startTime* before the oldest kept line
    is no error.
    """
    tenant, logs = call.tenant, call.tenant.options.logs
    if call.path["userKey"] != "all" or not _FILTERS.isdisjoint(call.query):
        tenant.count_query()
    place = _place(call)
    begins = place.before if logs.repeat_every and place.page % logs.repeat_every == 0 else place.key
    if logs.empty_every and place.page % logs.empty_every == 0:
        return _answer(call, place, [], place.key, more=True)
    size = min(int(call.query.get("maxResults", MOST)), tenant.options.page_size or MOST)
    found = list(islice(_lines(call, begins), size + 1))
    rows, more = found[:size], len(found) > size
    return _answer(call, place, [row for _, row in rows], rows[-1][0] if rows else begins, more=more)


def _answer(call: Call, place: _Place, rows: list[Any], last: Key, *, more: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"kind": "admin#reports#activities", "etag": '"reports"'}
    if rows:
        answer["items"] = rows
    if more:
        onwards = _Place(last, place.key, place.page + 1, place.query, time.time())
        if call.tenant.options.logs.circles and place.page >= 3:
            onwards = _Place(place.key, place.before, place.page, place.query, 0.0)
        answer["nextPageToken"] = onwards.token()
    return answer


def _lines(call: Call, key: Key) -> Iterator[tuple[Key, dict[str, Any]]]:
    tenant, query, application = call.tenant, call.query, call.path["applicationName"]
    logs, now = tenant.options.logs, tenant.now()
    actor = None if call.path["userKey"] == "all" else find_user(tenant, call.path["userKey"])
    oldest = max(now - KEEPS, _instant(query.get("startTime"), now - KEEPS))
    lag = logs.lags.get(application, tenant.options.audit_lag)
    for place, row in newest_first(tenant.streams(application, actor), key):
        if place[0] < oldest:
            return
        if is_out(place, now, lag, logs.straggling) and _wanted(row, query):
            yield place, row


def _place(call: Call) -> _Place:
    asked = hashlib.sha256(repr(sorted((k, v) for k, v in _asked(call))).encode()).hexdigest()[:16]
    now = call.tenant.now()
    starts, ends = _instant(call.query.get("startTime"), None), _instant(call.query.get("endTime"), now)
    if starts is not None and (starts >= ends or starts >= now):
        raise invalid("Start time must be before end time and the current time.")
    if "pageToken" not in call.query:
        top = (ends, _TOP if call.tenant.options.logs.ends_included else -_TOP, 0)
        return _Place(top, top, 1, asked, time.time())
    place = _read(call.query["pageToken"])
    life = call.tenant.options.logs.token_life
    stale = place.issued_at and (
        place.issued_at < call.tenant.tokens_from or (life is not None and place.issued_at + life < time.time())
    )
    if place.query != asked or stale:
        raise invalid("pageToken")
    return place


def _asked(call: Call) -> list[tuple[str, str]]:
    return [*call.path.items(), *((k, v) for k, v in call.query.items() if k not in {"pageToken", "fields", "alt"})]


def _read(token: str) -> _Place:
    try:
        key, before, page, query, issued_at = json.loads(base64.urlsafe_b64decode(token.removeprefix("A:")))
        return _Place(_key(key), _key(before), page, query, issued_at)
    except (binascii.Error, ValueError, TypeError) as exc:
        raise invalid("pageToken") from exc


def _spelled(key: Key) -> list[Any]:
    return [key[0].isoformat(), *key[1:]]


def _key(spelled: list[Any]) -> Key:
    return datetime.fromisoformat(spelled[0]), spelled[1], spelled[2]


def _instant(text: str | None, otherwise: Any) -> Any:
    return datetime.fromisoformat(text).astimezone(UTC) if text is not None else otherwise


def _wanted(row: dict[str, Any], query: Any) -> bool:
    if "actorIpAddress" in query and row.get("ipAddress") != query["actorIpAddress"]:
        return False
    if "eventName" not in query and "filters" not in query:
        return True
    name, filters = query.get("eventName"), query.get("filters")
    named = [e for e in row["events"] if name is None or e["name"] == name]
    return any(filters is None or _passes(e, filters) for e in named)


def _passes(event: Event, filters: str) -> bool:
    held = {p["name"]: str(p.get("value", p.get("boolValue", p.get("intValue", "")))) for p in event["parameters"]}
    for clause in filters.split(","):
        name, operator, value = re.split(r"(==|<>|<=|>=|<|>)", clause, maxsplit=1)
        same = name in held and held[name].casefold() == value.casefold()
        if name not in held or (operator == "==") is not same:
            return False
    return True


METHODS: dict[str, Method] = {"reports.activities.list": activities_list}
