"""Is Prefect there, and closed to those who have no business with it?  One row of `lastday doctor`."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from cli.orchestration import PrefectSettings

_PATIENCE = 2.0
_ELSEWHERE = "elsewhere.invalid"
_START = "Start it with `lastday up`, or as `python -m flows.api_server`: see docs/operations.md."

Row = dict[str, Any]


def examine_prefect() -> Row:
    """
    Return the row.  "failed": it does not answer, takes not our key, or asks for none: who reaches such a server directs the
    worker.  "amber": it listens to other sites, or the key travels in the clear.
    """
    settings = PrefectSettings()
    if settings.api_url is None:
        return _row(
            detail="PREFECT_API_URL is not set: cases run by `lastday run` only", remedy="Start it with `lastday up`."
        )
    try:
        with httpx.Client(base_url=settings.api_url.rstrip("/"), timeout=_PATIENCE, trust_env=False) as client:
            return _examined(client, settings)
    except (httpx.HTTPError, httpx.InvalidURL):
        return _row("failed", "its API does not answer", "Start it with `lastday up`, or correct PREFECT_API_URL.")


def _examined(client: httpx.Client, settings: PrefectSettings) -> Row:
    if client.get("/health").status_code != 200:
        return _row("failed", "its API does not answer", "Start it with `lastday up`, or correct PREFECT_API_URL.")
    if client.get("/admin/version").status_code != 401:
        open_to_all = "its API asks for no key: whoever reaches it can direct the worker. This is not acceptable"
        return _row("failed", open_to_all, f"Stop it. {_START}")
    key = settings.key()
    if key is None:
        return _row(
            "failed",
            "it asks for a key and we have none",
            "Set PREFECT_API_AUTH_STRING, or LASTDAY_PREFECT_KEY_FILE (mode 0600).",
        )
    name, _, secret = key.get_secret_value().partition(":")
    client.auth = httpx.BasicAuth(name, secret)
    if client.get("/admin/version").status_code != 200:
        return _row(
            "failed",
            "it does not take our key",
            "Correct PREFECT_API_AUTH_STRING, or the file that LASTDAY_PREFECT_KEY_FILE names.",
        )
    weak = [*_listens_to_others(client), *_in_the_clear(settings.api_url or "")]
    return _row("amber", "; ".join(weak), _START) if weak else _row()


def _listens_to_others(client: httpx.Client) -> list[str]:
    told = []
    if client.get("/admin/version", headers={"Host": _ELSEWHERE}).status_code == 200:
        told.append("it takes requests for any host")
    if client.get("/admin/version", headers={"Origin": f"http://{_ELSEWHERE}"}).status_code == 200:
        told.append("it takes requests from other sites' pages")
    return told


def _in_the_clear(url: str) -> list[str]:
    parts = urlsplit(url)
    return (
        []
        if parts.scheme == "https" or _is_loopback(parts.hostname or "")
        else ["the key travels in the clear: its address is not https"]
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _row(state: str = "ok", detail: str | None = None, remedy: str | None = None) -> Row:
    return {"check": "prefect", "state": state, "detail": detail, "remedy": remedy}
