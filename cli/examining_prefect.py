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
    key = settings.key()
    secret = key.get_secret_value() if key is not None else None
    try:
        if (fault := _fault(settings.api_url, secret)) is not None:
            return row("prefect", "failed", *advice(fault))
        weak = "; ".join(map(sentence, _weak(settings.api_url, secret)))
    except (httpx.HTTPError, httpx.InvalidURL):
        return row("prefect", "failed", *advice("prefect_silent"))
    return row("prefect", "amber", *advice("prefect_weak", how=weak)) if weak else row("prefect")


def _fault(url: str, key: str | None) -> str | None:
    """Return what is wrong with a server that cannot be worked with."""
    with open_api(url, patience=PATIENCE) as client:
        if client.get("/health").status_code != 200:
            return "prefect_silent"
        if client.get(_ANY).status_code != 401:
            return "prefect_open_to_all"
    if key is None:
        return "prefect_key_missing"
    with open_api(url, key, patience=PATIENCE) as client:
        return "prefect_key_refused" if client.get(_ANY).status_code != 200 else None


def _weak(url: str, key: str | None) -> Iterator[str]:
    with open_api(url, key, patience=PATIENCE) as client:
        if client.get(_ANY, headers={"Host": _ELSEWHERE}).status_code == 200:
            yield "prefect_takes_any_host"
        if client.get(_ANY, headers={"Origin": f"http://{_ELSEWHERE}"}).status_code == 200:
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
