"""The confidentiality papers of a case by its newest check: personal, for people who may see the case."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from casework.view.part import Instant, Part
from models.vocabulary import MatchReason, NdaState, PaperKind, PledgeState, TradeSecretTest


class RegisterSearch(Part):
    """The search of one register: the number of papers, or why it failed."""

    register_name: str = Field(alias="register")
    found: int
    problem: str | None
    remedy: str | None


class Signature(Part):
    """One electronic signature inside a paper.  *claimed_at*: by the signer's own clock, perhaps without a zone."""

    signer: str | None
    intact: bool
    trusted: bool
    covers_whole: bool
    claimed_at: str | None
    timestamped_at: Instant | None
    problem: str | None
    kind: Literal["person", "seal", "timestamp"] = "person"


class Paper(Part):
    """One paper as a check judged it, or an expected paper that was not found.  *paper* is `register:id`."""

    kind: PaperKind | None
    state: NdaState
    register_name: str | None = Field(alias="register")
    paper: str | None
    title: str | None
    signer: str | None
    signed_on: date | None
    survives: bool | None
    expires_on: date | None
    scope: str | None
    language: str | None
    template: str | None
    template_sha256: str | None
    confidence: float | None
    reason: MatchReason | None
    sha256: str | None
    size: int | None
    signature: str | None
    signatures: tuple[Signature, ...]
    text: str
    text_ja: str
    remedy: str | None
    remedy_ja: str | None


class Pledge(Part):
    """The exit pledge that was asked for last."""

    state: PledgeState
    register_name: str | None = Field(alias="register")
    title: str
    language: str
    sha256: str
    requested_by: str
    requested_at: Instant
    sent_at: Instant | None
    reminders: int
    reminded_at: Instant | None
    problem: str | None


class PledgeRefusal(Part):
    """The leaver declined to sign, which is lawful."""

    kind: PaperKind
    witness: str
    refused_on: date
    note: str | None
    recorded_by: str
    recorded_at: Instant


class PaperRisk(Part):
    """Whether lacking papers raise the risk, and which."""

    level: Literal["raised", "ordinary"]
    reasons: tuple[str, ...]


class TestAnswer(Part):
    """A person's answer to a test."""

    text: str
    by: str
    at: Instant


class SecretTest(Part):
    """One test of a trade secret: what the record shows, what a person is asked, and the answer."""

    test: TradeSecretTest
    shows: tuple[str, ...]
    shows_ja: tuple[str, ...]
    asks: tuple[str, ...]
    asks_ja: tuple[str, ...]
    answer: TestAnswer | None


class Papers(Part):
    """The papers on file.  *papers* count; *not_accepted* are another person's, or doubtful."""

    state: NdaState | Literal["not_collected", "not_expected"]
    checked_at: Instant | None = None
    looks: tuple[RegisterSearch, ...] = ()
    papers: tuple[Paper, ...] = ()
    not_accepted: tuple[Paper, ...] = ()
    pledge: Pledge | None = None
    refusals: tuple[PledgeRefusal, ...] = ()
    risk: PaperRisk = PaperRisk(level="ordinary", reasons=())
    trade_secret: tuple[SecretTest, ...] = ()
