"""The fixtures of the terminal's tests."""

from tests.terminal_house import house, migrated

__all__ = ["house", "migrated"]
