"""The stand-in's settings: it answers nobody."""

from __future__ import annotations

from types import SimpleNamespace


def read_settings() -> SimpleNamespace:
    return SimpleNamespace(health_address="")
