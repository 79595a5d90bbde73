"""
Whether a service's employee numbers are HR's.

The people whose notices we have are looked up by address in the directory's shared snapshot, and their numbers there are
compared with HR's.  If none of twenty agrees, the directory uses another scheme, and its numbers say nothing.  The result is
kept per service, and computed anew when it is older than a snapshot may be, or rests on fewer than twenty people; no vendor
is asked for it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from casework.context import Context
from connectors.snapshot import FRESH_FOR
from models.tables import Case, DirectoryNumbers
from models.vocabulary import ComparisonResult, ConnectionId, Fact, Match

ENOUGH = 20
_KNOWN = select(DirectoryNumbers).order_by(col(DirectoryNumbers.connection))
_MOST = 200  # of the people that we know, the newest


def of_another_scheme(known: DirectoryNumbers | None) -> bool:
    """Whether the service's numbers follow another scheme than HR's, and say nothing."""
    return known is not None and known.compared >= ENOUGH and known.agreed == 0


def without_numbers(session: Session) -> list[DirectoryNumbers]:
    """Return the results of the services whose numbers say nothing."""
    return [known for known in session.exec(_KNOWN).all() if of_another_scheme(known)]


async def learn(context: Context, connection: ConnectionId, matches: list[Match]) -> DirectoryNumbers | None:
    """
    Compare the numbers of *connection* with HR's and return the result to write; None if no comparison is needed.

    It is needed only if the last result is old or small, and one of *matches* has a contradicting number, or the service's
    numbers said nothing.
    """
    with context.store.read() as session:
        known = session.get(DirectoryNumbers, connection)
        doubted = of_another_scheme(known) or any(
            m.says.get(Fact.NUMBER) is ComparisonResult.CONTRADICTION for m in matches
        )
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
