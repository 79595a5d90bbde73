"""Partial answers: the `fields` parameter, `a,b(c,d),e/f`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from emulators.google_workspace.errors import VendorRefusal

Mask: TypeAlias = "dict[str, Mask]"


def parse(text: str) -> Mask:
    """Return the tree of a mask; raises `VendorRefusal` if it is not one."""
    tokens = re.findall(r"[\w*]+|[(),/]", text)
    if "".join(tokens) != re.sub(r"\s", "", text) or not tokens:
        raise _wrong(text)
    mask, rest = _several(tokens)
    if rest:
        raise _wrong(text)
    return mask


def _several(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while tokens and tokens[0] != ")":
        name, tokens = tokens[0], tokens[1:]
        if tokens and tokens[0] == "/":
            inner, tokens = _several_once(tokens[1:])
            mask[name] = inner
        elif tokens and tokens[0] == "(":
            mask[name], tokens = _several(tokens[1:])
            if not tokens:
                raise _wrong(name)
            tokens = tokens[1:]
        else:
            mask[name] = {}
        if tokens and tokens[0] == ",":
            tokens = tokens[1:]
    return mask, tokens


def _several_once(tokens: list[str]) -> tuple[Mask, list[str]]:
    """Read one name after a slash."""
    end = next((n for n, token in enumerate(tokens) if token in {",", ")"}), len(tokens))
    mask, _ = _several(tokens[:end])
    return mask, tokens[end:]


def check(mask: Mask, schema: str, schemas: Mapping[str, Any]) -> None:
    """Raise `VendorRefusal` for a name that the answer's schema does not have."""
    _check(mask, {"$ref": schema}, schemas)


def _check(mask: Mask, rule: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    if "$ref" in rule:
        rule = schemas[rule["$ref"]]
    if rule.get("type") == "array":
        _check(mask, rule["items"], schemas)
        return
    if "properties" not in rule:
        return
    for name, inner in mask.items():
        if name == "*":
            continue
        if name not in rule["properties"]:
            raise _wrong(name)
        _check(inner, rule["properties"][name], schemas)


def apply(mask: Mask, value: Any) -> Any:
    """Return *value* with only the fields that *mask* names; an empty mask keeps all."""
    if isinstance(value, list):
        return [apply(mask, item) for item in value]
    if not mask or "*" in mask or not isinstance(value, dict):
        return value
    return {key: apply(mask[key], item) for key, item in value.items() if key in mask}


def _wrong(text: str) -> VendorRefusal:
    return VendorRefusal(400, "invalidParameter", f"Invalid field selection {text}")
