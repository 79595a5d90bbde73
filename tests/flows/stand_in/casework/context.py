"""
A casework that misbehaves on purpose: its cases are files, and its errors are full of personal data.

The flows' processes import it in place of the real one.  Each case is `<case>.json` in `LASTDAY_STAND_IN`; its "story"
says how it goes.  `journal` has a line for each step taken.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from models.vocabulary import ConnectionId, Service

ROOM = Path(os.environ.get("LASTDAY_STAND_IN", "."))


class Store:
    """There is no database to wait for."""

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)


@dataclass
class Context:
    store: Store = field(default_factory=Store)
    connectors: dict[ConnectionId, object] = field(default_factory=lambda: dict.fromkeys(Service))

    def name(self, prefix: str) -> str:
        return f"{prefix}-{time.monotonic_ns():x}"

    def now(self) -> datetime:
        return datetime.now(UTC)

    def case(self, case_id: str) -> Any:
        return SimpleNamespace(for_real=True, state=None)


def read(case_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOM / f"{case_id}.json").read_text())
    return found


def change(case_id: str, **values: Any) -> None:
    path = ROOM / f"{case_id}.json"
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(read(case_id) | values))
    fresh.replace(path)


def note(case_id: str, step: str) -> None:
    with (ROOM / "journal").open("a") as journal:
        journal.write(json.dumps({"case": case_id, "step": step, "at": time.time()}) + "\n")


def ids() -> list[str]:
    return sorted(path.stem for path in ROOM.glob("case-*.json"))
