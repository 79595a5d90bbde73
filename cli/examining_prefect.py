"""Is Prefect there, and closed to those who have no business with it?  One row of `lastday doctor`."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from cli.orchestration import PrefectSettings
from cli.rows import Row, row

_PATIENCE = 2.0
_ELSEWHERE = "elsewhere.invalid"
_SILENT = ("its API does not answer", "Start it with `lastday up`, or correct PREFECT_API_URL.")
_START = "Start it with `lastday up`, or as `python -m flows.api_server`: see docs/operations.md."


def examine_prefect() -> Row:
    """
    Return the row.  "failed": it does not answer, takes not our key, or asks for none: who reaches such a server directs the
    worker.  "amber": it listens to other sites, or the key travels in the clear.
    """
    settings = PrefectSettings()
    if settings.api_url is None:
        unset = "PREFECT_API_URL is not set: cases run by `lastday run` only"
        return row("prefect", detail=unset, remedy="Start it with `lastday up`.")
    try:
        with httpx.Client(base_url=settings.api_url.rstrip("/"), timeout=_PATIENCE, trust_env=False) as client:
            fault = _fault(client, settings.key())
            weak = [*_listens_to_others(client), *_in_the_clear(settings.api_url)] if fault is None else []
    except (httpx.HTTPError, httpx.InvalidURL):
        fault, weak = _SILENT, []
    if fault is not None:
        return row("prefect", "failed", *fault)
    return row("prefect", "amber", "; ".join(weak), _START) if weak else row("prefect")


def _fault(client: httpx.Client, key: SecretStr | None) -> tuple[str, str] | None:
    """Return problem and remedy of a server that cannot be worked with; *client* then bears the key."""
    if client.get("/health").status_code != 200:
        return _SILENT
    if client.get("/admin/version").status_code != 401:
        open_to_all = "its API asks for no key: whoever reaches it can direct the worker. This is not acceptable"
        return open_to_all, f"Stop it. {_START}"
    if key is None:
        which = "Set PREFECT_API_AUTH_STRING, or LASTDAY_PREFECT_KEY_FILE (mode 0600)."
        return "it asks for a key and we have none", which
    name, _, secret = key.get_secret_value().partition(":")
    client.auth = httpx.BasicAuth(name, secret)
    if client.get("/admin/version").status_code != 200:
        which = "Correct PREFECT_API_AUTH_STRING, or the file that LASTDAY_PREFECT_KEY_FILE names."
        return "it does not take our key", which
    return None


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
