"""Ask all witnesses of a policy at once to cosign a head.  A witness that answers too late cosigns the next anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import httpx

from audit.checkpoint import Checkpoint
from audit.note import Line
from audit.policy import Witness
from audit.witness import EpochBefore, ForkSeen, Prove, WitnessAhead, WitnessClient, WitnessFailed


@dataclass(frozen=True, slots=True)
class Submission:
    """
    A signed head for the witnesses.  *old*: the size that we believe they signed last.  *lost*: returns whether a gap that the
    log records explains a head of this size.
    """

    head: Checkpoint
    signed: bytes
    old: int
    prove: Prove
    lost: Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Cosignatures:
    """The cosignatures that came in time, in the policy's order, and why the others did not."""

    lines: tuple[Line, ...]
    problems: tuple[str, ...]


def gather(client: httpx.Client, witnesses: Iterable[Witness], submission: Submission, patience: float) -> Cosignatures:
    """
    Ask every witness that has a URL, and wait *patience* seconds for all of them together.

    Raises `ForkSeen` or `WitnessAhead` if one witness reports it, even if the others signed.
    """
    asked = [witness for witness in witnesses if witness.url is not None]
    if not asked:
        return Cosignatures((), ())
    pool = ThreadPoolExecutor(len(asked), thread_name_prefix="witness")
    try:
        futures = {witness.name: pool.submit(_ask, client, witness, submission) for witness in asked}
        wait(futures.values(), timeout=patience)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return _sorted_out(futures)


def _ask(client: httpx.Client, witness: Witness, submission: Submission) -> list[Line]:
    s = submission
    try:
        return WitnessClient(client, witness).cosign(s.head, s.signed, s.old, s.prove)
    except (ForkSeen, WitnessAhead) as exc:
        if s.lost(exc.size):
            raise EpochBefore(witness.name, exc.size) from exc
        raise


def _sorted_out(futures: dict[str, Future[list[Line]]]) -> Cosignatures:
    lines: list[Line] = []
    problems: list[str] = []
    alarms: list[ForkSeen | WitnessAhead] = []
    for name, future in futures.items():
        if not future.done():
            problems.append(f"witness {name}: cannot cosign: no answer in time")
            continue
        try:
            lines += future.result()
        except WitnessFailed as exc:
            problems.append(str(exc))
        except (ForkSeen, WitnessAhead) as exc:
            alarms.append(exc)
    if alarms:
        raise min(alarms, key=lambda one: not isinstance(one, ForkSeen))  # a fork is the worse news
    return Cosignatures(tuple(lines), tuple(problems))
