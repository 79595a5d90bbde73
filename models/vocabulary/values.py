"""What is passed between connectors and casework: the person, accounts, entitlements, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

from models.vocabulary.access import (
    AccountKind,
    ConnectionId,
    EntitlementKind,
    EntitlementState,
    Fact,
    Guard,
    MatchReason,
    RevocationResult,
    Says,
)

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Leaver:
    """
    The person, as HR's notice names them.

    *email* is the company address, *other_emails* any further address HR knows (private ones included).
    Names are as written by HR; comparing them is `connectors.matching`'s work.
    """

    employee_no: str
    name: str
    email: str | None = None
    other_emails: tuple[str, ...] = ()
    kana: str | None = None
    romaji: str | None = None
    former_name: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """
    One identity in one service, by the vendor's immutable *id*.

    *label* is for people (an address, a name): it stays in our database and never reaches Prefect.
    *active* is None where the vendor does not say.
    """

    connection: ConnectionId
    id: str
    kind: AccountKind = AccountKind.MEMBER
    label: str = ""
    active: bool | None = None
    mastered_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """
    An account that may be the leaver's: *reason* makes it a candidate, *says* is what was compared, and with which end.

    *primary* are the addresses that it signs in or is reached by first, *others* all further ones, both folded.
    *for_administration*: it is used for administration, whatever the vendor calls it.
    """

    account: Account
    reason: MatchReason
    says: Mapping[Fact, Says]
    primary: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    for_administration: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One recorded exchange with a vendor.

    *what* is method and path with immutable ids, *status* None when no answer came, the digests SHA-256 in hexadecimal over
    the bytes sent and received, *vendor_at* the vendor's own clock (its Date header), one second coarse.

    *query* are a read's parameters, URL-encoded, of a form as well: what was asked for.  There are addresses and names in it, so
    it goes into the payload of an event and nowhere else.  None for a write and for the exchange of a token.
    """

    what: str
    sent_at: datetime
    received_at: datetime
    status: int | None
    code: str | None = None
    request_sha256: str | None = None
    response_sha256: str | None = None
    vendor_at: datetime | None = None
    query: str | None = field(default=None, repr=False)

    def commanded_on_vendor_clock(self) -> datetime:
        """
        Return the earliest instant, on the vendor's clock, at which the vendor can have acted on the request.

        Two seconds cover the header's coarseness on both ends.  Without a Date header it is our own clock's *sent_at*.
        """
        if self.vendor_at is None:
            return self.sent_at
        return self.vendor_at - (self.received_at - self.sent_at) - timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """
    One row of an account's access, as a listing saw it.

    The listing gives `found`, or says why it could not look: `unreadable`, `not_on_plan`, `no_api` (then *vendor_id* is
    "*", *problem* and *remedy* are sentences for people, and the row stands for the whole kind).

    *ended_at*: for kinds that cannot be listed but carry a stamp (sessions, passwords), the vendor's time of the last
    ending: such a row is closed when that time is not before the command, see `Evidence.commanded_on_vendor_clock`.
    *by_hand*: it is open, and this plan has no way for us to take it away: a person does, and the next read shows it.
    *administrators*: of the sign-in of one who rules over the tenant: all who do and can sign in, as this listing saw them;
    None if it could not see them.
    *prestate* is what a restore needs, never a secret.  *label* is for people only.
    """

    connection: ConnectionId
    account_id: str
    kind: EntitlementKind
    vendor_id: str
    state: EntitlementState = EntitlementState.FOUND
    label: str = ""
    ended_at: datetime | None = None
    guard: Guard | None = None
    problem: str | None = None
    remedy: str | None = None
    by_hand: bool = False
    administrators: frozenset[str] | None = frozenset()
    prestate: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def id(self) -> str:
        """The idempotency key everywhere: `connection:account_id:kind:vendor_id`."""
        return f"{self.connection}:{self.account_id}:{self.kind}:{self.vendor_id}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    Outcome and evidence of one revocation, or of one restore.

    Raises `ValueError` without evidence: an outcome that nobody saw is not one.
    """

    entitlement_id: str
    result: RevocationResult
    evidence: tuple[Evidence, ...]
    text: str = ""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"{self.entitlement_id}: a receipt needs evidence")
