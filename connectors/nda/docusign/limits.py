"""How much DocuSign takes of all programs of one account: in an hour, and in thirty seconds (200 where developers try)."""

from __future__ import annotations

from connectors.kit.limits import Limit

HOUR, BURST = "hour", "burst"
_SOURCE = "developers.docusign.com/platform/resource-limits"
LIMITS = (Limit(HOUR, 50, _SOURCE, within=3600), Limit(BURST, 1000, _SOURCE, within=30))
