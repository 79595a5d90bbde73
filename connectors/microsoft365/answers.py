"""Checking answers, and reading the vendor's codes.  Messages are not read: Microsoft changes them."""

from __future__ import annotations

import re

import httpx

from connectors.errors import Unintelligible
from connectors.kit.answers import need, rows_of
from connectors.kit.exchange import Reply, Row, Trace

WHO = "microsoft365"


def graph_code(reply: Reply) -> str | None:
    """Return Graph's error code, unchanged.  A redirect has none."""
    error = None if reply.is_redirect else (reply.body or {}).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def entra_code(reply: Reply) -> str | None:
    """Return `AADSTS…` from Entra's refusal of a token, else OAuth's error code.  A redirect has none."""
    body = {} if reply.is_redirect else reply.body or {}
    numbers, word = body.get("error_codes"), body.get("error")
    if isinstance(numbers, list) and numbers:
        return f"AADSTS{numbers[0]}"
    told = re.match(r"AADSTS\d+", str(body.get("error_description")))
    return told[0] if told is not None else word if isinstance(word, str) else None


def row_of(body: Row | None, trace: Trace) -> Row:
    if body is None:
        raise Unintelligible(f"{WHO}: cannot read: the answer is empty", evidence=trace)
    return body


def page_rows(body: Row, trace: Trace) -> list[Row]:
    return rows_of(WHO, body.get("value"), "value", trace)


def own(rows: list[Row], principal: str, trace: Trace) -> list[Row]:
    """Return *rows*; raises `Unintelligible` if one is not of *principal*.  Ids are compared without case."""
    for row in rows:
        if need(WHO, row, "principalId", str).casefold() != principal.casefold():
            text = f"{WHO}: cannot list for {principal}: another one's came"
            raise Unintelligible(text, evidence=trace)
    return rows


def address_at(endpoint: str, link: object) -> str | None:
    """Return *link* as an absolute address; None unless it has *endpoint*'s scheme, host and port."""
    if not isinstance(link, str) or not link:
        return None
    ours = httpx.URL(f"{endpoint}/")
    try:
        theirs = httpx.URL(link)
        if theirs.is_relative_url:
            theirs = ours.join(theirs)
            link = str(theirs)
    except httpx.InvalidURL:
        return None
    return link if (theirs.scheme, theirs.host, theirs.port) == (ours.scheme, ours.host, ours.port) else None
