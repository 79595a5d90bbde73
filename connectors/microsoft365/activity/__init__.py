"""What an account did, out of this tenant's own logs."""

from connectors.microsoft365.activity.log import Activities
from connectors.microsoft365.activity.sources import SOURCES

__all__ = ["SOURCES", "Activities"]
