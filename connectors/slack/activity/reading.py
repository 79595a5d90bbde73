"""Reading Slack's logs, one page a call."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from connectors.activity import ActivityPage, ActivityRecord, UnreadSpan, Window
from connectors.errors import ConnectorError, CursorExpired, Denied, NotOnPlan, Unintelligible
from connectors.kit.answers import understood
from connectors.kit.exchange import Trace
from connectors.slack.activity.records import moment, record
from connectors.slack.activity.words import ACCESS_LOGS, AUDIT_LOGS, ENABLING, FILES, INTEGRATION_LOGS
from connectors.slack.answers import CallOutcome, check_id
from connectors.slack.settings import TokenPurpose
from connectors.slack.transport import Transport
from models.vocabulary import Account

PAGE = 1000
"""Entries a page; Slack's largest for most logs."""
MOST_BY_CURSOR = 999
"""Entries a page by cursor: the Web API takes fewer than a thousand."""
MOST_PAGES = 100
"""team.accessLogs and team.integrationLogs refuse later pages (over_pagination_limit)."""

_GONE = frozenset({"invalid_cursor"})
_NO_DOWNLOADS = (
    "Slack keeps no record of downloads on this plan that could be read: access log and uploads are attached, the absence of "
    "downloads is not shown."
)


@dataclass(frozen=True, slots=True)
class _Position:
    """
    The next page of a reading.  *cursor* is Slack's own; *page* counts from 1 in logs with numbered pages.

    *about*: the reading is in its second part, what others did to the account; the first is what the account did.
    """

    cursor: str = ""
    page: int = 1
    about: bool = False

    @classmethod
    def of(cls, text: str | None) -> _Position:
        if text is None:
            return cls()
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as exc:
            raise CursorExpired("slack: cannot go on reading: the cursor is not one of ours") from exc

    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of *user*'s entries from second *oldest* to *latest* (both included, as Slack has them), at *position*."""

    user: str
    window: Window
    oldest: int
    latest: int
    position: _Position

    def inside(self, record: ActivityRecord) -> bool:
        return self.window.from_at <= record.at < self.window.until_at


