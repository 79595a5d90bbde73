"""Is Prefect there, and closed to those who have no business with it?  One row of `lastday doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from cli.orchestration import PATIENCE
from cli.rows import Row, row
from stack.prefect_api import PrefectSettings, open_api

_ELSEWHERE = "elsewhere.invalid"
_SILENT = ("its API does not answer", "Start it with `lastday up`, or correct PREFECT_API_URL.")
_START = "Start it with `lastday up`, or as `python -m flows.api_server`: see docs/operations.md."
_ANY = "/admin/version"
"""Is shown to whoever has the key."""


def examine_prefect() -> Row:
    """
    Return the row.  "failed": it does not answer, takes not our key, or asks for none: who reaches such a server directs the
    worker.  "amber": it listens to other sites, or the key travels in the clear.
    """
    settings = PrefectSettings()
    if settings.api_url is None:
        unset = "PREFECT_API_URL is not set: cases run by `lastday run` only"
        return row("prefect", detail=unset, remedy="Start it with `lastday up`.")
    key = settings.key()
    secret = key.get_secret_value() if key is not None else None
    try:
        if (fault := _fault(settings.api_url, secret)) is not None:
            return row("prefect", "failed", *fault)
        weak = "; ".join(_weak(settings.api_url, secret))
    except (httpx.HTTPError, httpx.InvalidURL):
        return row("prefect", "failed", *_SILENT)
    return row("prefect", "amber", weak, _START) if weak else row("prefect")


def _fault(url: str, key: str | None) -> tuple[str, str] | None:
    """Return problem and remedy of a server that cannot be worked with."""
    with open_api(url, patience=PATIENCE) as client:
        if client.get("/health").status_code != 200:
            return _SILENT
        if client.get(_ANY).status_code != 401:
            open_to_all = "its API asks for no key: whoever reaches it can direct the worker. This is not acceptable"
            return open_to_all, f"Stop it. {_START}"
    if key is None:
        return (
            "it asks for a key and we have none",
            "Set PREFECT_API_AUTH_STRING, or LASTDAY_PREFECT_KEY_FILE (mode 0600).",
        )
    with open_api(url, key, patience=PATIENCE) as client:
        if client.get(_ANY).status_code != 200:
            which = "Correct PREFECT_API_AUTH_STRING, or the file that LASTDAY_PREFECT_KEY_FILE names."
            return "it does not take our key", which
    return None


def _weak(url: str, key: str | None) -> Iterator[str]:
    with open_api(url, key, patience=PATIENCE) as client:
        if client.get(_ANY, headers={"Host": _ELSEWHERE}).status_code == 200:
            yield "it takes requests for any host"
        if client.get(_ANY, headers={"Origin": f"http://{_ELSEWHERE}"}).status_code == 200:
            yield "it takes requests from other sites' pages"
    if _in_the_clear(url):
        yield "the key travels in the clear: its address is not https"


def _in_the_clear(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return parts.scheme != "https" and not here
