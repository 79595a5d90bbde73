"""The twelve attacks, the operator's own included."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.verify import verify
from tests.audit.attacks import ATTACKS, attacked
from tests.audit.house import House, exported

Sound = tuple[House, Path, Path]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return exported(tmp_path_factory.mktemp("sound"))


class TestAttack:
    @pytest.mark.parametrize("name", ATTACKS)
    def test_noticed(self, name: str, sound: Sound, tmp_path: Path) -> None:
        """Each attack is noticed by every step that is named for it, even where another step has noticed it before."""
        house, bundle, trust = sound
        began = house.clock()
        report = verify(attacked(house, bundle, name, tmp_path / "attacked"), trust)
        house.clock.now = began
        assert ATTACKS[name].steps <= {fault.step for fault in report.faults}

    def test_there_are_twelve(self) -> None:
        """None of the design's attacks is left out."""
        assert len(ATTACKS) == 12
