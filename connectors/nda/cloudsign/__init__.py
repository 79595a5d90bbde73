"""CloudSign (クラウドサイン): the Japanese market's e-signature service, through its Web API."""

from connectors.nda.cloudsign.register import CloudSignRegister, connect
from connectors.nda.cloudsign.settings import Settings

__all__ = ["CloudSignRegister", "Settings", "connect"]
