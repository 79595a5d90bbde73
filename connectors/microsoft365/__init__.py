"""Microsoft 365: Entra ID accounts, through Microsoft Graph v1.0 and Microsoft's own SDK."""

from connectors.microsoft365.connector import Microsoft365Connector, connect
from connectors.microsoft365.manifest import MANIFEST
from connectors.microsoft365.settings import Settings

__all__ = ["MANIFEST", "Microsoft365Connector", "Settings", "connect"]
