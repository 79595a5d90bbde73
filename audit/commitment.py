"""
A commitment ties a case to a person and a last day without naming them: a digest in the leaf, two salts in the payload.

    person      SHA-256 of {"company", "employee_no", "name", "salt": PERSON_SALT}
    commitment  SHA-256 of {"day", "person", "salt": SALT}

Both are over canonical JSON (RFC 8785), with number and name folded.  The second line's values reveal the day alone; all values
together reveal the person too.  Once the payload is erased, the digest reveals nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import asdict, dataclass

from audit.leaf import canonical


def folded_number(employee_no: str) -> str:
    """Fold an employee number for comparing: width, case and surrounding space."""
    return unicodedata.normalize("NFKC", employee_no).strip().casefold()


def folded_name(name: str) -> str:
    """Fold a name for a commitment: width, and each run of white space to one space."""
    return " ".join(unicodedata.normalize("NFKC", name).split())


@dataclass(frozen=True, slots=True)
class CommittedPerson:
    """The person of a commitment: number and name folded, with the salt that hides them."""

    company: str
    employee_no: str
    name: str
    salt: str

    @property
    def sha256(self) -> str:
        return _digest(asdict(self))


@dataclass(frozen=True, slots=True)
class Commitment:
    """The last *day* of a *person* (the person's digest), under *salt*."""

    day: str
    person: str
    salt: str

    @property
    def sha256(self) -> str:
        return _digest(asdict(self))


def commit(company: str, employee_no: str, name: str, day: str) -> tuple[Commitment, CommittedPerson]:
    """Return a commitment to a person's last day, with fresh salts of 32 random bytes."""
    person = CommittedPerson(company, folded_number(employee_no), folded_name(name), secrets.token_hex(32))
    return Commitment(day, person.sha256, secrets.token_hex(32)), person


def _digest(said: dict[str, str]) -> str:
    return hashlib.sha256(canonical({**said})).hexdigest()
