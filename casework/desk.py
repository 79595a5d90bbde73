"""What casework works with: the store, the connectors, the policy, a clock and a source of random names."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmodel import col, select

from audit.continuity import Guard
from audit.mirror import Mirror
from audit.trail import Trail
from casework.errors import BadRequest
from casework.evidence import EvidenceStore, KeyFile
from casework.policy import Policy, load_policy
from casework.settings import CaseworkSettings, read_settings
from casework.store import Store, open_engine, require_schema
from connectors.contract import Connector
from connectors.registry import open_connectors
from models.tables import Case, EvidenceKey
from models.vocabulary import Service

_LOGS_AT_ONCE = 64
"""Of all cases together: each that is read holds four files open."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """
    Everything a piece of casework needs, passed in, so that tests can change the clock and the tenants.

    *configured* are the services of the settings, whether they are open here or not.
    *actor* is who acts, as the trail names it: a run, or a person at the terminal.  *own_accounts* fills as services are
    probed (`casework.ready`; each by one at a time: *probing*), *leases* (case to runner) as cases are claimed.  Without
    *evidence* nothing is collected: some tests do without.
    """

    store: Store
    policy: Policy
    connectors: Mapping[Service, Connector] = field(default_factory=dict)
    actor: str = "svc:lastday"
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    configured: frozenset[Service] = frozenset()
    own_accounts: dict[Service, frozenset[str]] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    evidence: EvidenceStore | None = None
    readings: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOGS_AT_ONCE))
    probing: dict[Service, asyncio.Lock] = field(default_factory=dict)
    _locks: dict[Service, asyncio.Lock] = field(default_factory=dict)

    @asynccontextmanager
    async def one_at_a_time(self, service: Service, *, privileged: bool) -> AsyncIterator[None]:
        """
        Let only one privileged account of a service be cut at a time by this desk, so that two administrators who leave
        in the same night do not vouch for each other.  Desks on other machines are not held up.
        """
        if not privileged:
            yield
            return
        async with self._locks.setdefault(service, asyncio.Lock()):
            yield

    def name(self, prefix: str) -> str:
        """Return a fresh random name such as `case-3f0c…`: it says nothing about anybody."""
        return f"{prefix}-{secrets.token_hex(8)}"

    def case(self, case_id: str) -> Case:
        """Return the case as it stands; raises `BadRequest` if there is none."""
        with self.store.read() as session:
            case = session.get(Case, case_id)
        if case is None:
            raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
        return case


@asynccontextmanager
async def open_desk(*, actor: str = "svc:lastday", connected: bool = True) -> AsyncIterator[Desk]:
    """
    Open the database and, unless *connected* is False, every configured service.

    Raises `casework.errors.Misconfigured` if a setting is missing or the schema is old, and
    `connectors.errors.NotConfigured` if a service's is.
    """
    settings = read_settings()
    async with AsyncExitStack() as stack:
        store = open_store(settings)
        stack.callback(store.engine.dispose)
        connectors: Mapping[Service, Connector] = {}
        if connected:
            connectors = await stack.enter_async_context(open_connectors(settings.services))
        yield Desk(
            store,
            load_policy(settings.policy_file),
            connectors,
            actor,
            configured=frozenset(settings.services),
            evidence=open_evidence(settings, store),
        )


def open_evidence(settings: CaseworkSettings, store: Store) -> EvidenceStore:
    """Open the evidence of *store*'s cases.  Touches no file: what is wrong with one may stop collecting, and no cut."""
    return EvidenceStore(store, settings.evidence_folder, evidence_key(settings, store))


def evidence_key(settings: CaseworkSettings, store: Store) -> KeyFile:
    """Return the key under which all cases' keys are wrapped, which need not be there yet."""

    def is_first() -> bool:
        with store.read() as session:
            return session.exec(select(EvidenceKey).where(col(EvidenceKey.wrapped).is_not(None))).first() is None

    return KeyFile(settings.evidence_key_file, is_first)


def open_store(settings: CaseworkSettings, *, check: bool = True) -> Store:
    """Open the store of *settings*; raises `Misconfigured` if *check* finds an old or missing schema."""
    engine = open_engine(settings.database_url.get_secret_value())
    if check:
        require_schema(engine)
    guard = Guard(Mirror(settings.anchor_folder, settings.audit_origin))
    return Store(engine, Trail(origin=settings.audit_origin, guard=guard))