class ActivityReader:
    """Reads the logs of one tenant.  Raises what `connectors.activity.ActivityLog` names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._logs: Mapping[str, Callable[[_Reading, Trace], Awaitable[ActivityPage]]] = {
            AUDIT_LOGS: self._audit_logs,
            ACCESS_LOGS: self._access_logs,
            INTEGRATION_LOGS: self._integration_logs,
            FILES: self._files,
        }

    async def read(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        """Return one page; the same cursor again reads the same page again."""
        if source not in self._logs:
            raise ConnectorError(f"slack: cannot read activity: no such log: {source}")
        trace: Trace = []
        reading = _Reading(
            check_id(account.id),
            window,
            math.ceil(window.from_at.timestamp()),
            math.ceil(window.until_at.timestamp()) - 1,
            _Position.of(cursor),
        )
        with understood("slack", trace):
            return await self._logs[source](reading, trace)

    async def _audit_logs(self, reading: _Reading, trace: Trace) -> ActivityPage:
        about = reading.position.about
        whose = {"entity": reading.user, "action": ",".join(ENABLING)} if about else {"actor": reading.user}
        query: dict[str, str | int] = {**whose, **({"cursor": cursor} if (cursor := reading.position.cursor) else {})}
        try:
            answer = await self._transport.audit(
                trace, **query, oldest=reading.oldest, latest=reading.latest, limit=PAGE
            )
        except ConnectorError as error:
            raise _explained(error) from error
        records = (record(AUDIT_LOGS, entry) for entry in answer.rows("entries"))
        page = self._page(reading, answer, records)
        return page if about or page.cursor is not None else replace(page, cursor=_Position(about=True).text())

    async def _access_logs(self, reading: _Reading, trace: Trace) -> ActivityPage:
        """
        Read all people's entries, since Slack has no filter, and keep only the account's.

        The newest last access comes first: a page of entries that are all older than the window is the last one needed.
        """
        arguments = {"before": str(reading.latest), "limit": str(MOST_BY_CURSOR)}
        if reading.position.cursor:
            arguments["cursor"] = reading.position.cursor
        answer = await self._web("team.accessLogs", arguments, trace, TokenPurpose.SCIM)
        entries = [record(ACCESS_LOGS, row) for row in answer.rows("logins")]
        begins, ends = reading.window.from_at, reading.window.until_at
        its = (one for one in entries if one.raw.get("user_id") == reading.user and one.at >= begins)
        records = [one for one in its if moment(one.raw["date_first"]) < ends]
        page = replace(self._page(reading, answer, ()), records=records)
        past = bool(entries) and all(one.at < begins for one in entries)
        return replace(page, cursor=None) if past else replace(page, gaps=_cursorless(reading.position, answer))

    async def _integration_logs(self, reading: _Reading, trace: Trace) -> ActivityPage:
        arguments = {"user": reading.user, "count": str(PAGE), "page": str(reading.position.page)}
        answer = await self._web("team.integrationLogs", arguments, trace, TokenPurpose.SCIM)
        return self._counted(reading, answer, [record(INTEGRATION_LOGS, row) for row in answer.rows("logs")])

    async def _files(self, reading: _Reading, trace: Trace) -> ActivityPage:
        arguments = {
            "user": reading.user, "ts_from": str(reading.oldest), "ts_to": str(reading.latest),
            "count": str(PAGE), "page": str(reading.position.page),
        }  # fmt: skip
        answer = await self._web("files.list", arguments, trace, TokenPurpose.BOT)
        return self._counted(reading, answer, [record(FILES, row) for row in answer.rows("files")])

    async def _web(self, method: str, arguments: Mapping[str, str], trace: Trace, purpose: TokenPurpose) -> CallOutcome:
        answer = await self._transport.web(method, arguments, trace, purpose=purpose, expect=_GONE)
        if answer.code is not None:
            raise CursorExpired(f"slack: cannot go on with {method}: {answer.code}", code=answer.code, evidence=trace)
        return answer

    def _page(self, reading: _Reading, answer: CallOutcome, records: Iterable[ActivityRecord]) -> ActivityPage:
        """Return the page of an answer with a cursor.  An empty page is not the end; a repeated cursor is an error."""
        following = (answer.body.get("response_metadata") or {}).get("next_cursor") or ""
        if following and following == reading.position.cursor:
            raise Unintelligible("slack: cannot go on reading: the same cursor again", evidence=answer.evidence)
        onward = replace(reading.position, cursor=str(following)).text() if following else None
        return ActivityPage([*filter(reading.inside, records)], onward, answer.evidence)

    def _counted(self, reading: _Reading, answer: CallOutcome, records: Iterable[ActivityRecord]) -> ActivityPage:
        """Return the page of an answer with numbered pages; pages past Slack's last one are a gap."""
        number, pages = reading.position.page, int(answer.body["paging"]["pages"])
        page = ActivityPage([*filter(reading.inside, records)], None, answer.evidence)
        if number >= pages:
            return page
        if number >= MOST_PAGES:
            text = f"Slack gives {MOST_PAGES} pages and no more: {pages - number} are missing."
            return replace(page, gaps=(UnreadSpan("truncated", text),))
        return replace(page, cursor=_Position(page=number + 1).text())


def _cursorless(position: _Position, answer: CallOutcome) -> tuple[UnreadSpan, ...]:
    """Return a gap if the answer has several pages but no cursor: then the second page cannot be read."""
    paging, going_on = answer.body.get("paging") or {}, answer.body.get("response_metadata") or {}
    if position.cursor or going_on.get("next_cursor") or paging.get("pages", 1) <= 1:
        return ()
    return (UnreadSpan("truncated", f"Slack gave the first page and no cursor to the other {paging['pages'] - 1}."),)


def _explained(error: ConnectorError) -> ConnectorError:
    """Return *error* with the Audit Logs' meaning: no such log on this plan, a missing scope, an expired cursor."""
    kind, remedy = type(error), None
    if error.code == "invalid_cursor":
        kind = CursorExpired
    elif isinstance(error, NotOnPlan):
        remedy = _NO_DOWNLOADS
    elif isinstance(error, Denied) and error.code == "missing_scope":
        remedy = "Add auditlogs:read to the app, and let an Owner install it on the organisation again."
    else:
        return error
    return kind(str(error), code=error.code, evidence=error.evidence, remedy=remedy)
