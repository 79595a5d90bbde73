"""An emulated DocuSign account; its answers are checked against the models of docusign-esign."""

from emulators.docusign.tenant import Tenant

__all__ = ["Tenant"]
