"""
Paper: a made-up service that keeps the connectors' contract in memory, for the rules of casework.

It has a block, sessions with a stamp, grants, groups, a code that dies with the block and a role that ends with it, and
it misbehaves on request.
The vendors' own protocols are the emulators' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from connectors.activity import Activity, ActivityPage, ActivityRecord, ActivitySource, Window
from connectors.contract import Capabilities, FoundAccounts, KindManifest, Kinds, Listing, Manifest, cannot_look
from connectors.errors import ConnectorError, NotOnPlan
from connectors.matching import Profile, match_all
from connectors.snapshot import Index, NumberCounts
from models.vocabulary import (
    Account,
    Confirmation,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Evidence,
    Guard,
    Json,
    Leaver,
    Match,
    Receipt,
    Restorability,
    RevocationResult,
    Service,
)

K = EntitlementKind
MANIFEST_ROWS = (
    KindManifest(K.PASSWORD, -30, Confirmation.AUDIT_EVENT, frozen=True, stamped=True, restores=Restorability.RE_ENROL),
    KindManifest(K.GRANT, -10, Confirmation.READ, restores=Restorability.RE_ENROL),
    KindManifest(K.BACKUP_CODE, -10, Confirmation.READ, dies_with_block=True, restores=Restorability.RE_ENROL),
    KindManifest(K.SIGN_IN, 0, Confirmation.READ, residual=timedelta(hours=1)),
    KindManifest(K.SESSION, 10, Confirmation.AUDIT_EVENT, stamped=True, restores=Restorability.RE_ENROL),
    KindManifest(K.ROLE, 25, Confirmation.IMPLIED_BY, implied_by=K.SIGN_IN, restores=Restorability.NOT_RESTORABLE),
    KindManifest(K.GROUP, 30, Confirmation.READ),
)


class Killed(BaseException):
    """The process ends here, as by kill -9: nothing of ours runs after it."""


@dataclass(slots=True)
class Holder:
    """One account on paper."""

    profile: Profile
    active: bool = True
    held: dict[K, set[str]] = field(default_factory=dict)
    stamps: dict[K, datetime] = field(default_factory=dict)
    guards: dict[str, Guard] = field(default_factory=dict)


@dataclass
class Paper:
    """
    The connector.

    *before* and *after* are called around each revocation with the entitlement, to fail, or to be killed; *late* is how
    many reads still show what is gone; *rulers* are shown as administrators, blocked or not; *blind* gives the kinds whose listing fails, with the row's state, *by_hand* those that this plan cannot take away.
    """

    service: Service = Service.GOOGLE_WORKSPACE
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    holders: dict[str, Holder] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    probes: int = 0
    reads: int = 0
    before: Callable[[Entitlement], None] = lambda _: None
    after: Callable[[Entitlement], None] = lambda _: None
    after_giving: Callable[[Entitlement], None] = lambda _: None
    search_error: ConnectorError | None = None
    list_error: ConnectorError | None = None
    restore_error: ConnectorError | None = None
    blind: dict[K, EntitlementState] = field(default_factory=dict)
    by_hand: frozenset[K] = frozenset()
    late: int = 0
    own: frozenset[str] = frozenset()
    rulers: frozenset[str] = frozenset()
    dead: bool = False
    activity_sources: tuple[ActivitySource, ...] = ()

    def __post_init__(self) -> None:
        self.manifest = Manifest.of(self.service, MANIFEST_ROWS)
        self._ghosts: dict[str, tuple[int, Entitlement]] = {}

    def add(
        self, account_id: str, *, employee_no: str | None = None, email: str = "", name: str = "", **options: bool
    ) -> Holder:
        account = Account(
            self.service, account_id, label=email, active=True, mastered_elsewhere=options.get("synced", False)
        )
        holder = Holder(Profile(account, employee_no, (email,), (), (name,)))
        holder.held = {
            K.ROLE: {"flag"},
            K.GRANT: {"app-1", "app-2"},
            K.BACKUP_CODE: {"all"},
            K.GROUP: {"sales", "all-hands"},
        }
        self.holders[account_id] = holder
        return holder

    async def probe(self) -> Capabilities:
        self.probes += 1
        return Capabilities(self.service, "paper", "paper", self.own, ())

    async def find_accounts(self, leaver: Leaver) -> FoundAccounts:
        if self.search_error is not None:
            raise self.search_error
        matches = match_all(leaver, [holder.profile for holder in self.holders.values()])
        return FoundAccounts(
            matches, (self._exchange("GET", query=urlencode({"email": leaver.email})),), len(self.holders)
        )

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return self._index().candidates_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> NumberCounts:
        return self._index().numbers(people)

    def _index(self) -> Index:
        return Index(holder.profile for holder in self.holders.values())

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        if self.dead:
            raise Killed
        if self.list_error is not None:
            raise self.list_error
        self.reads += 1
        holder = self.holders[account.id]
        rows: list[Entitlement] = []
        for kind in self.manifest.kinds if kinds is None else kinds:
            if kind in self.blind:
                rows.append(cannot_look(self.service, account.id, kind, self.blind[kind], problem="no", remedy="look"))
            else:
                rows += self._rows(account.id, holder, kind)
        every = self.manifest.kinds if kinds is None else kinds
        return Listing(rows, {kind: (self._exchange("GET", query=f"kind={kind}"),) for kind in every})

    def _rows(self, account_id: str, holder: Holder, kind: K) -> list[Entitlement]:
        if kind is K.SIGN_IN:
            rows = [self._row(account_id, kind, "account", holder)] if holder.active else []
        elif kind in {K.SESSION, K.PASSWORD}:
            rows = [self._row(account_id, kind, "account", holder)]
        else:
            rows = [self._row(account_id, kind, item, holder) for item in sorted(holder.held.get(kind, ()))]
        return rows + self._late_rows(account_id, kind)

    def _late_rows(self, account_id: str, kind: K) -> list[Entitlement]:
        shown = []
        for key, (left, row) in list(self._ghosts.items()):
            if (row.account_id, row.kind) == (account_id, kind) and left > 0:
                self._ghosts[key] = (left - 1, row)
                shown.append(row)
        return shown

    def _row(self, account_id: str, kind: K, vendor_id: str, holder: Holder) -> Entitlement:
        return Entitlement(
            self.service,
            account_id,
            kind,
            vendor_id,
            ended_at=holder.stamps.get(kind),
            guard=None if kind in {K.SESSION, K.PASSWORD} else holder.guards.get(vendor_id),
            by_hand=kind in self.by_hand,
            administrators=self.rulers if kind is K.SIGN_IN and account_id in self.rulers else frozenset(),
        )

    async def freeze(self, account: Account) -> list[Receipt]:
        row = self._row(account.id, K.PASSWORD, "account", self.holders[account.id])
        return [await self.revoke(row)]

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        if self.dead:
            raise Killed
        self.before(entitlement)
        sent = self.now()
        self.writes.append(entitlement.id)
        holder = self.holders[entitlement.account_id]
        if entitlement.kind is K.BACKUP_CODE and not holder.active:
            return Receipt(entitlement.id, RevocationResult.REFUSED, (self._exchange("POST", sent),), "suspended")
        if entitlement.kind is K.GROUP and entitlement.vendor_id not in holder.held[K.GROUP]:
            return Receipt(entitlement.id, RevocationResult.ALREADY_ABSENT, (self._exchange("POST", sent),))
        self._take(holder, entitlement)
        self.after(entitlement)
        return Receipt(entitlement.id, RevocationResult.COMMANDED, (self._exchange("POST", sent),))

    def _take(self, holder: Holder, entitlement: Entitlement) -> None:
        if self.late:
            self._ghosts[entitlement.id] = (self.late, entitlement)
        if entitlement.kind is K.SIGN_IN:
            holder.active = False
        elif entitlement.kind in {K.SESSION, K.PASSWORD}:
            holder.stamps[entitlement.kind] = self.now()
        else:
            holder.held[entitlement.kind].discard(entitlement.vendor_id)

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        if self.dead:
            raise Killed
        if self.restore_error is not None:
            raise self.restore_error
        self.given.append(entitlement.id)
        holder = self.holders[entitlement.account_id]
        if entitlement.kind is K.SIGN_IN:
            holder.active = True
        else:
            holder.held[entitlement.kind].add(entitlement.vendor_id)
        self.after_giving(entitlement)
        return Receipt(entitlement.id, RevocationResult.COMMANDED, (self._exchange("POST"),))

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        """It keeps no log; `Ledger` does."""
        raise NotOnPlan(f"paper: cannot read {source} of {account.id} from {cursor} in {window}: it keeps none")

    def record(self, source: str, raw: Mapping[str, Json]) -> ActivityRecord:
        raise NotOnPlan(f"paper: {source} has no {len(raw)}")

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        raise NotOnPlan(f"paper: cannot read {source}: it keeps none of {len(raw)} fields")

    async def aclose(self) -> None:
        """Nothing is open."""

    def kill(self) -> None:
        """End the process here; every later step of what still runs ends too, until it is started again."""
        self.dead = True
        raise Killed

    def _exchange(self, method: str, sent: datetime | None = None, query: str | None = None) -> Evidence:
        return Evidence(f"{method} /paper", sent or self.now(), self.now(), 200, None, "0" * 64, "1" * 64, query=query)
