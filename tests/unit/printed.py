"""What a terminal shows, as text."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType


def printed(parts: Iterable[RenderableType], width: int = 160) -> str:
    """Return *parts* as a terminal of so many columns shows them, in one line where they stand in one."""
    console = Console(file=StringIO(), width=width)
    for part in parts:
        console.print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()
