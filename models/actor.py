"""Who acts: one value, kept with what was decided and sealed with it."""

from __future__ import annotations

import getpass
import os
import platform
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any

from models.kanji import usual_forms

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
        """
        Whether both may be one person: one subject of one issuer, unless nobody has made sure of either name.

        Such a name is whatever a person may have typed for it, the local part alone included.  Two full addresses are two people.
        """
        if UNAUTHENTICATED in {self.authenticated_by, other.authenticated_by}:
            (ours, *places), (theirs, *others) = _parts(self.subject), _parts(other.subject)
            return ours == theirs and all(a == b or not a or not b for a, b in zip(places, others, strict=True))
        same_issuer = self.issuer.strip().casefold() == other.issuer.strip().casefold()
        return same_issuer and self.subject.strip().casefold() == other.subject.strip().casefold()


def _parts(name: str) -> tuple[str, str, str]:
    r"""
    Return the local part and the domains of `LOCAL@DOMAIN` and `DOMAIN\LOCAL`: no width, case, blanks or what is not seen, and
    each kanji in its usual form.
    """
    seen = "".join(c for c in name if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", usual_forms(seen).casefold())
    windows, _, address = "".join(folded.split()).rpartition("\\")
    local, _, domain = address.partition("@")
    return local, domain, windows


NOBODY = Actor("", "", "")
"""In the place of somebody whose name was erased."""


def at_terminal(subject: str) -> Actor:
    """Return the person who typed *subject*, or left it out, at this machine: nobody has made sure who that is."""
    return Actor("terminal", subject, UNAUTHENTICATED, host=platform.node(), os_user=os_user())


def actor_of(by: Actor | str) -> Actor:
    """Return *by* as an actor; a mere name is one that nobody has made sure of."""
    return by if isinstance(by, Actor) else Actor("lastday", by, UNAUTHENTICATED)


def itself(component: str) -> Actor:
    """Return casework as the one who acts: *component* as the trail's leaves name it."""
    return Actor("lastday", component, "process")


def os_user() -> str:
    """Return the account's name on this machine, its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
