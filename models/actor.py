"""The actor: who acts, stored and sealed with each decision."""

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
    *subject*: the name that *issuer* gives the person; *authenticated_by*: how it was verified.  *role*: the role held then.

    *host* and *os_user*: the machine's name and the account on it; only for a terminal.
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
        """The actor in a sealed payload's form: personal data, never for a leaf."""
        return asdict(self)

    def may_be(self, other: Actor) -> bool:
        """
        Whether both may be one person: the same subject of the same issuer, or, if one of the names is unverified, similar names.

        An unverified name may be typed in any form, the local part alone included.  Two different full addresses are two people.
        """
        if UNAUTHENTICATED in {self.authenticated_by, other.authenticated_by}:
            (ours, *places), (theirs, *others) = _parts(self.subject), _parts(other.subject)
            return ours == theirs and all(a == b or not a or not b for a, b in zip(places, others, strict=True))
        same_issuer = self.issuer.strip().casefold() == other.issuer.strip().casefold()
        return same_issuer and self.subject.strip().casefold() == other.subject.strip().casefold()


def _parts(name: str) -> tuple[str, str, str]:
    r"""
    Return the local part and the domains of `LOCAL@DOMAIN` and `DOMAIN\LOCAL`, folded: width, case, blanks and invisible
    characters removed, each kanji in its usual form.
    """
    seen = "".join(c for c in name if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", usual_forms(seen).casefold())
    windows, _, address = "".join(folded.split()).rpartition("\\")
    local, _, domain = address.partition("@")
    return local, domain, windows


NOBODY = Actor("", "", "")
"""The actor in place of one whose name was erased."""


def at_terminal(subject: str) -> Actor:
    """Return the person at this machine's terminal, unauthenticated.  *subject*: the name as typed, or empty."""
    return Actor("terminal", subject, UNAUTHENTICATED, host=platform.node(), os_user=os_user())


def actor_of(by: Actor | str) -> Actor:
    """Return *by* as an actor; a mere name is unauthenticated."""
    return by if isinstance(by, Actor) else Actor("lastday", by, UNAUTHENTICATED)


def itself(component: str) -> Actor:
    """Return casework itself as the actor.  *component*: its name in the trail's leaves."""
    return Actor("lastday", component, "process")


def os_user() -> str:
    """Return the name of this process's account on this machine, its number if it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
