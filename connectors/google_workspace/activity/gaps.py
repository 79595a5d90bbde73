"""The gaps of a reading of Google's logs, in sentences for the completeness statement."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.activity import Gap, Window
from connectors.google_workspace.activity.sources import KEEPS, QUERIES
from models.vocabulary import Account

_MOMENT = timedelta(hours=1)
"""Our choice: a window that begins up to an hour before what Google keeps was computed a moment ago, and has no gap."""


def of_asking(source: str, account: Account, window: Window, now: datetime) -> tuple[Gap, ...]:
    """Return the gaps that are known before a reading: what Google does not have, and what cannot be asked for."""
    found = (_beyond_keeping(window, now), _not_yet(window, now), _no_address(source, account))
    return tuple(gap for gap in found if gap is not None)


def silent(account_id: str) -> Gap:
    return Gap(
        "plan",
        f"In {KEEPS.days} days the Drive log has no record of account {account_id}, but has records of others: its edition may "
        "have no Drive log events.  That is not the same as no downloads.",
    )


def refused(event: str) -> Gap:
    return Gap(
        "refused",
        f"Google refuses to be asked for {event}: what others did to the account by that name was not looked for.",
    )


def _beyond_keeping(window: Window, now: datetime) -> Gap | None:
    edge = now - KEEPS
    if window.from_at >= edge - _MOMENT and window.until_at > edge:
        return None
    text = f"Google keeps its logs for {KEEPS.days} days: what lies before {edge:%Y-%m-%d %H:%M} UTC is gone."
    return Gap("retention", text, window.from_at, min(edge, window.until_at))


def _not_yet(window: Window, now: datetime) -> Gap | None:
    if window.from_at < now:
        return None
    return Gap("not_yet", "The window has not begun.", window.from_at, window.until_at)


def _no_address(source: str, account: Account) -> Gap | None:
    if len(QUERIES[source]) == 1 or "@" in account.label:
        return None
    text = "The account's address is not known, so what others did to it in this log was not looked for."
    return Gap("address", text)
