"""What the Reports API tells of an account: `collecting` fetches it, `describing` reads it."""

from connectors.google_workspace.activity.collecting import Collector
from connectors.google_workspace.activity.describing import describe
from connectors.google_workspace.activity.rate import Rate
from connectors.google_workspace.activity.sources import SOURCES

__all__ = ["SOURCES", "Collector", "Rate", "describe"]
