"""What Prefect may know of an error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import Pause, TerminationSignal
from prefect.states import Cancelled, Cancelling
from pydantic import TypeAdapter, ValidationError

from casework.errors import CaseNotDue, Misconfigured, QuestionsOpen, StillOpen
from flows import redaction
from flows.offboard import offboard
from flows.offboard_many import offboard_many
from flows.plan import plan
from flows.redaction import CaseId, FindingsOpen, RunNotNeeded, StepFailed, redact, redacted, to_its_state
from tests.flows.personal import ADDRESS, KANJI, ROMAJI


def look_up() -> None:
    """Fail as a library would: with everything it was given."""
    try:
        dict[str, str]()[KANJI]
    except LookupError as exc:
        raise ValueError(f"{ROMAJI} <{ADDRESS}>") from exc


class TestRedact:
    def test_findings(self) -> None:
        """Findings are told by kind and count."""
        assert str(redact(StillOpen({"still_open": 2, "guarded": 1}))) == "guarded 1, still_open 2"

    def test_kind_that_is_none(self) -> None:
        """What does not look like a kind of ours is left out."""
        assert str(redact(StillOpen({f"group of {KANJI}": 1, ADDRESS: 1, "unreadable": 1}))) == "unreadable 1"

    def test_causes(self) -> None:
        """Any other error is told by its class and those of its causes, with the place and without the text."""
        with pytest.raises(ValueError, match=ROMAJI) as caught:
            look_up()
        told = str(redact(caught.value))
        assert told.startswith("ValueError at flows/test_redaction.py:")
        assert " from KeyError at flows/test_redaction.py:" in told
        assert not any(text in told for text in (KANJI, ROMAJI, ADDRESS))

    def test_group(self) -> None:
        """Errors that came together are told by their classes."""
        assert (
            str(redact(ExceptionGroup(ROMAJI, [OSError(ADDRESS), KeyError(KANJI)])))
            == "ExceptionGroup(KeyError, OSError)"
        )

    def test_operator(self, caplog: pytest.LogCaptureFixture) -> None:
        """Who operates the machine reads on its standard error what is ours to word, and no library's words."""
        with caplog.at_level(logging.ERROR):
            redact(Misconfigured("LASTDAY_SERVICES: names no service", "Correct it."))
            redact(ValueError(ADDRESS))
        assert "LASTDAY_SERVICES" in caplog.text
        assert ADDRESS not in caplog.text


class TestRedacted:
    async def test_context(self) -> None:
        """The first error hangs on the told one neither as cause nor as context: Prefect pickles and prints both."""

        @redacted
        async def step() -> None:
            raise ValueError(KANJI)

        with pytest.raises(StepFailed) as caught:
            await step()
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    async def test_while_another_is_looked_at(self) -> None:
        """Whoever calls a step while it looks at an error of its own does not hang that one on what is told."""

        @redacted
        async def step() -> None:
            raise ValueError(KANJI)

        try:
            look_up()
        except ValueError:
            with pytest.raises(StepFailed) as caught:
                await step()
        assert caught.value.__context__ is None

    async def test_panic(self) -> None:
        """What a library raises beside every `Exception` is a failure like others: its words stay out, and it stops no other step."""

        class Panic(BaseException):
            pass

        @redacted
        async def step() -> None:
            raise Panic(KANJI)

        with pytest.raises(StepFailed, match=r"^Panic at [^ ]+$"):
            await step()

    @pytest.mark.parametrize(
        "signal", [asyncio.CancelledError, KeyboardInterrupt, SystemExit, Pause, TerminationSignal(15)]
    )
    async def test_signal(self, signal: type[BaseException] | BaseException) -> None:
        """A signal to stop goes on as itself, and without the error that was looked at when it came."""

        @redacted
        async def step() -> None:
            try:
                look_up()
            except ValueError:
                raise signal  # noqa: B904  # it has nothing to do with the error

        kind = signal if isinstance(signal, type) else type(signal)
        with pytest.raises(kind) as caught:
            await step()
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    async def test_question(self) -> None:
        """A question stays a question, with our ids only."""

        @redacted
        async def step() -> None:
            raise QuestionsOpen(["q-00ff", KANJI])

        with pytest.raises(QuestionsOpen) as caught:
            await step()
        assert caught.value.questions == ["q-00ff"]


