"""Values that connectors and casework exchange: the person, accounts, entitlements, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

from models.vocabulary.access import (
    AccountKind,
    ComparisonResult,
    ConnectionId,
    EntitlementKind,
    EntitlementState,
    Fact,
    Guard,
    MatchReason,
    RevocationResult,
)

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Leaver:
    """
    The person, as HR's notice names them.

    *email*: the company address.  *other_emails*: further addresses that HR knows (private ones included).
    Names are as HR writes them; `connectors.matching` compares them.
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

    *label*: for people (an address, a name); it stays in our database and never reaches Prefect.
    *active*: None if the vendor does not say.
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
    An account that may be the leaver's.  *reason*: why it is a candidate.  *says*: each comparison and its result.

    *primary*: the addresses by which it signs in or is reached first; *others*: all further ones; both folded.
    *for_administration*: it is used for administration, under any name of the vendor's.
    """

    account: Account
    reason: MatchReason
    says: Mapping[Fact, ComparisonResult]
    primary: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    for_administration: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One recorded exchange with a vendor.

    *what*: method and path with immutable ids.  *status*: None if no answer came.  The digests: SHA-256 in hexadecimal over the
    bytes sent and received.  *vendor_at*: the vendor's own clock (its Date header), to the second.

    *query*: a read's parameters, URL-encoded, also those of a form.  It may have addresses and names, so it goes only into the
    payload of an event.  None for a write and for the exchange of a token.
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

        Subtracts two seconds, because the header is in whole seconds.  Without a Date header it is our own clock's *sent_at*.
        """
        if self.vendor_at is None:
            return self.sent_at
        return self.vendor_at - (self.received_at - self.sent_at) - timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """
    One row of an account's access, as a listing saw it.

    The listing gives `found`, or why it could not look: `unreadable`, `not_on_plan`, `no_api` (then *vendor_id* is "*",
    *problem* and *remedy* are sentences for people, and the row is for the whole kind).

    *ended_at*: for kinds that cannot be listed but have a timestamp (sessions, passwords), the vendor's time of the last
    ending: such a row is closed if that time is not before the command, see `Evidence.commanded_on_vendor_clock`.
    *by_hand*: it is open, and this plan gives us no way to take it away: a person does it, and the next read shows it.
    *administrators*: for an administrator's sign-in, all of the tenant's administrators who can sign in, by this listing;
    None if it could not see them.
    *prestate*: what a restore needs, never a secret.  *label*: for people only.
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

    Raises `ValueError` without evidence: each outcome needs a recorded exchange.
    """

    entitlement_id: str
    result: RevocationResult
    evidence: tuple[Evidence, ...]
    text: str = ""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"{self.entitlement_id}: a receipt needs evidence")
