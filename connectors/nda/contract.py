"""
What every register of confidentiality papers offers to a leaver's case.

A register keeps papers and, if its vendor can, sends new ones to be signed.  These types hold what the register says; casework
reads the bytes and decides whether a paper binds the leaver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Protocol

from models.vocabulary import Evidence, Leaver, MatchReason, PaperKind


@dataclass(frozen=True, slots=True)
class Paper:
    """
    One paper as its register lists it.

    *id* is the register's immutable id.  *kind* is None if neither the register nor the template shows it.
    *signer_name*, *signer_email*, *signer_employee_no*: the signer by the register, any of them None.
    *status*: the register's own word, unchanged; *completed*: everyone has signed, by the register; *declined_at*: when the
    signer declined; *void*: it was taken back, and nobody can sign it any more.
    *signed_on*: by the register's records.  *template* and *template_sha256* name the wording.  *scope* and *language*
    (`ja`, `en`): if known; *survives*: whether it binds after employment, None if not known; *expires_on*: inclusive.
    *media_type*: None for a paper without bytes (an article of the work rules in force).  *sha256*: the digest of its bytes by
    the register; bytes with another digest were altered since.  *details*: what else the register says, in its own words,
    and `problem` if something in it cannot be read.
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
    """
    A paper with the reason and confidence (0 to 1) that it is the leaver's; a namesake's has `different_person`.

    *for_everybody*: the same paper as work rules, where another of its signers has neither name nor address.
    """

    paper: Paper
    reason: MatchReason
    confidence: float
    text: str = ""
    for_everybody: PaperMatch | None = None


@dataclass(frozen=True, slots=True)
class FoundPapers:
    """The result of one search: matches, strongest first, namesakes included, and the exchanges behind it."""

    matches: tuple[PaperMatch, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class SentPledge:
    """A pledge that was sent, or written to a file for a wet signature; `look_up` takes its *id*."""

    register: str
    id: str
    sent_at: datetime
    evidence: tuple[Evidence, ...]


class Register(Protocol):
    """
    One register.  Raises `connectors.errors.ConnectorError` and nothing else.  Every verb may be called again at any time.

    *can_send*: whether it delivers pledges to the signer.
    """

    name: str
    can_send: bool

    async def probe(self) -> tuple[tuple[str, str], ...]:
        """Return (problem, remedy) pairs, empty without problems.  Reads only."""

    async def find_papers(self, leaver: Leaver) -> FoundPapers:
        """
        Return the papers that may be the leaver's, and look-alikes.  A bounded number of calls for a register of any size.

        Raises if the register could not be searched whole: an empty answer means "looked, found none".
        """

    async def look_up(self, paper_id: str) -> Paper | None:
        """Return this paper by a new read; None only if the register says that it does not have it."""

    async def fetch(self, paper_id: str) -> bytes:
        """
        Return the bytes of the paper (a signed PDF, a scan), unchecked: the caller compares their digest.

        Raises if the bytes cannot be read: the paper is unreadable then, not missing.
        """

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> SentPledge:
        """
        Send *pledge* (PDF) to the leaver for signature.  Again with the same *key*: returns what was sent, sends nothing.

        If `can_send` is False, only writes the pledge to a file for a wet signature (the folder's outbox).
        """

    async def find_sent(self, key: str) -> SentPledge | None:
        """Return what was sent with *key*, also by a call whose outcome was unknown; None if nothing was.  Sends nothing."""

    async def remind(self, paper_id: str) -> None:
        """Ask the signer again.  Raises `NotOnPlan` if the register cannot."""

    async def take_back(self, paper_id: str, reason: str) -> None:
        """
        Take back a pledge that waits for its signer, so that nobody can sign it; the vendor may show *reason*.  Safe to repeat.

        Reads first, and raises if anyone has signed already: then nothing was taken back, and a person must act.
        """

    async def aclose(self) -> None:
        """Close connections."""
