"""Open the database, the trail, the evidence and the services that the settings name."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from sqlmodel import col, select

from audit.anchor_files import AnchorFiles
from audit.rollback_check import RollbackCheck
from audit.trail import Trail
from casework.call_budget import DatabaseLedger
from casework.clock import DatabaseClock
from casework.context import Context
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.policy import load_policy
from casework.settings import CaseworkSettings, read_settings
from casework.store import Store, open_engine, require_schema
from connectors.registry import open_connectors
from models.tables import EvidenceKey


@asynccontextmanager
async def open_context(*, actor: str = "svc:lastday", connected: bool = True) -> AsyncIterator[Context]:
    """
    Open the database and, unless *connected* is False, every configured service.

    Raises `casework.errors.Misconfigured` if a setting is missing or the schema is old.  A service that cannot be opened is a
    finding of the cases that need it, and stops no other.
    """
    settings = read_settings()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(open_store(settings))
        services = settings.services if connected else ()
        ledger = DatabaseLedger(store)
        stack.callback(ledger.close)
        connectors = await stack.enter_async_context(open_connectors(services, strict=False, ledger=ledger))
        if connectors and not gc.get_freeze_count():
            gc.freeze()  # the SDKs stay: to look for garbage among their objects takes a tenth of a second each time
        yield Context(
            store,
            load_policy(settings.policy_file),
            connectors,
            actor,
            now=store.clock,
            configured=frozenset(settings.services),
            evidence=evidence_store(settings, store),
        )


def evidence_store(settings: CaseworkSettings, store: Store) -> EvidenceStore:
    """Return the evidence store.  Its keys are read when they are used, so a bad key stops no cut."""

    def is_first() -> bool:
        with store.read() as session:
            return session.exec(select(EvidenceKey).where(col(EvidenceKey.wrapped).is_not(None))).first() is None

    former = settings.evidence_former_key_file
    return EvidenceStore(
        store,
        settings.evidence_folder,
        KeyFile(settings.evidence_key_file, is_first),
        KeyFile(former, lambda: False) if former is not None else None,
    )


@contextmanager
def open_store(settings: CaseworkSettings, *, check: bool = True) -> Iterator[Store]:
    """Open the store of *settings*.  With *check*, raises `Misconfigured` without a database or the newest schema."""
    engine = open_engine(settings.database_url.get_secret_value(), may_create=not check)
    clock, guard = DatabaseClock(), RollbackCheck(AnchorFiles(settings.anchor_folder, settings.audit_origin))
    store = Store(engine, Trail(origin=settings.audit_origin, clock=clock, guard=guard), clock)
    try:
        if check:
            require_schema(engine)
            store.compare_clocks()
        yield store
    finally:
        store.thread.shutdown()  # what was begun is committed before the connections are closed
        engine.dispose()
