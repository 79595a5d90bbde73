"""The stand-in's log leaves the house for nobody."""

from __future__ import annotations

from types import SimpleNamespace


def wanted() -> bool:
    return False


def anchor() -> SimpleNamespace:
    return SimpleNamespace(why="nobody asked for", made=None, finished=0, complete=True, problems=())
