"""
The boundary to Prefect: only our own ids, kinds and counts may pass it.

Prefect stores each exception of a run: its text in the state, its traceback in the log, and the pickled exception in its
result storage (even with `persist_result=False`).  Everyone who reaches its API can read its database.  So no exception of
a connector, a driver or a library may pass, neither itself nor as the cause of another.
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

from casework.errors import CaseNotDue, CaseworkError, QuestionsOpen, StillOpen
from connectors.errors import ConnectorError

P = ParamSpec("P")
T = TypeVar("T")

CaseId = Annotated[str, Field(pattern=r"^case-[0-9a-f]{6,64}$")]
"""A case's random id.  With the pattern, Prefect refuses a person's name before it is stored."""
HERE: Path = get_current_settings().home / "storage"
"""
The result storage of every flow: a folder of this machine, not the server's choice.  Without it a flow asks the server for its
default storage, writes the exceptions of a failed run there even though results are not kept, and runs the code of any storage that
somebody has put there.
"""

_log = logging.getLogger("lastday.flows")  # standard error only: Prefect stores its own loggers' lines
_SIGNALS = (CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit, PrefectSignal, ExternalSignal)
_OURS = re.compile(r"[a-z0-9_-]{1,60}")  # kinds and ids that our code makes: no capital, space, dot or at sign


class FindingsOpen(Exception):
    """The case cannot close.  The text counts the findings by kind."""


class StepFailed(Exception):
    """A step failed.  The text names the exceptions' classes and places, outermost first, without their texts."""


class RunNotNeeded(Exception):
    """Another run carries the case, or the case is closed: this run has nothing to do, and ends in *state*."""

    def __init__(self, state: State[Any]) -> None:
        super().__init__(state.name)
        self.state = state


def redacted(step: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """
    Wrap *step* so that it raises only what `redact` returns, without cause or context.

    Prefect evaluates *step*'s annotations, and would look up their names in this module.  So the modules of flows do not use
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
    Wrap the body of a flow over one case, so that the run's state follows from the case.

    Green: the body came to its end, or the case was closed before.  Paused: a person is asked.  Cancelled, with our own state name:
    the case is paused, another run holds it, or its instant was moved.  Failed (`FindingsOpen`, `StepFailed`): everything else.
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
            except RunNotNeeded as exc:
                return exc.state
            except CaseNotDue:
                return Cancelled(name="Not due yet", message="the sweep makes a run for the new instant")
            return None

    return ending


@contextmanager
def boundary() -> Iterator[None]:
    """
    Raise what `redact` returns for an exception inside, a library's panic included; let a signal to stop pass as itself.

    Both lose cause and context.  `from None` would only hide them from the traceback.  A signal to stop has a context if it comes
    while an error is handled.
    """
    try:
        yield
    except _SIGNALS as signal:
        signal.__cause__ = signal.__context__ = None
        raise
    except BaseException as exc:  # noqa: BLE001  # every exception: this is the boundary
        said = redact(exc)
        try:
            raise said
        finally:
            said.__context__ = None


async def in_vain(flow: object, flow_run: FlowRun, state: object) -> None:  # noqa: ARG001  # a hook of Prefect's
    """Set the state of a cancelled run to say that its case goes on.  Prefect would only call it cancelled, five minutes later."""
    message = "its case goes on, with this run or without: `lastday pause CASE` is the brake"
    async with get_client() as client:
        told: State[Any] = Cancelled(name="Cancelled, which stops nothing", message=message)
        await client.set_flow_run_state(flow_run.id, told, force=True)


OPTIONS: dict[str, Any] = {"retries": 0, "persist_result": False, "result_storage": HERE, "on_cancellation": [in_vain]}
"""Options of a flow over cases, explicit because a setting can change the defaults.  casework itself repeats what is safe to repeat."""


def waiting_for(questions: int) -> State[Any]:
    """
    Return the state of a run that waits for answers: its process ends, and a resume starts it from the beginning.

    The key is random: Prefect refuses a key that was used before, and the run would go on as if it were answered.
    Only a deployment's run can be suspended.  A run without a deployment (from a terminal) is paused and never resumed:
    a resume would call it running although no process runs.
    """
    message = f"open questions: {questions}"
    if deployment.id is None:
        return Paused(message=message, pause_key=str(uuid4()))
    return Suspended(message=message, pause_key=str(uuid4()))


def redact(exc: BaseException) -> Exception:
    """Return the exception that Prefect may store in place of *exc*; log *exc* to standard error."""
    if isinstance(exc, (FindingsOpen, StepFailed)):
        return type(exc)(*exc.args)
    if isinstance(exc, QuestionsOpen):
        return QuestionsOpen([question for question in exc.questions if _OURS.fullmatch(question)])
    if isinstance(exc, CaseNotDue):
        return CaseNotDue("not due yet", exc.remedy)
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
    """Return class and place, `KeyError at casework/truth/rows.py:41`; *with_text* adds the text of our own errors only."""
    name = type(exc).__name__
    if isinstance(exc, BaseExceptionGroup):
        name += f"({', '.join(sorted({type(member).__name__ for member in exc.exceptions}))})"
    if with_text and isinstance(exc, (CaseworkError, ConnectorError)):
        name += f" ({exc})"
    frames = traceback.extract_tb(exc.__traceback__)
    return f"{name} at {'/'.join(Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno}" if frames else name
