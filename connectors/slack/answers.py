"""Whether an answer of Slack's is a success, and its error code if it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.errors import Unintelligible
from connectors.kit.answers import rows_of
from connectors.kit.exchange import Reply, Row
from models.vocabulary import Evidence

Judgement = tuple[bool, str | None]
"""Whether it is a success, and Slack's code in it if it is not."""

_ID = re.compile(r"[UW][A-Z0-9]{2,}")
_WORD = re.compile(r"[A-Za-z0-9_.]{1,80}")
_SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """A success, or (*code*) a refusal that the caller expects.  *body* is {} if there is none."""

    body: Row
    headers: Mapping[str, str]
    code: str | None = None
    evidence: tuple[Evidence, ...] = ()

    def rows(self, key: str) -> list[Row]:
        """Return the list of objects under *key*; raises `Unintelligible` if it is not one."""
        return rows_of("slack", self.body.get(key), key, self.evidence)

    def part(self, key: str, wanted_id: str) -> Row:
        """Return the object under *key* (the whole body for ""); raises `Unintelligible` if its id is not *wanted_id*."""
        found = self.body if not key else self.body.get(key)
        if not isinstance(found, dict) or found.get("id") != wanted_id:
            raise Unintelligible(f"slack: cannot read an answer: not about {wanted_id}", evidence=self.evidence)
        return found


def check_id(user_id: str) -> str:
    """Return *user_id*; raises `Unintelligible` unless it has the form of Slack's ids, since paths take it unescaped."""
    if _ID.fullmatch(user_id) is None:
        raise Unintelligible("slack: cannot use an account id: it has not the form of Slack's")
    return user_id


def of_web(reply: Reply) -> Judgement:
    """Judge an answer of the Web API, which refuses with status 200 too."""
    body = reply.body or {}
    return (True, None) if reply.status == 200 and body.get("ok") is True else (False, _word(body.get("error")))


def of_audit(reply: Reply) -> Judgement:
    """Judge an answer of the Audit Logs, whose successes have no `ok`."""
    body = reply.body or {}
    success = reply.status == 200 and isinstance(body.get("entries"), list)
    return success, None if success else _word(body.get("error"))


def of_scim(reply: Reply) -> Judgement:
    """Judge an answer of SCIM, with any status and in both versions' shapes: version 2 refuses a bad token in version 1's."""
    success = 200 <= reply.status < 300
    if success and not reply.content.strip():
        return True, None
    if (body := reply.body) is None:
        return False, None
    old, schemas = body.get("Errors"), body.get("schemas")
    first = old[0] if isinstance(old, list) and old else old
    if isinstance(first, dict):
        return False, _word(first.get("description"))
    if not success or _SCIM_ERROR in (schemas if isinstance(schemas, list) else [schemas]):
        return False, _word(body.get("detail") or body.get("error"))
    return True, None


def _word(code: object) -> str | None:
    """Return *code* if it has the form of a code; a longer text may hold what does not belong in a log."""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else None
