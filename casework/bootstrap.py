"""Opens what casework works with, as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from sqlmodel import col, select

from audit.continuity import Guard
from audit.mirror import Mirror
from audit.trail import Trail
from casework.clock import DatabaseClock
from casework.context import Context
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.policy import load_policy
from casework.settings import CaseworkSettings, read_settings
from casework.store import Store, open_engine, require_schema
from connectors.contract import Connector
from connectors.registry import open_connectors
from models.tables import EvidenceKey
from models.vocabulary import ConnectionId


@asynccontextmanager
async def open_context(*, actor: str = "svc:lastday", connected: bool = True) -> AsyncIterator[Context]:
    """
    Open the database and, unless *connected* is False, every configured service.

    Raises `casework.errors.Misconfigured` if a setting is missing or the schema is old.  A service that cannot be opened is a
    finding of the cases that need it, and stops no other.
    """
    settings = read_settings()
    async with AsyncExitStack() as stack:
        store = open_store(settings)
        stack.callback(store.engine.dispose)
        connectors: Mapping[ConnectionId, Connector] = {}
        if connected:
            connectors = await stack.enter_async_context(open_connectors(settings.services, strict=False))
        yield Context(
            store,
            load_policy(settings.policy_file),
            connectors,
            actor,
            now=store.clock,
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
    """Open the store of *settings*; raises `Misconfigured` if *check* finds no database, or an old or missing schema."""
    engine = open_engine(settings.database_url.get_secret_value(), may_create=not check)
    if check:
        require_schema(engine)
    guard = Guard(Mirror(settings.anchor_folder, settings.audit_origin))
    clock = DatabaseClock()
    store = Store(engine, Trail(origin=settings.audit_origin, clock=clock, guard=guard), clock)
    if check:
        store.compare_clocks()
    return store
