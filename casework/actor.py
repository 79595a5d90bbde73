"""Who acts: a person at a terminal, somebody of whom only a name is known, or casework itself."""

from __future__ import annotations

import getpass
import os
import platform

from models.actor import UNAUTHENTICATED, Actor

__all__ = ["UNAUTHENTICATED", "Actor", "actor_of", "at_terminal", "itself", "os_user"]


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
