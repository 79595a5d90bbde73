"""DocuSign's rate limits for all programs of one account: by the hour, and in thirty seconds (200 for developers' accounts)."""

from __future__ import annotations

from connectors.kit.limits import Limit

HOUR, BURST = "hour", "burst"
_SOURCE = "developers.docusign.com/platform/resource-limits"
LIMITS = (Limit(HOUR, 50, _SOURCE, within=3600), Limit(BURST, 1000, _SOURCE, within=30))
