"""Google Workspace: accounts, sign-in, sessions, passwords, grants, roles and groups through the Admin SDK."""

from connectors.google_workspace.connector import GoogleWorkspaceConnector, connect
from connectors.google_workspace.manifest import MANIFEST
from connectors.google_workspace.settings import Settings

__all__ = ["MANIFEST", "GoogleWorkspaceConnector", "Settings", "connect"]
