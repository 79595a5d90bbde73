"""The way from a verb to Prefect, taken only when there is one: its import alone takes more than a second."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.terminal import Terminal

_PATIENCE = 2.0


def api_url() -> str | None:
    """Return the address of Prefect's API, None if none is set."""
    return os.environ.get("PREFECT_API_URL") or None


def reachable() -> bool:
    """Whether Prefect's API is set and answers within two seconds."""
    import httpx

    url = api_url()
    if url is None:
        return False
    try:
        return httpx.get(f"{url.rstrip('/')}/health", timeout=_PATIENCE, trust_env=False).status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def ask_for_runs(terminal: Terminal) -> bool:
    """See that due cases have runs, as far as Prefect can be reached; say who will see to it otherwise."""
    if not reachable():
        _leave_it_to_the_sweep(terminal)
        return False
    from casework.desk import open_desk
    from flows.scheduling import PrefectUnreachable, schedule

    async def ask() -> None:
        async with open_desk(connected=False) as desk:
            await schedule(desk)

    try:
        asyncio.run(ask())
    except PrefectUnreachable:
        _leave_it_to_the_sweep(terminal)
        return False
    return True


def let_go_on(terminal: Terminal, case_id: str) -> bool:
    """Let the run that waits for an answer about *case_id* go on, as far as Prefect can be reached."""
    if not reachable():
        _leave_it_to_the_sweep(terminal)
        return False
    from flows.scheduling import PrefectUnreachable, resume_case

    try:
        return asyncio.run(resume_case(case_id))
    except PrefectUnreachable:
        _leave_it_to_the_sweep(terminal)
        return False


def _leave_it_to_the_sweep(terminal: Terminal) -> None:
    terminal.say(
        "Prefect is not reachable from here: the sweep takes the case up, or `lastday run CASE` does.",
        "Prefectに接続できません。定期巡回が案件を引き継ぐか、`lastday run CASE` で実行できます。",
    )
