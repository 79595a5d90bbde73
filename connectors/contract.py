"""
What every outside service offers to a leaver's case, and what it must say about itself.

Connectors know neither the database nor Prefect.  Tests in `tests/contract/` run over each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from connectors.activity import ActivityLog
from connectors.snapshot import NumberCounts
from models.vocabulary import (
    Account,
    Confirmation,
    ConnectionId,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Evidence,
    Json,
    Leaver,
    Match,
    Receipt,
    Restorability,
    Service,
)

Kinds: TypeAlias = "frozenset[EntitlementKind]"


@dataclass(frozen=True, slots=True)
class KindManifest:
    """
    What one service can do about one kind, as data.

    *order*: place in the cut of a scheduled departure.  The block (sign-in) is 0; negative orders come before it, in the time
    that policy grants; positive ones after it; equal orders run at once.  In a dismissal the block comes first, then the
    negative orders; those with *dies_with_block* become open items.
    *frozen*: `freeze` revokes it, not `revoke`.
    *stamped*: the vendor does not list single ones.  There is always one row, with the vendor's time of their last ending
    if one could count.
    *implied_by*: the kind whose observed closing closes this one, with `Confirmation.IMPLIED_BY`.
    *no_api*: the reason why no plan of this vendor can list or revoke it; such a kind is listed as one `no_api` row.
    *residual*: how long access tokens and cookies from before the cut may live on, by the vendor's documentation.
    *read_scopes*, *write_scopes*: the least that listing and revoking need, in the vendor's spelling.
    """

    kind: EntitlementKind
    order: int
    confirmation: Confirmation = Confirmation.READ
    read_scopes: tuple[str, ...] = ()
    write_scopes: tuple[str, ...] = ()
    plan: str = "any"
    restores: Restorability = Restorability.RESTORED
    implied_by: EntitlementKind | None = None
    frozen: bool = False
    stamped: bool = False
    dies_with_block: bool = False
    no_api: str | None = None
    residual: timedelta = timedelta(0)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A service's kinds, each once."""

    service: Service
    kinds: Mapping[EntitlementKind, KindManifest]

    @classmethod
    def of(cls, service: Service, rows: Sequence[KindManifest]) -> Manifest:
        """Return the manifest of *rows*; raises `ValueError` if two have one kind, or if sign-in has another order than 0."""
        kinds = {row.kind: row for row in rows}
        if len(kinds) != len(rows):
            raise ValueError(f"{service}: the manifest has a kind twice")
        if kinds[EntitlementKind.SIGN_IN].order != 0:
            raise ValueError(f"{service}: the block has order 0")
        return cls(service, kinds)


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether this tenant and these credentials let us list and revoke a kind; if not, why, and what to do."""

    kind: EntitlementKind
    can_list: bool
    can_revoke: bool
    problem: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """
    What a probe found.

    *own_account_ids* are the accounts that our credentials belong to: casework refuses to cut them.
    *problems* are (problem, remedy) pairs that concern the whole service.
    """

    service: Service
    plan: str
    tenant: str
    own_account_ids: frozenset[str]
    abilities: tuple[Ability, ...]
    problems: tuple[tuple[str, str], ...] = ()


class Listing(list[Entitlement]):
    """
    The rows of one `list_access`, with the exchanges that prove them, kind by kind.

    An empty listing means "looked, found none", and its *evidence* shows the look.  A kind that could not be looked at
    is a row of its own.
    """

    def __init__(
        self, rows: Iterable[Entitlement] = (), evidence: Mapping[EntitlementKind, tuple[Evidence, ...]] | None = None
    ) -> None:
        super().__init__(rows)
        self.evidence: dict[EntitlementKind, tuple[Evidence, ...]] = dict(evidence or {})


class FoundAccounts(list[Match]):
    """
    The accounts that one `find_accounts` found.

    *evidence*: its own exchanges, and those that read the directory's snapshot.  *looked_through*: how many accounts of the
    snapshot the leaver's names were compared with.
    """

    def __init__(self, matches: Iterable[Match], evidence: tuple[Evidence, ...], looked_through: int) -> None:
        super().__init__(matches)
        self.evidence = evidence
        self.looked_through = looked_through


class Connector(ActivityLog, Protocol):
    """
    One outside service, as seen by a leaver's case.

    All reads are complete or say that they are not: an empty list means "looked, found none".  Every verb may be called
    again at any time.  Verbs raise `connectors.errors.ConnectorError` and nothing else.
    """

    service: Service
    manifest: Manifest

    async def probe(self) -> Capabilities:
        """Return what plan and scopes allow.  Reads only.  A missing scope is an `Ability`, not an exception."""

    async def find_accounts(self, leaver: Leaver) -> FoundAccounts:
        """
        Return every account that may be the leaver's, active or not, and what speaks for and against each; namesakes too,
        so that a person can see both.  Raises if the directory could not be read whole.

        Number and addresses are searched for afresh.  Names are compared in a snapshot of the directory, which may be
        fifteen minutes old and serves all leavers.
        """

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        """
        Return the accounts with one of *addresses*, which the leaver's accounts in other connections have.

        Looks them up in the snapshot: no request while that is fresh.
        """

    async def numbers(self, people: Iterable[Leaver]) -> NumberCounts:
        """Return how many of *people* have the same employee number in the directory's snapshot as in HR's list."""

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        """
        Return what *account* holds now, of *kinds* (None: all of the manifest), by a fresh read.

        Kinds are read at once.  A kind that cannot be read gives one row `unreadable`, `not_on_plan` or `no_api`.
        A blocked account has no `sign_in` row.  Raises nothing for a single kind.
        """

    async def freeze(self, account: Account) -> list[Receipt]:
        """Revoke the manifest's *frozen* kinds in as few requests as the vendor allows; empty where there are none."""

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        """
        Ask the vendor to take *entitlement* away.  Safe to repeat: the second receipt says `already_absent`, or
        `commanded` where the vendor does not say.

        A refusal because of the account's state is a receipt (`refused`, with the reason); a failure of ours or of the
        network is an exception.  After `OutcomeUnknown`, list again.
        """

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        """Give back what a wrong cut took, from *prestate*.  Only for kinds whose manifest says `restored`."""

    async def aclose(self) -> None:
        """Close connections.  The connector is not used afterwards."""


def cannot_look(
    connection: ConnectionId,
    account_id: str,
    kind: EntitlementKind,
    state: EntitlementState,
    *,
    problem: str,
    remedy: str,
) -> Entitlement:
    """Return the one row (vendor id "*") of a kind that could not be listed, or that no interface lists."""
    return Entitlement(connection, account_id, kind, "*", state, problem=problem, remedy=remedy)
