"""Which connector speaks to which vendor: one line each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from weakref import WeakKeyDictionary

from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.contract import Connector
from connectors.errors import NotConfigured
from connectors.further_connector import FurtherConnector
from connectors.kit.limits import Ledger, Limit, OwnLedger, Rank
from connectors.settings import not_configured, prefix_of
from connectors.unopened_connector import UnopenedConnector
from models.vocabulary import ConnectionId, Service, vendor_of

_PACKAGES = {
    Service.GOOGLE_WORKSPACE: "connectors.google_workspace",
    Service.SLACK: "connectors.slack",
    Service.MICROSOFT365: "connectors.microsoft365",
}


@asynccontextmanager
async def open_connectors(
    connections: Iterable[ConnectionId], *, strict: bool = True, ledger: Ledger | None = None
) -> AsyncIterator[Mapping[ConnectionId, Connector]]:
    """
    Open the connectors of *connections*, each configured from the environment by settings of its own, and close them at the end.

    Callers in one event loop share a connection's connector, and the last of them closes it: rate limits, the directory's
    snapshot and the locks on lists that can only be replaced are the process's, not a case's.

    *ledger*: where processes share the calls that a vendor's limits allow; None: this process counts alone.  The newest ledger of those
    who share a connector is used: it is not closed before the connector is given back.

    A vendor's SDK is imported only when the vendor is used.  A connector that cannot be opened raises `NotConfigured`.  Unless
    *strict*: then it is a `connectors.unopened_connector.UnopenedConnector`, which its next probe tries to open, and the others can be used.
    """
    opened: dict[ConnectionId, Connector] = {}
    opener = object()

    async def reopen(connection: ConnectionId) -> Connector:
        opened[connection] = await _share(connection, opener, ledger)
        return opened[connection]

    try:
        for connection in connections:
            try:
                await reopen(connection)
            except NotConfigured as failure:
                if strict:
                    raise
                manifest = import_module(_PACKAGES[vendor_of(connection)]).MANIFEST
                opened[connection] = UnopenedConnector(manifest, failure, partial(reopen, connection))
        yield opened
    finally:
        await asyncio.gather(*(_give_back(*one, opener) for one in opened.items()))


@dataclass(slots=True, eq=False)
class _Shared:
    """A connector, and who has it open.  It is the connector's ledger: that of the newest opener who has brought one."""

    ledgers: dict[object, Ledger | None]
    own: OwnLedger = field(default_factory=OwnLedger)
    connector: Connector = field(init=False)

    async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        brought = [ledger for ledger in self.ledgers.values() if ledger is not None]
        return await (brought or [self.own])[-1].take(connection, limit, calls, rank)


_open_here: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[ConnectionId, _Shared]] = WeakKeyDictionary()


async def _share(connection: ConnectionId, opener: object, ledger: Ledger | None) -> Connector:
    here = _open_here.setdefault(asyncio.get_running_loop(), {})
    while connection not in here:
        shared = _Shared({opener: ledger})
        shared.connector = await _open(connection, shared)
        if here.setdefault(connection, shared) is not shared:
            await shared.connector.aclose()  # somebody was faster, and may have given it back meanwhile
    here[connection].ledgers[opener] = ledger
    return here[connection].connector


async def _give_back(connection: ConnectionId, connector: Connector, opener: object) -> None:
    """Close *connector* unless others have it open."""
    here = _open_here.get(asyncio.get_running_loop(), {})
    shared = here.get(connection)
    if shared is not None and shared.connector is connector:
        shared.ledgers.pop(opener, None)
        if shared.ledgers:
            return
        del here[connection]
    await connector.aclose()


async def _open(connection: ConnectionId, ledger: Ledger) -> Connector:
    package = import_module(_PACKAGES[vendor_of(connection)])
    name = connection.partition(".")[2]
    if name and any(field.startswith(f"{name}_") for field in package.Settings.model_fields):
        raise NotConfigured(
            f"{connection}: cannot be opened: its settings would be read as those of {vendor_of(connection)}",
            remedy="Give the connection another name in LASTDAY_SERVICES.",
        )
    try:
        settings = package.Settings(_env_prefix=prefix_of(connection))
        connector: Connector = await package.connect(settings, ledger=ledger, connection=connection)
    except (ValidationError, SettingsError) as exc:
        raise not_configured(connection, prefix_of(connection), exc) from None
    except NotConfigured:
        raise
    except Exception as exc:  # noqa: BLE001  # a broken key file stops only this connection; the error's text may hold the key
        said = f"{exc.filename}: {exc.strerror}" if isinstance(exc, OSError) else type(exc).__name__
        raise NotConfigured(f"{connection}: cannot be opened: {said}") from None
    return FurtherConnector(connector, connection) if name else connector
