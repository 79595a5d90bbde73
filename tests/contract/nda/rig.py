"""What the contract tests need from each register of papers: it, on the same company's papers, and the truth about it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from connectors.kit.pacing import Pace
from connectors.nda.contract import Register
from emulators.fault_proxy import FaultProxy


async def _at_once(_: float) -> None:
    """Wait for nothing: limits are kept by clocks that tests turn themselves."""
    await asyncio.sleep(0)


FAST = Pace(tries=3, base=0.0, longest=0.05, sleep=_at_once)
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@dataclass(frozen=True, slots=True)
class Rig:
    """
    One register under test, on the papers of `emulators.pledges`.

    *stage* is None for a register without a socket.  *delivered()* lists what reached a signer: (paper, address), or the
    outbox's files.  *answer(paper_id, decline)* lets the signer of a sent pledge sign or decline.  *break_down()* makes the register
    unreachable.
    """

    name: str
    register: Register
    stage: FaultProxy | None
    tenant: Any
    delivered: Callable[[], list[tuple[str, str]]]
    answer: Callable[[str, bool], None]
    break_down: Callable[[], None]


class Rigging(Protocol):
    """Builds a fresh rig in a directory: `async with rig(tmp_path, page_size=1) as r`."""

    def __call__(self, directory: Path, **options: Any) -> AbstractAsyncContextManager[Rig]: ...


def rigging(name: str) -> Rigging:
    """Return the register's rig: one file each."""
    build: Rigging = importlib.import_module(f"tests.contract.nda.rig_{name}").rig
    return build
