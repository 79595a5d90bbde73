"""The way from a verb to Prefect, taken only when there is one: its import alone takes more than a second."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from audit.secret_files import Unsafe, read_own

if TYPE_CHECKING:
    from cli.terminal import Terminal

_PATIENCE = 2.0
_LONGEST_KEY = 4096


class PrefectSettings(BaseSettings):
    """
    Where Prefect's API is and what opens it, from the environment and `.env`.

    *api_auth_string* (NAME:SECRET) outranks *key_file*, which `lastday up` makes.
    """

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    api_url: str | None = Field(default=None, validation_alias="PREFECT_API_URL")
    api_auth_string: SecretStr | None = Field(default=None, validation_alias="PREFECT_API_AUTH_STRING")
    key_file: Path = Field(default=Path("var/prefect/api.key"), validation_alias="LASTDAY_PREFECT_KEY_FILE")

    def key(self) -> SecretStr | None:
        """Return NAME:SECRET; None if there is none, or its file is not ours alone (`lastday doctor` says which)."""
        if self.api_auth_string is not None:
            return self.api_auth_string
        try:
            return SecretStr(read_own(self.key_file, _LONGEST_KEY).decode().strip())
        except Unsafe:
            return None


def reachable() -> bool:
    """
    Whether Prefect's API is set and answers within two seconds.  Its address and key are then in this process's environment,
    where Prefect looks for them when it is imported.
    """
    import httpx

    settings = PrefectSettings()
    if settings.api_url is None:
        return False
    os.environ["PREFECT_API_URL"] = settings.api_url
    if (key := settings.key()) is not None:
        os.environ["PREFECT_API_AUTH_STRING"] = key.get_secret_value()
    try:
        return (
            httpx.get(f"{settings.api_url.rstrip('/')}/health", timeout=_PATIENCE, trust_env=False).status_code == 200
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def ask_for_runs(terminal: Terminal) -> None:
    """See that due cases have runs, as far as Prefect can be reached; say who will see to it otherwise."""

    async def ask() -> None:
        from casework.bootstrap import open_context
        from flows.scheduling import schedule

        async with open_context(connected=False) as context:
            await schedule(context)

    _ask(terminal, ask)


def let_go_on(terminal: Terminal, case_id: str) -> None:
    """Let the run that waits for an answer about *case_id* go on, as far as Prefect can be reached."""

    async def resume() -> None:
        from flows.scheduling import resume_case

        await resume_case(case_id)

    _ask(terminal, resume)


def _ask(terminal: Terminal, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    if reachable():
        from flows.scheduling import PrefectUnreachable

        with contextlib.suppress(PrefectUnreachable):
            asyncio.run(work())
            return
    terminal.say(
        "Prefect is not reachable from here: the sweep takes the case up, or `lastday run CASE` does.",
        "Prefectに接続できません。定期巡回が案件を引き継ぐか、`lastday run CASE` で実行できます。",
    )
