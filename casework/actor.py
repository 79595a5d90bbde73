"""Who acts, as a sealed payload tells it."""

from __future__ import annotations

import getpass
import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

TERMINAL = "terminal"
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


def at_terminal(subject: str) -> Actor:
    """Return the person who typed *subject*, or left it out, at this machine: nobody has made sure who that is."""
    return Actor(TERMINAL, subject, UNAUTHENTICATED, host=platform.node(), os_user=os_user())


def actor_of(by: Actor | str) -> Actor:
    """Return *by* as an actor; a mere name is one that nobody has made sure of."""
    return by if isinstance(by, Actor) else Actor("lastday", by, UNAUTHENTICATED)


def os_user() -> str:
    """Return the account's name on this machine, its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
