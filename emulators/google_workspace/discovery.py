"""
Google's own descriptions of its APIs, from the client's wheel: the form of requests and answers.

The emulator serves a method only with the path, the HTTP method, the parameters and the schemas of the description, so that each
request and each answer is checked.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from googleapiclient import discovery_cache

from emulators.google_workspace.errors import VendorRefusal, invalid


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one API.  *id* is the vendor's ("directory.users.get")."""

    id: str
    http_method: str
    path: re.Pattern[str]
    parameters: Mapping[str, Any]
    request: str | None
    response: str | None
    scopes: frozenset[str]
    schemas: Mapping[str, Any]

    def check_query(self, query: Mapping[str, str]) -> None:
        """Raise `VendorRefusal` for a parameter that the description does not have, or a value that it forbids."""
        for name, value in query.items():
            rule = self.parameters.get(name)
            if rule is None or rule.get("location") == "path":
                raise VendorRefusal(
                    400,
                    "badRequest",
                    f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.',
                    status="INVALID_ARGUMENT",
                )
            _check_value(name, value, rule)

    def check_body(self, body: Any) -> None:
        """Raise `VendorRefusal` for a body that the method does not take, or with fields that the schema does not have."""
        if self.request is None:
            if body is not None:
                raise invalid("this method takes no body")
            return
        faults = list(self._faults({"$ref": self.request}, body if body is not None else {}, "body"))
        if faults:
            raise VendorRefusal(
                400, "badRequest", f"Invalid JSON payload received. {faults[0]}", status="INVALID_ARGUMENT"
            )

    def check_answer(self, answer: Any) -> None:
        """Raise `AssertionError` if the emulator is about to send an answer that Google could not send."""
        if self.response is None:
            assert answer is None, f"{self.id} answers without a body"
            return
        faults = list(self._faults({"$ref": self.response}, answer, "answer"))
        assert not faults, f"{self.id}: {faults}"

    def _faults(self, rule: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
        if "$ref" in rule:
            rule = self.schemas[rule["$ref"]]
        kind = rule.get("type", "object")
        if kind == "any" or value is None:
            return
        if not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
            yield f"{where} is not of type {kind}"
        elif kind == "array":
            for n, item in enumerate(value):
                yield from self._faults(rule["items"], item, f"{where}[{n}]")
        elif kind == "object":
            yield from self._object_faults(rule, value, where)

    def _object_faults(self, rule: Mapping[str, Any], value: Mapping[str, Any], where: str) -> Iterator[str]:
        known = rule.get("properties", {})
        for key, item in value.items():
            if key in known:
                yield from self._faults(known[key], item, f"{where}.{key}")
            elif "additionalProperties" in rule:
                yield from self._faults(rule["additionalProperties"], item, f"{where}.{key}")
            else:
                yield f'Unknown name "{key}" at {where}: Cannot find field.'


_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}


def _check_value(name: str, value: str, rule: Mapping[str, Any]) -> None:
    if "enum" in rule and value not in rule["enum"]:
        raise invalid(name)
    if "pattern" in rule and not re.fullmatch(rule["pattern"], value):
        raise invalid(name)
    if rule.get("type") == "boolean" and value not in {"true", "false"}:
        raise invalid(name)
    if rule.get("type") == "integer":
        highest = int(rule.get("maximum", 2**31))
        if not value.isdigit() or not 1 <= int(value) <= highest:
            raise invalid(name)


@functools.cache
def description(api: str, version: str) -> Mapping[str, Any]:
    """Return the discovery document that ships with the client; raises `LookupError` if it does not."""
    text = discovery_cache.get_static_doc(api, version)
    if text is None:
        raise LookupError(f"{api} {version}")
    document: dict[str, Any] = json.loads(text)
    return document


@functools.cache
def operations(api: str, version: str) -> Mapping[str, Operation]:
    """Return every method of an API by the vendor's id."""
    document = description(api, version)
    return {op.id: op for op in _walk(document, document["resources"])}


def _walk(document: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterable[Operation]:
    for resource in resources.values():
        for method in resource.get("methods", {}).values():
            yield _operation(document, method)
        yield from _walk(document, resource.get("resources", {}))


def _operation(document: Mapping[str, Any], method: Mapping[str, Any]) -> Operation:
    path = re.sub(r"\\\{\+?(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape("/" + document["servicePath"] + method["path"]))
    return Operation(
        id=method["id"],
        http_method=method["httpMethod"],
        path=re.compile(path),
        parameters={**document["parameters"], **method.get("parameters", {})},
        request=method.get("request", {}).get("$ref"),
        response=method.get("response", {}).get("$ref"),
        scopes=frozenset(method.get("scopes", ())),
        schemas=document["schemas"],
    )
