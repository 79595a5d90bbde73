"""What is known before anything is judged: the papers as found, the employment, the refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from casework.messages import Message, Said, message
from connectors.nda.contract import Examined, PaperMatch, Signature
from models.tables import PaperRuling, PledgeRefusal
from models.vocabulary import NdaState, PaperKind

_TOKYO = ZoneInfo("Asia/Tokyo")


@dataclass(frozen=True, slots=True)
class Held:
    """
    A paper with its match and a person's word on it, and what its bytes showed; *problem*: why they could not be had.
    *content*: the bytes that were examined.
    """

    match: PaperMatch
    ruling: PaperRuling | None = None
    examined: Examined | None = None
    problem: str | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of the employment.  *joined_on* is None where HR's notice does not say.

    *seen*: the digest that each paper (register, id) had when it was opened first.  *blind*: what the registers that could
    not be searched said; *asked_for*: a pledge is out to be signed.
    """

    today: date
    ends_on: date
    joined_on: date | None = None
    refusal: PledgeRefusal | None = None
    seen: Mapping[tuple[str, str], str] = field(default_factory=dict)
    blind: tuple[str, ...] = ()
    asked_for: bool = False

    @property
    def matters_on(self) -> date:
        """The day on which a paper must bind: the last one of the employment, later the present one."""
        return max(self.today, self.ends_on)


def signed_on(held: Held) -> date | None:
    """Return the day in Japan on which the paper was signed: by the register, else by its last signature."""
    if held.match.paper.signed_on is not None:
        return held.match.paper.signed_on
    times = [moment for one in signatures(held) if (moment := one.timestamped_at or one.claimed_at) is not None]
    return day_in_japan(max(times)) if times else None


def day_in_japan(at: datetime) -> date:
    """Return the day on which registers have *at*."""
    return at.astimezone(_TOKYO).date()


def signatures(held: Held) -> tuple[Signature, ...]:
    """Return the signatures that its bytes bear, as verified."""
    return held.examined.signatures if held.examined is not None else ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What one paper, or the lack of one, amounts to, and what is said of it.  *held* is None where none was found.

    *accepted* is False for another person's paper, and for a doubtful one: those count for nothing.
    """

    kind: PaperKind | None
    state: NdaState
    accepted: bool
    said: tuple[Message, ...]
    held: Held | None = None
    signature: str = ""

    @property
    def remedy(self) -> Said:
        """What to do: by what is said, else by the state; empty where there is nothing to do, as for another person's paper."""
        asked = [*self.said, message(self.state)] if self.accepted else self.said
        return next((one.remedy for one in asked if one.remedy.en), Said("", ""))
