"""The gaps of a reading of Google's logs, in sentences for the completeness statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connectors.activity import Gap, Window
from connectors.google_workspace.activity.sources import KEEPS, QUERIES
from models.vocabulary import Account

_MOMENT = timedelta(hours=1)
"""Our choice: a window that begins up to an hour before what Google keeps was computed a moment ago, and has no gap."""


def of_asking(source: str, account: Account, window: Window, now: datetime) -> Iterator[Gap]:
    """Yield the gaps that are known before a reading: what Google does not have, and what cannot be asked for."""
    edge = now - KEEPS
    if window.from_at < edge - _MOMENT or window.until_at <= edge:
        text = f"Google keeps its logs for {KEEPS.days} days: what lies before {edge:%Y-%m-%d %H:%M} UTC is gone."
        yield Gap("retention", text, window.from_at, min(edge, window.until_at))
    if window.from_at >= now:
        yield Gap("not_yet", "The window has not begun.", window.from_at, window.until_at)
    if len(QUERIES[source]) > 1 and "@" not in account.label:
        text = "The account's address is not known, so what others did to it in this log was not looked for."
        yield Gap("address", text)


def silent(account_id: str) -> Gap:
    text = (
        f"In {KEEPS.days} days the Drive log has no record of account {account_id}, but has records of others: its edition may "
        "have no Drive log events.  That is not the same as no downloads."
    )
    return Gap("plan", text)


def refused(event: str) -> Gap:
    text = f"Google refuses to be asked for {event}: what others did to the account by that name was not looked for."
    return Gap("refused", text)
