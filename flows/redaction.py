"""
The boundary to Prefect: beyond it there are ids of ours, kinds and counts, nothing else.

Prefect keeps what a run raises: the text in the state, the traceback in the log, the exception itself pickled in its
result storage (even with `persist_result=False`).  Its database is open to whoever reaches its API.  So nothing that
was raised by a connector, a driver or a library may pass: neither as itself nor as the cause of what does.
"""

from __future__ import annotations

import functools
import logging
import re
import traceback
from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar
from uuid import uuid4

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ExternalSignal, PrefectSignal
from prefect.runtime import deployment
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Paused, Suspended
from pydantic import Field

from casework.errors import CaseworkError, NotDueYet, QuestionsOpen, StillOpen
from connectors.errors import ConnectorError

P = ParamSpec("P")
T = TypeVar("T")

CaseId = Annotated[str, Field(pattern=r"^case-[0-9a-f]{6,64}$")]
"""Our own random name of a case.  The pattern lets Prefect refuse a person's name before it is stored."""
HERE: Path = get_current_settings().home / "storage"
"""
Given to every flow: where Prefect may keep what a run leaves behind, a folder of this machine, whatever its server says.  Without it
a flow asks the server for its default storage, writes the exceptions of a failed run there even though results are not kept, and
runs whatever kind of storage somebody has put there.
"""

_log = logging.getLogger("lastday.flows")  # the process's own standard error: Prefect keeps its own loggers' alone
_SIGNALS = (CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit, PrefectSignal, ExternalSignal)
_OURS = re.compile(r"[a-z0-9_-]{1,60}")  # kinds and ids that our code makes: no capital, space, dot or at sign


class FindingsOpen(Exception):
    """The case may not close.  The text counts the findings by kind."""


class StepFailed(Exception):
    """A step failed.  The text names the classes of what was raised, outermost first, and where; their texts stay out."""


class Elsewhere(Exception):
    """Somebody else carries the case, or has closed it: the run has nothing to do, and ends in *state*."""

    def __init__(self, state: State[Any]) -> None:
        super().__init__(state.name)
        self.state = state


def redacted(step: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """
    Wrap *step* so that what it raises is as `redact` tells it, without cause or context.

    Prefect reads *step*'s annotations, and would look up names in them here: modules of flows therefore do without
    `from __future__ import annotations`.
    """

    @functools.wraps(step)
    async def redacting(*args: P.args, **kwargs: P.kwargs) -> T:
        with boundary():
            return await step(*args, **kwargs)

    return redacting


def to_its_state(
    flow: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, Coroutine[Any, Any, State[Any] | None]]:
    """
    Wrap the body of a flow over one case, so that the run ends as the case stands.

    Green: the body came to its end, or somebody else's did before.  Paused: a person is asked.  Cancelled, by a name of ours: the case
    is paused, is another run's, or its instant was moved away.  Failed (`FindingsOpen`, `StepFailed`): everything else.
    """

    @functools.wraps(flow)
    async def ending(*args: P.args, **kwargs: P.kwargs) -> State[Any] | None:
        with boundary():
            try:
                await flow(*args, **kwargs)
            except QuestionsOpen as exc:
                return waiting_for(len(exc.questions))
            except StillOpen as exc:
                if not any(kind.startswith("pause-") for kind in exc.findings):
                    raise
                return Cancelled(name="Paused by a person", message="nothing is cut until two resume it")
            except Elsewhere as exc:
                return exc.state
            except NotDueYet:
                return Cancelled(name="Not due yet", message="the sweep makes a run for the new instant")
            return None

    return ending


@contextmanager
def boundary() -> Iterator[None]:
    """
    Let out what is raised inside as `redact` tells it, a library's panic included; a signal to stop as itself.

    Neither has a cause or a context: `from None` would hide them from the traceback only, and whoever ends the process may do so
    while an error is being looked at.
    """
    try:
        yield
    except _SIGNALS as signal:
        signal.__cause__ = signal.__context__ = None
        raise
    except BaseException as exc:  # noqa: BLE001  # all of them: this is the boundary
        said = redact(exc)
        try:
            raise said
        finally:
            said.__context__ = None


async def in_vain(flow: object, flow_run: FlowRun, state: object) -> None:  # noqa: ARG001  # a hook of Prefect's
    """Let the page of a run that somebody cancelled say what that came to: Prefect would call it cancelled, five minutes later."""
    message = "its case goes on, with this run or without: `lastday pause CASE` is the brake"
    async with get_client() as client:
        told: State[Any] = Cancelled(name="Cancelled, which stops nothing", message=message)
        await client.set_flow_run_state(flow_run.id, told, force=True)


OPTIONS: dict[str, Any] = {"retries": 0, "persist_result": False, "result_storage": HERE, "on_cancellation": [in_vain]}
"""Of a flow over cases: a setting may change the defaults.  casework repeats what is to be repeated, and knows what was sent."""


def waiting_for(questions: int) -> State[Any]:
    """
    Return the state of a run that waits for answers: its process ends, and a resume starts it from the top.

    The key is random: a key that had fired once would be refused, and the run would go on as if it were answered.
    Only a deployment's run can be suspended.  One without (started in a terminal) is paused, and is never resumed:
    a resume would call it running while no process runs.
    """
    message = f"open questions: {questions}"
    if deployment.id is None:
        return Paused(message=message, pause_key=str(uuid4()))
    return Suspended(message=message, pause_key=str(uuid4()))


def redact(exc: BaseException) -> Exception:
    """Return what Prefect may know of *exc*."""
    if isinstance(exc, (FindingsOpen, StepFailed)):
        return type(exc)(*exc.args)
    if isinstance(exc, QuestionsOpen):
        return QuestionsOpen([question for question in exc.questions if _OURS.fullmatch(question)])
    if isinstance(exc, NotDueYet):
        return NotDueYet("not due yet", exc.remedy)
    if isinstance(exc, StillOpen):
        return FindingsOpen(
            ", ".join(f"{kind} {n}" for kind, n in sorted(exc.findings.items()) if _OURS.fullmatch(kind))
        )
    _log.error("%s", " from ".join(_named(link, with_text=True) for link in _chain(exc)))
    return StepFailed(" from ".join(_named(link, with_text=False) for link in _chain(exc)))


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = exc
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__


def _named(exc: BaseException, *, with_text: bool) -> str:
    """Name the class and the place, `KeyError at casework/truth/rows.py:41`; the text only of errors that are ours to word."""
    name = type(exc).__name__
    if isinstance(exc, BaseExceptionGroup):
        name += f"({', '.join(sorted({type(member).__name__ for member in exc.exceptions}))})"
    if with_text and isinstance(exc, (CaseworkError, ConnectorError)):
        name += f" ({exc})"
    frames = traceback.extract_tb(exc.__traceback__)
    return f"{name} at {'/'.join(Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno}" if frames else name
