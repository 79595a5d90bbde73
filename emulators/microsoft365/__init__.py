"""Enough of Entra and Microsoft Graph v1.0 to rehearse a departure.  Knows nothing of ours."""

from emulators.microsoft365.purview_history import AuditOptions
from emulators.microsoft365.tenant import Credentials, Tenant

__all__ = ["AuditOptions", "Credentials", "Tenant"]
