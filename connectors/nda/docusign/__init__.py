"""DocuSign's eSignature API, through docusign-esign."""

from connectors.nda.docusign.register import DocuSignRegister, connect
from connectors.nda.docusign.settings import Settings

__all__ = ["DocuSignRegister", "Settings", "connect"]
