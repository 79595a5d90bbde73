"""A folder (or a mounted bucket) of signed papers with a manifest."""

from connectors.nda.folder.register import FolderRegister, connect
from connectors.nda.settings import Settings

__all__ = ["FolderRegister", "Settings", "connect"]
