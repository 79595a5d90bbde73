"""CloudSign's rate limit, for all calls with a token; beyond it CloudSign refuses calls for a minute."""

from __future__ import annotations

from datetime import timedelta

from connectors.kit.limits import Limit

CALLS = "calls"
LIMITS = (Limit(CALLS, 800, "help.cloudsign.jp/ja/articles/2681259"),)
BLOCKED = timedelta(minutes=1)
"""How long it refuses calls (the page above); its answer does not say."""
