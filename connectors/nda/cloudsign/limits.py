"""How much CloudSign takes: one limit for all calls with a token, beyond which it takes none for a minute."""

from __future__ import annotations

from datetime import timedelta

from connectors.kit.limits import Limit

CALLS = "calls"
LIMITS = (Limit(CALLS, 800, "help.cloudsign.jp/ja/articles/2681259"),)
BLOCKED = timedelta(minutes=1)
"""How long it takes none: the vendor names no time in its answer."""
