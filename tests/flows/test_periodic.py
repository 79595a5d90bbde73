"""What a process of ours takes again and again goes on, whatever a turn comes to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call
from uuid import UUID

import pytest
from prefect.exceptions import Abort, ObjectNotFound, Pause

from flows import periodic, starting
from flows.periodic import again, in_runs
from flows.redaction import HERE
from flows.starting import until_terminated


class TestAgain:
    @pytest.mark.parametrize("failure", [ValueError, Abort, Pause])
    async def test_a_turn_that_fails_is_followed_by_the_next(self, failure: type[BaseException]) -> None:
        """A signal of Prefect's ends its run, and never the process that guarantees the cut."""
        turns = list[int]()

        async def turn() -> float:
            turns.append(len(turns))
            if len(turns) == 1:
                raise failure
            return 3_600.0

        pulse = Mock()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(again(pulse, "test", turn, after_failure=0.0), 0.1)
        assert turns == [0, 1]
        assert pulse.ended.mock_calls == [call("test", well=False), call("test", well=True)]


class TestInRuns:
    async def test_of_those_that_did_nothing_the_last_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each is deleted by its successor, once: one that somebody else deleted keeps no later one in Prefect."""
        runs, deleted, options = list[str](), list[str](), dict[str, object]()

        def plain(**given: object) -> Callable[[Any], Any]:
            options.update(given)
            return lambda run: run

        @asynccontextmanager
        async def opened(**_: object) -> AsyncIterator[Any]:
            async def delete_flow_run(run: UUID) -> None:
                deleted.append(str(run))
                if len(deleted) == 1:
                    raise ObjectNotFound(LookupError())

            yield SimpleNamespace(delete_flow_run=delete_flow_run)

        async def work(_: object) -> dict[str, int]:
            runs.append(str(UUID(int=len(runs))))
            monkeypatch.setattr(periodic, "flow_run", SimpleNamespace(id=runs[-1]))
            if len(runs) == 5:
                await asyncio.sleep(3_600)
            return {"done": int(len(runs) == 3)}

        monkeypatch.setattr(periodic, "flow", plain)
        monkeypatch.setattr(periodic, "get_run_logger", lambda: logging.getLogger("runs"))
        monkeypatch.setattr(again, "__kwdefaults__", {"after_failure": 0.0})
        for name in ("open_context", "prefect_api"):
            monkeypatch.setattr(periodic, name, opened)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_runs(Mock(), "test", work, pause=0.0), 0.1)
        assert deleted == [runs[0], runs[1]]
        assert options == {
            "name": "test", "flow_run_name": "test", "retries": 0, "persist_result": False, "result_storage": HERE,
        }  # fmt: skip


class TestUntilTerminated:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_a_turn_that_hangs(self, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Prefect that takes a request and never answers keeps no process from stopping, and no successor from its start."""

        async def serve() -> None:
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), number)
            await asyncio.sleep(3_600)

        monkeypatch.setattr(starting, "refuse_open_files", list)
        try:
            await asyncio.wait_for(until_terminated(serve()), 5)
        finally:
            asyncio.get_running_loop().remove_signal_handler(number)
