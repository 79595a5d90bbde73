"""An account's records in the Reports API: `reading` fetches them, `describing` interprets them."""

from connectors.google_workspace.activity.describing import describe
from connectors.google_workspace.activity.reading import LogReader
from connectors.google_workspace.activity.records import record
from connectors.google_workspace.activity.sources import SOURCES

__all__ = ["SOURCES", "LogReader", "describe", "record"]
