"""Ask all witnesses of a policy at once to cosign a head.  A witness that answers too late cosigns the next anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import httpx

from audit.checkpoint import Checkpoint
from audit.note import SignatureLine
from audit.policy import TrustedWitness
from audit.witness import EpochRefused, ForkFound, Prove, WitnessAheadError, WitnessClient, WitnessFailed


@dataclass(frozen=True, slots=True)
class CosigningRequest:
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

    lines: tuple[SignatureLine, ...]
    problems: tuple[str, ...]


def gather(
    client: httpx.Client, witnesses: Iterable[TrustedWitness], submission: CosigningRequest, patience: float
) -> Cosignatures:
    """
    Ask every witness that has a URL, and wait *patience* seconds for all of them together.

    Raises `ForkFound` or `WitnessAheadError` if one witness reports it, even if the others signed.
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


def _ask(client: httpx.Client, witness: TrustedWitness, submission: CosigningRequest) -> list[SignatureLine]:
    s = submission
    try:
        return WitnessClient(client, witness).cosign(s.head, s.signed, s.old, s.prove)
    except (ForkFound, WitnessAheadError) as exc:
        if s.lost(exc.size):
            raise EpochRefused(witness.name, exc.size) from exc
        raise


def _sorted_out(futures: dict[str, Future[list[SignatureLine]]]) -> Cosignatures:
    lines: list[SignatureLine] = []
    problems: list[str] = []
    alarms: list[ForkFound | WitnessAheadError] = []
    for name, future in futures.items():
        if not future.done():
            problems.append(f"witness {name}: cannot cosign: no answer in time")
            continue
        try:
            lines += future.result()
        except WitnessFailed as exc:
            problems.append(str(exc))
        except (ForkFound, WitnessAheadError) as exc:
            alarms.append(exc)
    if alarms:
        raise min(alarms, key=lambda one: not isinstance(one, ForkFound))  # a fork is the worse news
    return Cosignatures(tuple(lines), tuple(problems))
