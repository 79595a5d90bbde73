"""What a reading of Google's logs lacks before it begins, or turns out to lack: in words for the statement."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.activity import Gap, Window
from connectors.google_workspace.activity.sources import KEEPS, QUERIES
from models.vocabulary import Account

_MOMENT = timedelta(hours=1)
"""Whoever asks for all that is kept does so a moment after having reckoned how far back that is: no gap worth a word."""


def of_asking(source: str, account: Account, window: Window, now: datetime) -> tuple[Gap, ...]:
    """Return what *window* asks for and Google cannot have, and what cannot be asked for."""
    found = (_beyond_keeping(window, now), _not_yet(window, now), _no_address(source, account))
    return tuple(gap for gap in found if gap is not None)


def silent(account_id: str) -> Gap:
    return Gap(
        "plan",
        f"In {KEEPS.days} days the Drive log tells nothing of account {account_id}, though it tells of others: its edition may "
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
