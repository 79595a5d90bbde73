"""
The part of OData that Graph's directory answers: `$filter` for users, `$select`, and the rules of advanced queries.

What is not here is refused as Graph refuses it, with the directory's own codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from emulators.microsoft365.errors import bad, malformed, unsupported

Row: TypeAlias = "dict[str, Any]"
Predicate: TypeAlias = "Callable[[Row], bool]"

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][A-Za-z0-9_/]*)|(?P<mark>[(),:]))")
_ADVANCED = {"ne", "endsWith", "not"}
MOST_CLAUSES = 15

_TEXT = frozenset({"eq", "ne", "ge", "le", "in", "startsWith", "endsWith"})
USERS: Mapping[str, frozenset[str]] = {
    "id": frozenset({"eq", "in"}),
    "userPrincipalName": _TEXT,
    "mail": _TEXT,
    "displayName": _TEXT - {"endsWith"},
    "givenName": _TEXT - {"endsWith"},
    "surname": _TEXT - {"endsWith"},
    "employeeId": _TEXT - {"endsWith"},
    "userType": frozenset({"eq", "ne", "in"}),
    "accountEnabled": frozenset({"eq", "ne", "in"}),
    "proxyAddresses": frozenset({"eq", "startsWith"}),
    "otherMails": frozenset({"eq", "startsWith"}),
}
LISTS = frozenset({"proxyAddresses", "otherMails"})
PRINCIPALS: Mapping[str, frozenset[str]] = {
    name: frozenset({"eq"}) for name in ("principalId", "roleDefinitionId", "consentType", "clientId")
}


@dataclass(slots=True)
class Filter:
    """A parsed `$filter`.  *advanced* says that it needs `ConsistencyLevel: eventual` and `$count=true`."""

    predicate: Predicate
    advanced: bool = False


def parse(text: str, properties: Mapping[str, frozenset[str]]) -> Filter:
    """Parse `$filter`; raises `VendorRefusal` for what Graph would not answer."""
    reader = _Reader(text, properties)
    predicate = reader.either()
    reader.end()
    return Filter(predicate, reader.advanced)


def select(row: Row, names: Iterable[str]) -> Row:
    """Return *row* reduced to *names*; `id` comes along as Graph lets it, unknown names are refused."""
    wanted = list(names)
    for name in wanted:
        if name not in row:
            raise malformed(f"Parsing OData Select and Expand failed: Could not find a property named '{name}'.")
    return {name: row[name] for name in row if name in wanted}


class _Reader:
    """Recursive descent over `or`, `and`, `not`, brackets, comparisons, `in`, functions and `any`."""

    def __init__(self, text: str, properties: Mapping[str, frozenset[str]]) -> None:
        self.properties = properties
        self.advanced = False
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise bad("Invalid filter clause")
            self.tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
            at = found.end()

    def peek(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def take(self, expected: str | None = None) -> str:
        if not self.tokens or (expected is not None and self.peek() != expected):
            raise bad("Invalid filter clause")
        return self.tokens.pop(0)[1]

    def end(self) -> None:
        if self.tokens:
            raise bad("Invalid filter clause")

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.peek() == "or":
            self.take()
            parts.append(self.both())
        _bounded(len(parts))
        return lambda row: any(part(row) for part in parts)

    def both(self) -> Predicate:
        parts = [self.one()]
        while self.peek() == "and":
            self.take()
            parts.append(self.one())
        return lambda row: all(part(row) for part in parts)

    def one(self) -> Predicate:
        word = self.peek()
        if word == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        if word == "not":
            self.take()
            self.advanced = True
            negated = self.one()
            return lambda row: not negated(row)
        if word in {"startsWith", "endsWith", "startswith", "endswith"}:
            return self.function()
        if word.endswith("/any"):
            return self.any_of()
        return self.comparison()

    def function(self) -> Predicate:
        operator = {"startswith": "startsWith", "endswith": "endsWith"}.get(self.peek(), self.peek())
        self.take()
        self.take("(")
        name = self.take()
        self.take(",")
        value = self.value()
        self.take(")")
        self.check(name, operator)
        return lambda row: _compare(operator, row.get(name), value)

    def any_of(self) -> Predicate:
        name = self.take().removesuffix("/any")
        if name not in LISTS:
            raise unsupported(f"Unsupported or invalid query filter clause specified for property '{name}'.")
        self.take("(")
        variable = self.take()
        self.take(":")
        function = self.peek() in {"startsWith", "startswith"}
        if function:
            self.take()
            self.take("(")
            self.take(variable)
            self.take(",")
            operator, value = "startsWith", self.value()
            self.take(")")
        else:
            self.take(variable)
            operator, value = self.take(), self.value()
        self.take(")")
        self.check(name, operator)
        return lambda row: any(_compare(operator, item, value, exact=True) for item in row.get(name) or [])

    def comparison(self) -> Predicate:
        name, operator = self.take(), self.take()
        self.check(name, operator)
        if name in LISTS:
            raise unsupported(f"Unsupported or invalid query filter clause specified for property '{name}'.")
        if operator != "in":
            value = self.value()
            return lambda row: _compare(operator, row.get(name), value)
        self.take("(")
        values = [self.value()]
        while self.peek() == ",":
            self.take()
            values.append(self.value())
        self.take(")")
        _bounded(len(values))
        return lambda row: any(_compare("eq", row.get(name), value) for value in values)

    def value(self) -> Any:
        if not self.tokens:
            raise bad("Invalid filter clause")
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if text in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[text]
        raise bad("Invalid filter clause")

    def check(self, name: str, operator: str) -> None:
        if name not in self.properties:
            raise bad(f"Invalid filter clause: Could not find a property named '{name}'.")
        if operator not in self.properties[name]:
            raise unsupported(f"Unsupported or invalid query filter clause specified for property '{name}'.")
        self.advanced = self.advanced or operator in _ADVANCED


def _bounded(clauses: int) -> None:
    if clauses > MOST_CLAUSES:
        raise bad(
            "Too many child clauses specified in search filter expression containing 'OR' operators: "
            f"{clauses}. Max allowed: {MOST_CLAUSES}."
        )


def _compare(operator: str, held: Any, asked: Any, *, exact: bool = False) -> bool:
    """Compare as the directory does: text without regard to case, except inside address lists (*exact*)."""
    if isinstance(held, str) and isinstance(asked, str) and not exact:
        held, asked = held.casefold(), asked.casefold()
    if operator in {"eq", "ne"}:
        return (held == asked) is (operator == "eq")
    if not isinstance(held, str) or not isinstance(asked, str):
        return False
    return {
        "ge": held >= asked,
        "le": held <= asked,
        "startsWith": held.startswith(asked),
        "endsWith": held.endswith(asked),
    }[operator]
