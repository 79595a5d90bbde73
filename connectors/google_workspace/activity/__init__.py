"""What the Reports API tells of an account: `collecting` fetches it, `describing` reads it."""

from connectors.google_workspace.activity.collecting import A_MINUTE, AT_ONCE, Collector
from connectors.google_workspace.activity.describing import describe
from connectors.google_workspace.activity.records import record
from connectors.google_workspace.activity.sources import SOURCES

__all__ = ["AT_ONCE", "A_MINUTE", "SOURCES", "Collector", "describe", "record"]
