"""
A commitment to a person: what ties notices, cases and HR's own list together without naming anybody.

The digest stands in the leaf for ever, the salt in the payload: once that is erased, the digest says nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import date

import rfc8785


@dataclass(frozen=True, slots=True)
class Commitment:
    """*sha256* for the leaf, *salt* for the payload."""

    sha256: str
    salt: str


def employee_key(employee_no: str) -> str:
    """Fold an employee number for comparing: width, case and surrounding space."""
    return unicodedata.normalize("NFKC", employee_no).strip().casefold()


def commit(*, company: str, employee_no: str, name: str, day: date) -> Commitment:
    """Commit to one person's last day, under a fresh salt."""
    salt = secrets.token_hex(32)
    return Commitment(digest(salt, company=company, employee_no=employee_no, name=name, day=day), salt)


def digest(salt: str, *, company: str, employee_no: str, name: str, day: date) -> str:
    """Return the SHA-256 over canonical JSON (RFC 8785): five strings, number and name folded: whoever has all five opens a commitment."""
    plain = " ".join(unicodedata.normalize("NFKC", name).split())
    said = {"salt": salt, "company": company, "employee_no": employee_key(employee_no), "name": plain, "day": str(day)}
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()
