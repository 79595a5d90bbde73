"""The checks of `lastday doctor` on the installation itself, one row each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlmodel import Session

from audit import anchoring, epochs
from audit.anchor_config import AnchorConfig
from audit.keys import KeyRefused
from audit.rollback_check import SigningStopped
from casework.bootstrap import evidence_store
from casework.evidence import rotation
from casework.evidence.store import EvidenceStore
from casework.matching.numbers import without_numbers
from casework.policy import load_policy
from casework.private_files import find_open_files
from casework.settings import CaseworkSettings
from casework.store import Store
from casework.trail.anchoring import berth
from casework.trail.signing import log_signers
from cli.anchor import anchored
from cli.contexts import PATIENCE, only_store
from cli.errors import refusal
from cli.terminal import advice, say, sentence
from connectors.errors import NotConfigured
from connectors.settings import on_this_machine, prefix_of
from stack.prefect_api import PrefectSettings, open_api

Row = dict[str, Any]
"""A check's name, its state ("ok", "amber", "missing", "failed" or "red"), the problem, the remedy."""
_ELSEWHERE = "elsewhere.invalid"
_ANY = "/admin/version"
"""A path of Prefect's API that needs the key and nothing else."""


def row(check: str, state: str = "ok", detail: str | None = None, remedy: str | None = None) -> Row:
    return {"check": check, "state": state, "detail": detail, "remedy": remedy}


def failed(check: str, exc: Exception, state: str = "failed") -> Row:
    """Return the row of a foreseen failure; its state is "missing" for a missing setting.  Raises any other error again."""
    told = refusal(exc)
    return row(check, "missing" if isinstance(exc, NotConfigured) else state, str(told), told.remedy)


def examined(check: str, examine: Callable[[], Iterable[Row]], state: str = "failed") -> list[Row]:
    """Return the rows of *examine*, or one row in *state* for a foreseen error."""
    try:
        return [*examine()]
    except Exception as exc:  # noqa: BLE001  # `failed` raises an unforeseen error again
        return [failed(check, exc, state)]


def examine_house(settings: CaseworkSettings) -> list[Row]:
    """Check database and schema, policy, the trail's key and its anchors, evidence, numbers, files."""
    return [
        *examined("database", _database),
        *examined("policy", lambda: [row("policy", detail=f"sha256 {load_policy(settings.policy_file).sha256}")]),
        _trail_key(settings),
        examine_anchors(settings),
        *examined("evidence", lambda: [_evidence(settings)], "amber"),  # evidence that cannot be written delays no cut
        *examined("employee numbers", lambda: [_numbers()], "amber"),
        *_files(settings),
    ]


def _database() -> list[Row]:
    with only_store():
        return [row("database")]


def _trail_key(settings: CaseworkSettings) -> Row:
    try:
        return row("trail key", detail=log_signers(settings)[0].verifier.vkey)
    except KeyRefused as exc:
        state = "missing" if settings.audit_key_uri is None and not settings.audit_key_file.exists() else "failed"
        return row("trail key", state, *advice(f"trail_key_{state}", why=exc))


def examine_anchors(settings: CaseworkSettings) -> Row:
    """
    Check the anchors' health, and compare the log with the mirrored anchors and the witnesses' heads.

    "ok" also without witnesses and authorities; the row says so.  "amber": anchors are late, or the log has a gap since a backup
    was restored.  "red": an alarm, a database older than its anchors, or settings that cannot be used.
    """

    def examine() -> list[Row]:
        with only_store() as store:
            return examined("anchors", lambda: [_with_gaps(_weighed(berth(settings, store)), store)], "red")

    return examined("anchors", examine)[0]


def _weighed(place: AnchorConfig) -> Row:
    silent, health = anchoring.compare(place), anchoring.health(place)
    if health.alarms:
        seen = sentence("signing_stopped", names=", ".join(health.alarms))
        return row("anchors", "red", seen, say(SigningStopped.remedy, SigningStopped.remedy_ja))
    if health.level == "nobody":
        return row("anchors", "ok", *advice("nobody_outside"))
    newest = sentence("no_anchor_yet") if health.newest is None else anchored(health.newest)
    if health.late_since is None:
        return row("anchors", detail="; ".join([newest, *silent]))
    late, remedy = advice("anchors_late", since=health.late_since, waiting=health.waiting)
    return row("anchors", "amber", "; ".join([late, newest, *silent]), remedy)


def _with_gaps(found: Row, store: Store) -> Row:
    """Add the log's gaps to the row: a log with a gap is at best amber, for ever."""
    with store.read() as session:
        gaps = [advice("gap", gap=gap) for gap in epochs.told(session.connection())]
    if not gaps:
        return found
    state = "amber" if found["state"] == "ok" else found["state"]
    told, remedies = zip(*gaps, strict=True)
    remedy = " ".join(filter(None, [found["remedy"], remedies[0]]))
    return row("anchors", state, "; ".join([*told, found["detail"]]), remedy)


def _evidence(settings: CaseworkSettings) -> Row:
    folder = settings.evidence_folder.resolve()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return row("evidence", "amber", *advice("evidence_folder"))
    with only_store() as store, store.read() as session:
        kept = evidence_store(settings, store)
        kept.master.check()
        return _evidence_keys(kept, rotation.needed(session), session)


def _evidence_keys(kept: EvidenceStore, needed: dict[str, int], session: Session) -> Row:
    """Return which master keys are needed; "amber" for more than one.  Raises `Misconfigured` for a key that is not here."""
    if not needed:
        return row("evidence")
    key = rotation.in_force(session, kept.master.open)
    for name in (key, *needed):
        kept.key_named(name)
    if {key, *needed} != {kept.master.open().name}:
        listed = ", ".join(f"{name} ({count})" for name, count in needed.items())
        return row("evidence", "amber", *advice("evidence_key_needed", key=key, needed=listed))
    if kept.former is not None:
        return row("evidence", "ok", *advice("evidence_key_spare", key=key, count=needed[key]))
    return row("evidence", detail=sentence("evidence_key", key=key, count=needed[key]))


def _numbers() -> Row:
    """Return amber if a service's employee numbers are not HR's: accounts are then matched with one fact less."""
    with only_store() as store, store.read() as session:
        found = without_numbers(session)
    if not found:
        return row("employee numbers")
    told = "; ".join(
        f"{one.connection}: agree with none of {one.compared} known people, and count as none" for one in found
    )
    places = ", ".join(f"{prefix_of(one.connection)}NUMBER_FIELD" for one in found)
    return row("employee numbers", "amber", told, f"Set {places} to the field with HR's numbers, or to none.")


def _files(settings: CaseworkSettings) -> list[Row]:
    """Return a row for each file of secrets that others can read: "failed" if it is this user's, "amber" if another's."""
    found = find_open_files(settings)
    rows = [row(f"file: {file.path}", "failed" if file.ours else "amber", file.text, file.remedy) for file in found]
    return rows or [row("files")]


def examine_prefect() -> Row:
    """
    Return Prefect's row.  "failed": it does not answer, refuses our key, or needs no key: then everyone who reaches it directs the
    worker.  "amber": it accepts requests of other sites, or the key goes over plain HTTP.
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
    """Return the code of the fault that makes the server unusable, None if there is none."""
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
    return urlsplit(url).scheme != "https" and not on_this_machine(url)
