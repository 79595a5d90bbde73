"""
Whether a service's employee numbers are HR's.

Learnt from what is there anyway: the people whose notices we have are looked up by address in the directory's shared
snapshot, and their numbers there compared with HR's.  Where none of twenty agrees the directory follows another scheme, and
its numbers say nothing.  The outcome is kept per service, and learnt anew when it is older than a snapshot may be, or
rests on fewer than twenty people; no vendor is asked for it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from casework.context import Context
from connectors.snapshot import FRESH_FOR
from models.tables import Case, DirectoryNumbers
from models.vocabulary import ConnectionId, Fact, Match, Says

ENOUGH = 20
_KNOWN = select(DirectoryNumbers).order_by(col(DirectoryNumbers.connection))
_MOST = 200  # of the people that we know, the newest


def of_another_scheme(known: DirectoryNumbers | None) -> bool:
    """Whether the numbers count as none."""
    return known is not None and known.compared >= ENOUGH and known.agreed == 0


def without_numbers(session: Session) -> list[DirectoryNumbers]:
    """Return what is known of the services whose numbers count as none."""
    return [known for known in session.exec(_KNOWN).all() if of_another_scheme(known)]


async def learn(context: Context, connection: ConnectionId, matches: list[Match]) -> DirectoryNumbers | None:
    """
    Return what is to be written of *connection*'s numbers; None if nothing is to be learnt.

    They are looked into only when one of *matches* gives cause: a number that contradicts, or numbers that count as none.
    """
    with context.store.read() as session:
        known = session.get(DirectoryNumbers, connection)
        doubted = of_another_scheme(known) or any(m.says.get(Fact.NUMBER) is Says.CONTRADICTION for m in matches)
        fresh = known is not None and context.now() - known.compared_at <= timedelta(seconds=FRESH_FOR)
        if not doubted or (known is not None and fresh and known.compared >= ENOUGH):
            return None
        cases = session.exec(
            select(Case).where(col(Case.erased_at).is_(None)).order_by(col(Case.opened_at).desc()).limit(_MOST)
        ).all()
    people = {case.employee_key: case.person for case in cases}
    found = await context.connectors[connection].numbers(people.values())
    return DirectoryNumbers(
        connection=connection, compared=found.compared, agreed=found.agreed, compared_at=context.now()
    )
