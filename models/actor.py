"""Who acts: one value, kept with what was decided and sealed with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

UNAUTHENTICATED = "unauthenticated"


@dataclass(frozen=True, slots=True)
class Actor:
    """
    *subject* as *issuer* names them; *authenticated_by* says how that was made sure.  *role* is the one held then.

    *host* and *os_user* are the machine's and the account's there, known of a terminal alone.
    """

    issuer: str
    subject: str
    authenticated_by: str
    role: str | None = None
    host: str | None = None
    os_user: str | None = None

    def __str__(self) -> str:
        return self.subject

    @property
    def payload(self) -> dict[str, Any]:
        """As a sealed payload has it: personal, never for a leaf."""
        return asdict(self)

    def may_be(self, other: Actor) -> bool:
        """Whether both may be one person: one subject, of one issuer unless nobody has made sure of either name."""
        unsure = UNAUTHENTICATED in {self.authenticated_by, other.authenticated_by}
        same_issuer = unsure or self.issuer.strip().casefold() == other.issuer.strip().casefold()
        return same_issuer and self.subject.strip().casefold() == other.subject.strip().casefold()


NOBODY = Actor("", "", "")
"""In the place of somebody whose name was erased."""
