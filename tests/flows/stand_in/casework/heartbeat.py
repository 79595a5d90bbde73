"""The stand-in's processes give no sign of life."""

from __future__ import annotations

PERIOD = 5.0


class HeartbeatWriter:
    def __init__(self, context: object, role: str) -> None: ...

    def begins(self, turn: str) -> None: ...

    def ended(self, turn: str, *, well: bool) -> None: ...

    def beat(self) -> None: ...

    def stop(self) -> None: ...
