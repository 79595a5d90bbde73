"""Open a command's context, use it, close it.  Imports Prefect only if its API answers: the import takes more than a second."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from audit.trail import Trail
from casework.bootstrap import open_context, open_store
from casework.context import Context
from casework.nda.registers import NdaContext, open_nda_context
from casework.settings import read_settings
from casework.store import Store
from cli.terminal import Terminal, sentence
from connectors.unopened_connector import require_one

P = ParamSpec("P")
T = TypeVar("T")

ACTOR = "svc:terminal"
"""The actor in the trail's leaves.  The person's name goes into payloads, which can be erased."""
PATIENCE = 2.0
"""Seconds in which Prefect's API must answer.  A choice: a person waits at the terminal."""


def in_context(work: Callable[Concatenate[Context, P], T], *given: P.args, **named: P.kwargs) -> T:
    """Do *work* with the database, without services.  Raises the errors of `casework.bootstrap.open_context`."""

    async def quick(context: Context) -> T:
        return work(context, *given, **named)

    return in_open_context(quick)


def in_open_context(work: Callable[[Context], Awaitable[T]], *, connected: bool = False) -> T:
    """Do asynchronous *work*.  *connected*: opens each service that can be opened; raises `NotConfigured` if there is none."""

    async def opened() -> T:
        async with open_context(actor=ACTOR, connected=connected) as context:
            if connected:
                require_one(context.connectors)
            return await work(context)

    return asyncio.run(opened())


def in_nda_context(work: Callable[Concatenate[NdaContext, P], Awaitable[T]], *given: P.args, **named: P.kwargs) -> T:
    """Do *work* with each register of papers that can be opened, without services."""

    async def opened(context: Context) -> T:
        async with open_nda_context(context) as nda:
            return await work(nda, *given, **named)

    return in_open_context(opened)


def only_store(*, check: bool = True) -> AbstractContextManager[Store]:
    """Open only the database.  Raises `Misconfigured` if *check* finds an old or missing schema."""
    return open_store(read_settings(), check=check)


def in_log(work: Callable[[Trail, Connection], T], *, write: bool = False) -> T:
    """Do *work* on one state of the log, or in a transaction that may *write*."""
    with only_store() as store, store.write() if write else store.read() as session:
        return work(store.trail, session.connection())


def reachable() -> bool:
    """
    Return whether Prefect's API is set and answers within two seconds.  Puts its address and key into this process's environment,
    where Prefect reads them when it is imported.
    """
    import httpx

    from stack.prefect_api import PrefectSettings, open_api

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
    Make runs for due cases, and resume the run that waits for an answer about the case *answered*.  If Prefect cannot be reached,
    say what will carry the case instead.
    """
    if reachable():
        from flows.scheduling import PrefectUnreachable, schedule

        with contextlib.suppress(PrefectUnreachable):
            in_open_context(partial(schedule, answered=answered))
            return
    terminal.say(sentence("prefect_unreachable"))
