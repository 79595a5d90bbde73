"""
What every register of confidentiality papers offers to a leaver's case.

A register keeps papers and, where its vendor can, sends new ones to be signed.  What it says of them is told here; what their bytes
show, and whether one binds the leaver, is casework's question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Protocol

from models.vocabulary import Evidence, Leaver, MatchReason, PaperKind

SIGNED_ALREADY = (
    "See who has signed it, and whether it may stand; take it back by hand in the service if it may not, then ask anew."
)
"""What to do where a pledge that is to be taken back bears a signature."""


@dataclass(frozen=True, slots=True)
class Paper:
    """
    One paper as its register lists it.

    *id* is the register's immutable id.  *kind* is None where the register does not say and the template tells nothing.
    *signer_name*, *signer_email*, *signer_employee_no*: whom the register names as the signer, any of them None.
    *status*: the register's own word, unchanged; *completed* whether it says that everyone has signed; *declined_at* when the signer said no;
    *void*: it was taken back, and nobody can sign it any more.
    *signed_on* by the register's records.  *template* and *template_sha256* name the wording.  *scope* and *language*
    (`ja`, `en`) where known; *survives*: whether it binds after employment, None if it is not known; *expires_on* inclusive.
    *media_type* of its bytes; a paper without bytes (an article of the work rules in force) has None.  *sha256*: what the register
    says that its bytes are: bytes with another digest were altered since.  *details*: what else the register says, in its own words,
    and `problem` where it says something that cannot be read.
    """

    register: str
    id: str
    kind: PaperKind | None
    title: str = ""
    signer_name: str | None = None
    signer_email: str | None = None
    signer_employee_no: str | None = None
    status: str = ""
    completed: bool = False
    declined_at: datetime | None = None
    void: bool = False
    signed_on: date | None = None
    template: str | None = None
    template_sha256: str | None = None
    scope: str | None = None
    survives: bool | None = None
    expires_on: date | None = None
    language: str | None = None
    media_type: str | None = "application/pdf"
    sha256: str | None = None
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class PaperMatch:
    """A paper with the reason and the confidence (0 to 1) of its being the leaver's; a namesake's is `different_person`."""

    paper: Paper
    reason: MatchReason
    confidence: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What one search found: matches strongest first, namesakes included, and the exchanges that prove the look."""

    matches: tuple[PaperMatch, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A pledge that was sent, or written to a file for a wet signature: *id* is what `look_up` asks for."""

    register: str
    id: str
    sent_at: datetime
    evidence: tuple[Evidence, ...]


class Register(Protocol):
    """
    One register.  Raises `connectors.errors.ConnectorError` and nothing else.  Every verb may be called again at any time.

    *can_send*: whether it delivers pledges to be signed by itself.
    """

    name: str
    can_send: bool

    async def probe(self) -> tuple[tuple[str, str], ...]:
        """Return (problem, remedy) pairs; empty when all is well.  Reads only."""
        ...

    async def find_papers(self, leaver: Leaver) -> Found:
        """
        Return the papers that may be the leaver's, and look-alikes.  Bounded calls, however large the register is.

        Raises when the register could not be searched whole: an empty answer means "looked, found none".
        """
        ...

    async def look_up(self, paper_id: str) -> Paper | None:
        """Return this paper as it stands now; None only when the register says that it has none such."""
        ...

    async def fetch(self, paper_id: str) -> bytes:
        """
        Return the bytes of the paper (a signed PDF, a scan), as they are: their digest is compared by the caller.

        Raises for a paper whose bytes are not to be had: it is unreadable then, not missing.
        """
        ...

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> Sent:
        """
        Send *pledge* (PDF) to the leaver for signature.  Again with the same *key*: returns what was sent, sends nothing.

        Where `can_send` is False the pledge is written to a file for a wet signature (the folder's outbox), and nobody is told.
        """
        ...

    async def find_sent(self, key: str) -> Sent | None:
        """Return what was sent with *key*, whether anybody knows of it or not; None where nothing was.  Sends nothing."""
        ...

    async def remind(self, paper_id: str) -> None:
        """Ask the signer again.  Raises `NotOnPlan` where the register cannot."""
        ...

    async def take_back(self, paper_id: str, reason: str) -> None:
        """
        Take back a pledge that waits for its signer, who may be told *reason*: nobody can sign it any more.  Again does nothing.

        Looks first, and raises where anyone has signed already: then nothing was taken back, and a person must see to it.
        """
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
