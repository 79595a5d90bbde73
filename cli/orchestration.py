"""The way from a verb to Prefect, taken only when there is one: its import alone takes more than a second."""

from __future__ import annotations

import contextlib
import os
from functools import partial

import httpx

from cli.contexts import in_open_context
from cli.terminal import Terminal, sentence
from stack.prefect_api import PrefectSettings, open_api

PATIENCE = 2.0


def reachable() -> bool:
    """
    Whether Prefect's API is set and answers within two seconds.  Its address and key are then in this process's environment,
    where Prefect looks for them when it is imported.
    """
    settings = PrefectSettings()
    if settings.api_url is None:
        return False
    os.environ["PREFECT_API_URL"] = settings.api_url
    if (key := settings.key()) is not None:
        os.environ["PREFECT_API_AUTH_STRING"] = key.get_secret_value()
    try:
        with open_api(settings.api_url, patience=PATIENCE) as client:
            return client.get("/health").status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def ask_for_runs(terminal: Terminal, answered: str | None = None) -> None:
    """
    See that due cases have runs, or that the run goes on which waits for an answer about the case *answered*, as far as Prefect
    can be reached; say who will see to it otherwise.
    """
    if reachable():
        from flows.scheduling import PrefectUnreachable, schedule

        with contextlib.suppress(PrefectUnreachable):
            in_open_context(partial(schedule, answered=answered))
            return
    terminal.say(sentence("prefect_unreachable"))
