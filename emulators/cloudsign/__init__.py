"""An emulated team of CloudSign, from its Web API's specification (0.31.0)."""

from emulators.cloudsign.tenant import CLIENT_ID, Tenant

__all__ = ["CLIENT_ID", "Tenant"]