async def ending(error: Exception | None) -> State[None] | None:
    """Return the state of a run whose body raises *error*."""

    @to_its_state
    async def body() -> None:
        if error is not None:
            raise error

    return await body()


class TestEndings:
    async def test_green(self) -> None:
        """Only a body that came to its end leaves the run to be green."""
        assert await ending(None) is None

    async def test_findings(self) -> None:
        """Findings fail the run."""
        with pytest.raises(FindingsOpen, match=r"^still_open 1$"):
            await ending(StillOpen({"still_open": 1}))

    async def test_questions(self) -> None:
        """Questions pause it; each time under another key, since a key that fired once is passed over."""
        first, second = await ending(QuestionsOpen(["q-1", "q-2"])), await ending(QuestionsOpen(["q-1", "q-2"]))
        assert first is not None
        assert second is not None
        assert (first.type, first.message) == (StateType.PAUSED, "open questions: 2")
        assert first.state_details.pause_key != second.state_details.pause_key

    async def test_paused(self) -> None:
        """A run over a case that a person has paused says so, whatever else is open: it is no failure, and nobody is asked."""
        state = await ending(StillOpen({"not_cut_sign_in": 3, "pause-914d2db820caa10c": 1}))
        assert state is not None
        assert (state.type, state.name) == (StateType.CANCELLED, "Paused by a person")
        assert state.message == "nothing is cut until two resume it"

    @pytest.mark.parametrize("error", [RunNotNeeded(Cancelled()), CaseNotDue("case-1: is not due yet", "Wait.")])
    async def test_nothing_to_do(self, error: Exception) -> None:
        """A run that has nothing to do is neither green nor red."""
        state = await ending(error)
        assert state is not None
        assert state.type is StateType.CANCELLED


class TestCancelled:
    async def test_page_says_what_it_came_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever cancels a run reads there that the case goes on, and what the brake is; every flow over cases says so."""
        run, told = SimpleNamespace(id=uuid4()), list[tuple[object, State[object], bool]]()

        async def set_flow_run_state(run_id: object, state: State[object], *, force: bool) -> None:
            told.append((run_id, state, force))

        @asynccontextmanager
        async def client() -> AsyncIterator[SimpleNamespace]:
            yield SimpleNamespace(set_flow_run_state=set_flow_run_state)

        monkeypatch.setattr(redaction, "get_client", client)
        flows: list[Flow[Any, Any]] = [offboard, offboard_many, plan]
        for each in flows:
            (hook,) = each.on_cancellation_hooks
            await cast("Awaitable[None]", hook(each, cast("FlowRun", run), Cancelling()))
        assert {(run_id, state.type, state.name, force) for run_id, state, force in told} == {
            (run.id, StateType.CANCELLED, "Cancelled, which stops nothing", True)
        }
        assert all("`lastday pause CASE` is the brake" in str(state.message) for _, state, _ in told)


class TestCaseId:
    @pytest.mark.parametrize("text", [KANJI, ROMAJI, ADDRESS, "case-Tanaka", "case-", "E1001", "case-00ff00ff\n"])
    def test_person(self, text: str) -> None:
        """What may name a person is no case's id."""
        with pytest.raises(ValidationError):
            TypeAdapter(CaseId).validate_python(text)

    def test_ours(self) -> None:
        """Casework's random names are."""
        assert TypeAdapter(CaseId).validate_python("case-3f9c00aa11bb22cc") == "case-3f9c00aa11bb22cc"
