"""One production for all faults, since it costs its start; it is repaired after each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from tests.chaos.opening import production
from tests.chaos.production import Production
from tests.conftest import FAULT

BUSY = 4.0
"""How many times a figure a loaded machine may take; the table shows the figure beside what was taken."""
Record: TypeAlias = Callable[..., None]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    with production(tmp_path_factory.mktemp("production")) as made:
        hidden = ("--tenant", "--service", "slack", "--kind", "grant", "--until", "2027-03-31", "--reason", "no API")
        made.lastday("approve", made.lastday("waive", *hidden, "--as", "taro")["waiver"], "--as", "hanako")
        yield made
        assert made.lastday("trail", "check")["sound"]


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Return what writes a line of the table: the fault, seconds until the last block and until all was well, what was lost."""

    def write(fault: str, blocked: float | None, closed: float | None, lost: int, figure: str = "") -> None:
        cells = (fault, _seconds(blocked) + figure, _seconds(closed), str(lost))
        record_property(FAULT, cells)

    return write


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s" if seconds > 0 else "before it"
