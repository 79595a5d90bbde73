"""What an answer of Slack's says: a success, or which of the vendor's refusals."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import Unintelligible
from connectors.slack.exchange import Reply
from models.vocabulary import Evidence

Reading = tuple[dict[str, Any] | None, str | None]
"""The body, None if it is no JSON object, and the vendor's code, None for a success."""

NAMELESS = "http_"
"""Before a status, where an answer has no word of Slack's."""

_ID = re.compile(r"[UW][A-Z0-9]{2,}")
_SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True, slots=True)
class Answer:
    """A success, or (*code*) one of the refusals that the caller said it expects.  *body* is {} where there is none."""

    body: dict[str, Any]
    headers: Mapping[str, str]
    code: str | None = None
    evidence: tuple[Evidence, ...] = ()

    def rows(self, key: str) -> list[dict[str, Any]]:
        """Return the list of objects under *key*; raises `Unintelligible` if it is not one."""
        found = self.body.get(key)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Unintelligible(f"slack: cannot read an answer: no list of {key}", evidence=self.evidence)
        return found

    def part(self, key: str, wanted_id: str) -> dict[str, Any]:
        """Return the object under *key* (the whole for ""), provided that it is the one asked for."""
        found = self.body if not key else self.body.get(key)
        if not isinstance(found, dict) or found.get("id") != wanted_id:
            raise Unintelligible(f"slack: cannot read an answer: not about {wanted_id}", evidence=self.evidence)
        return found


@contextlib.contextmanager
def understood(trace: Sequence[Evidence]) -> Iterator[None]:
    """Turn a stumble over an answer's shape, a text where an object belongs, into `Unintelligible`."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        told = f"slack: cannot read an answer: {type(error).__name__} over its shape"
        raise Unintelligible(told, evidence=tuple(trace)) from error


def check_id(user_id: str) -> str:
    """Return *user_id*; raises `Unintelligible` unless it is one of Slack's, since it goes into paths as it is."""
    if _ID.fullmatch(user_id) is None:
        raise Unintelligible("slack: cannot use an account id: it has not the form of Slack's")
    return user_id


def scopes(text: object) -> str | None:
    """Return scopes as Slack lists them, separated by commas, if they look like scopes."""
    return text if isinstance(text, str) and re.fullmatch(r"[a-z_.:,]{1,200}", text) else None


def read_web(reply: Reply) -> Reading:
    body = reply.json()
    if body is None:
        return None, None
    if reply.status == 200 and body.get("ok") is True:
        return body, None
    return body, body["error"] if isinstance(body.get("error"), str) else f"{NAMELESS}{reply.status}"


def read_scim(reply: Reply) -> Reading:
    """Read both versions' shapes of error: version 2 answers a bad token in version 1's, whatever the status."""
    done = 200 <= reply.status < 300
    if done and not reply.raw.strip():
        return {}, None
    body = reply.json()
    if body is None:
        return None, None
    old = body.get("Errors")
    first = old[0] if isinstance(old, list) and old else old
    if isinstance(first, dict):
        return body, str(first.get("description"))
    if not done or _SCIM_ERROR in _listed(body.get("schemas")):
        told = body.get("detail") or body.get("error")
        return body, told if isinstance(told, str) else f"{NAMELESS}{reply.status}"
    return body, None


def _listed(schemas: object) -> list[object]:
    return schemas if isinstance(schemas, list) else [schemas]


def read_audit(reply: Reply) -> Reading:
    body = reply.json()
    if body is None:
        return None, None
    if reply.status == 200 and isinstance(body.get("entries"), list):
        return body, None
    return body, body["error"] if isinstance(body.get("error"), str) else f"{NAMELESS}{reply.status}"
