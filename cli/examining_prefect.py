"""Is Prefect there, and closed to those who have no business with it?  One row of `lastday doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from cli.examining import Row, row
from cli.orchestration import PATIENCE
from cli.terminal import advice, sentence
from stack.prefect_api import PrefectSettings, open_api

_ELSEWHERE = "elsewhere.invalid"
_ANY = "/admin/version"
"""Is shown to whoever has the key."""


def examine_prefect() -> Row:
    """
    Return the row.  "failed": it does not answer, takes not our key, or asks for none: who reaches such a server directs the
    worker.  "amber": it listens to other sites, or the key travels in the clear.
    """
    settings = PrefectSettings()
    if settings.api_url is None:
        return row("prefect", "ok", *advice("prefect_unset"))
    url, key = settings.api_url, settings.key()
    secret = key.get_secret_value() if key is not None else None
    try:
        with open_api(url, patience=PATIENCE) as stranger, open_api(url, secret, patience=PATIENCE) as ours:
            if (fault := _fault(stranger, ours if key is not None else None)) is not None:
                return row("prefect", "failed", *advice(fault))
            weak = "; ".join(map(sentence, _weak(ours, url)))
    except (httpx.HTTPError, httpx.InvalidURL):
        return row("prefect", "failed", *advice("prefect_silent"))
    return row("prefect", "amber", *advice("prefect_weak", how=weak)) if weak else row("prefect")


def _fault(stranger: httpx.Client, ours: httpx.Client | None) -> str | None:
    """Return what is wrong with a server that cannot be worked with."""
    if stranger.get("/health").status_code != 200:
        return "prefect_silent"
    if stranger.get(_ANY).status_code != 401:
        return "prefect_open_to_all"
    if ours is None:
        return "prefect_key_missing"
    return "prefect_key_refused" if ours.get(_ANY).status_code != 200 else None


def _weak(ours: httpx.Client, url: str) -> Iterator[str]:
    if ours.get(_ANY, headers={"Host": _ELSEWHERE}).status_code == 200:
        yield "prefect_takes_any_host"
    if ours.get(_ANY, headers={"Origin": f"http://{_ELSEWHERE}"}).status_code == 200:
        yield "prefect_takes_any_page"
    if _in_the_clear(url):
        yield "prefect_in_the_clear"


def _in_the_clear(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return parts.scheme != "https" and not here
