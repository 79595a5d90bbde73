"""What a process of ours takes again and again goes on, whatever a turn comes to."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock, call

import pytest
from prefect.exceptions import Abort, Pause

from flows.periodic import again


class TestAgain:
    @pytest.mark.parametrize("failure", [ValueError, Abort, Pause])
    async def test_a_turn_that_fails_is_followed_by_the_next(self, failure: type[BaseException]) -> None:
        """A signal of Prefect's ends its run, and never the process that guarantees the cut."""
        stop, turns = asyncio.Event(), list[int]()

        async def turn() -> float:
            turns.append(len(turns))
            if len(turns) == 1:
                raise failure
            stop.set()
            return 0.0

        pulse = Mock()
        await asyncio.wait_for(again(stop, pulse, "test", turn, after_failure=0.0), 10)
        assert turns == [0, 1]
        assert pulse.ended.mock_calls == [call("test", well=False), call("test", well=True)]
