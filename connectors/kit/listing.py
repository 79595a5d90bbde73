"""Reading what an account holds, kind by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from connectors.contract import Listing, cannot_look
from connectors.errors import ConnectorError, NotOnPlan
from connectors.kit.exchange import Trace
from connectors.kit.pacing import together
from models.vocabulary import ConnectionId, Entitlement, EntitlementKind, EntitlementState, Evidence

Rows: TypeAlias = "list[Entitlement]"
Reader: TypeAlias = "Callable[[Trace], Awaitable[Rows]]"


async def read_kinds(connection: ConnectionId, account_id: str, readers: Mapping[EntitlementKind, Reader]) -> Listing:
    """Read kinds at once, each with evidence of its own.  One that cannot be read becomes one row, and stops no other."""

    async def one(kind: EntitlementKind) -> tuple[Rows, tuple[Evidence, ...]]:
        trace: Trace = []
        try:
            return await readers[kind](trace), tuple(trace)
        except ConnectorError as error:
            return [unread(connection, account_id, kind, error)], tuple(trace) or error.evidence

    found = dict(zip(readers, await together(*map(one, readers)), strict=True))
    return Listing(
        [row for rows, _ in found.values() for row in rows], {kind: seen for kind, (_, seen) in found.items()}
    )


def unread(connection: ConnectionId, account_id: str, kind: EntitlementKind, error: ConnectorError) -> Entitlement:
    """Return the one row of a kind whose listing raised *error*."""
    state = EntitlementState.NOT_ON_PLAN if isinstance(error, NotOnPlan) else EntitlementState.UNREADABLE
    return cannot_look(connection, account_id, kind, state, problem=str(error), remedy=error.advice)
