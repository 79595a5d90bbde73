"""The search language of `users.list`: clauses joined by spaces; all must match."""

from __future__ import annotations

import re
from collections.abc import Callable

from emulators.google_workspace.errors import invalid
from emulators.google_workspace.state import User

_CLAUSE = re.compile(
    r"\s*(?P<field>\w+)(?P<operator>[=:])(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>[^\s'\"]+))(?=\s|$)"
)

_TEXTS: dict[str, Callable[[User], list[str]]] = {
    "email": lambda user: [user.email, *user.aliases],
    "name": lambda user: [f"{user.given} {user.family}"],
    "givenName": lambda user: [user.given],
    "familyName": lambda user: [user.family],
    "externalId": lambda user: [user.employee_no] if user.employee_no else [],
}
_FLAGS: dict[str, Callable[[User], bool]] = {
    "isAdmin": lambda user: user.is_admin,
    "isDelegatedAdmin": lambda user: user.is_delegated_admin,
    "isSuspended": lambda user: user.suspended,
    "isArchived": lambda user: user.archived,
}


def matcher(query: str) -> Callable[[User], bool]:
    """Return the test for *query*; raises `VendorRefusal` for anything that the language does not have."""
    clauses: list[Callable[[User], bool]] = []
    at = 0
    while at < len(query.rstrip()):
        found = _CLAUSE.match(query, at)
        if found is None:
            raise invalid("query")
        quoted = found["quoted"]
        value = found["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        clauses.append(_clause(found["field"], found["operator"], value))
        at = found.end()
    return lambda user: all(clause(user) for clause in clauses)


def _clause(field: str, operator: str, value: str) -> Callable[[User], bool]:
    if field in _FLAGS:
        if operator != "=" or value not in {"true", "false"}:
            raise invalid("query")
        return lambda user: _FLAGS[field](user) is (value == "true")
    if field not in _TEXTS:
        raise invalid("query")
    if operator == "=":
        return lambda user: any(text.casefold() == value.casefold() for text in _TEXTS[field](user))
    if value.endswith("*"):
        prefix = value[:-1].casefold()
        return lambda user: any(word.startswith(prefix) for text in _TEXTS[field](user) for word in _words(text))
    return lambda user: any(_within(_words(value), _words(text)) for text in _TEXTS[field](user))


def _words(text: str) -> list[str]:
    return text.casefold().split()


def _within(needle: list[str], hay: list[str]) -> bool:
    """Whole words, in order."""
    return any(hay[n : n + len(needle)] == needle for n in range(len(hay) - len(needle) + 1))
