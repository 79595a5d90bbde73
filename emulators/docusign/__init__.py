"""An emulated DocuSign account, its answers held to the models of docusign-esign."""

from emulators.docusign.tenant import Tenant

__all__ = ["Tenant"]
