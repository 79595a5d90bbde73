"""Google Workspace, emulated: Directory, Reports (activities) and the token endpoint, over one company's tenant."""

from emulators.google_workspace.tenant import SCOPES, Tenant

__all__ = ["SCOPES", "Tenant"]
