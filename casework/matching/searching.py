"""Search the services for a leaver's accounts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session

from casework.connections import failure_of, ready
from casework.context import Context, all_of, case_in, kept_case
from casework.lifecycle import known_since
from casework.matching import facts, numbers
from casework.matching.judging import judge, judge_again
from casework.recording import asked_by, is_told
from casework.truth.findings import assess
from casework.truth.rows import accepted, accounts_of, end_retirement
from connectors.errors import ConnectorError, Unreachable
from connectors.matching import fold_all
from models.tables import Case, CaseAccount, DirectoryNumbers, Search
from models.vocabulary import ConnectionId, Leaver, Match, Standing

_FURTHER_WITHIN = 10.0
"""Seconds for a further look after one service's search: a directory may have to be read again.  A choice."""


async def find_everywhere(context: Context, case_id: str, *, patience: float | None = None) -> None:
    """
    Search every service at once for the leaver, then once more for the addresses of the accepted accounts.

    The second search asks no vendor: the snapshots of the first one answer it.  After *patience*, in seconds, a service that
    has not answered is not waited for: its search goes on, and `searched` waits for it.
    """
    leaver = await context.store.run(_begun, context, case_id)
    searches = {one: asyncio.ensure_future(_find(context, case_id, one, leaver)) for one in context.connectors}
    try:
        if searches:
            await asyncio.wait(searches.values(), timeout=patience)
    except asyncio.CancelledError:
        for search in searches.values():
            search.cancel()
        raise
    context.searching.update({(case_id, one): search for one, search in searches.items() if not search.done()})
    known = [one for one, search in searches.items() if search.done()]
    await asyncio.gather(*(searches[one] for one in known))  # raises only errors of our own, such as the database's
    await _find_further(context, case_id, known, patience)
    await context.store.run(_ask, context, case_id)


async def searched(context: Context, case_id: str, connection: ConnectionId, *, patience: float) -> bool:
    """
    Wait for a service's search that `find_everywhere` left running, search everywhere for the addresses that it found, and
    ask about doubtful accounts; return whether there was such a search.
    """
    if (search := context.searching.pop((case_id, connection), None)) is None:
        return False
    await search
    await _find_further(context, case_id, context.connectors, patience)
    await context.store.run(_ask, context, case_id)
    return True


def is_searched(context: Context, case_id: str, connection: ConnectionId) -> bool:
    """Whether the newest search of the service succeeded and is new (`known_since`)."""
    with context.store.read() as session:
        since = known_since(case_in(session, case_id), context.now())
        search = session.get(Search, (case_id, connection))
    return search is not None and since is not None and search.problem is None and search.searched_at >= since


def _ask(context: Context, case_id: str) -> None:
    with context.store.write() as session:
        judge(context, session, case_id)
        assess(context, session, case_id)


async def find_in(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Search one service for the leaver and record the candidates, or why the search failed.

    Addresses of accounts that are accepted in other services are searched for too, and in every service those that this one
    brought.  A search that succeeds ends the service's retirement.
    """
    await _find(context, case_id, connection, await context.store.run(_begun, context, case_id))
    await _find_further(context, case_id, context.connectors, _FURTHER_WITHIN)
    await context.store.run(_ask, context, case_id)


async def _find(context: Context, case_id: str, connection: ConnectionId, leaver: Leaver) -> None:
    """
    Search one service for *leaver*, and at the addresses of the accounts that are accepted when it has answered.

    The case is judged, not assessed, and nobody is asked yet: another service may be about to answer.
    """
    run, read_at = context.store.run, context.now()
    search = partial(Search, case_id=case_id, connection=connection, searched_at=read_at)
    try:
        await ready(context, connection)
        at_once = await context.connectors[connection].find_accounts(leaver)
        found = {match.account.id for match in at_once}
        rows = await run(accepted, context, case_id)
        matches = [*at_once, *await _at_known_addresses(context, connection, leaver, rows, found)]
        learnt = await numbers.learn(context, connection, matches)
    except Exception as exc:  # noqa: BLE001  # see `failure_of`
        await run(_note_failure, context, _failed(context, search, failure_of(connection, exc)))
    else:
        asked = asked_by(context.store.clock, at_once.evidence)
        done = search(found=len(matches), looked_through=at_once.looked_through, asked=asked)
        if not await run(_note_found, context, leaver, done, matches, learnt):
            await _find(context, case_id, connection, await run(_begun, context, case_id))


def _failed(context: Context, search: Callable[..., Search], error: ConnectorError) -> Search:
    """Return the *search* that ended with *error*."""
    asked = asked_by(context.store.clock, error.evidence)
    return search(problem=str(error), remedy=error.advice, asked=asked)


def _note_failure(context: Context, search: Search, *, further_for: Leaver | None = None) -> None:
    """
    Record a search that failed.  *further_for*: whom a further look was for; it counts for nobody else, and not against a newer
    search, which looks further itself.
    """
    with context.store.write() as session:
        case = kept_case(session, search.case_id)
        if further_for is not None:
            newest = session.get(Search, (search.case_id, search.connection))
            if case.person != further_for or (newest is not None and newest.searched_at > search.searched_at):
                return
        _merge(session, search, case)


def _merge(session: Session, search: Search, case: Case) -> None:
    """Keep a search of *case*; its requests are sealed if they are news, or the first since the instant."""
    before = session.get(Search, (search.case_id, search.connection))
    if before is None:
        session.add(search)
        return
    alike = (before.looked_through, before.problem) == (search.looked_through, search.problem)
    if alike and is_told(before.asked, search.asked or {}, case.due_at):
        search.asked = before.asked
    session.merge(search)


def _note_found(
    context: Context, leaver: Leaver, search: Search, matches: list[Match], learnt: DirectoryNumbers | None
) -> bool:
    """Record the search's matches; return False, without recording, if the notice was corrected since: they may be another person's."""
    with context.store.write() as session:
        case = kept_case(session, search.case_id)  # held here, so that no callee reads it again
        if case.person != leaver:
            return False
        _merge(session, search, case)
        end_retirement(context, session, search.connection)
        for row in _record(context, session, search.case_id, matches, search.searched_at):
            if row.connection == search.connection:
                facts.begin_anew(row)
        _take_in(context, session, search.case_id, learnt)
        return True


async def _find_further(
    context: Context, case_id: str, connections: Iterable[ConnectionId], patience: float | None
) -> None:
    """
    Search *connections*, for *patience* seconds, for the addresses of accounts that were accepted in others since.

    A service that fails or does not answer counts as not searched: it has to be searched again.
    """
    run, read_at = context.store.run, context.now()
    leaver, searches, rows = await run(_searched, context, case_id)

    async def further(connection: ConnectionId) -> None:
        known = {row.vendor_id for row in rows if row.connection == connection}
        try:
            async with asyncio.timeout(patience):
                new = await _at_known_addresses(context, connection, leaver, rows, known)
        except Exception as exc:  # noqa: BLE001  # see `failure_of`
            late = isinstance(exc, TimeoutError)
            error = Unreachable(f"{connection}: no answer in time") if late else failure_of(connection, exc)
            failed = partial(Search, case_id=case_id, connection=connection, searched_at=read_at)
            await run(_note_failure, context, _failed(context, failed, error), further_for=leaver)
        else:
            if new:
                await run(_note_further, context, case_id, leaver, new, read_at)

    done = {search.connection for search in searches if search.problem is None}
    await asyncio.gather(*(further(one) for one in connections if one in done))


def _searched(context: Context, case_id: str) -> tuple[Leaver, Sequence[Search], Sequence[CaseAccount]]:
    """Return the leaver, each service's newest search, and the candidates of all services."""
    with context.store.read() as session:
        searches = all_of(session, Search, case_id, Search.connection)
        return case_in(session, case_id).person, searches, accounts_of(session, case_id)


def _note_further(context: Context, case_id: str, leaver: Leaver, matches: list[Match], read_at: datetime) -> None:
    with context.store.write() as session:
        if kept_case(session, case_id).person == leaver:
            _record(context, session, case_id, matches, read_at)
            for connection, added in Counter(match.account.connection for match in matches).items():
                if (search := session.get(Search, (case_id, connection))) is not None:
                    search.found += added
                    session.add(search)


async def _at_known_addresses(
    context: Context, connection: ConnectionId, leaver: Leaver, rows: Sequence[CaseAccount], known: Collection[str]
) -> list[Match]:
    """Return the accounts, those *known* left out, at the addresses that the accepted of *rows* have in other services."""
    others = [row.addresses for row in rows if row.connection != connection and row.standing is Standing.ACCEPTED]
    borne = {one for those in others for rank in ("primary", "others") for one in those.get(rank, ())}
    new = borne - fold_all(address for address in (leaver.email, *leaver.other_emails) if address)
    found = await context.connectors[connection].find_at(leaver, sorted(new)) if new else []
    return [match for match in found if match.account.id not in known]


def _begun(context: Context, case_id: str) -> Leaver:
    """
    Return the leaver, and record the services of the case: the case's search is complete once each of them was searched, also
    if a later process does not open them all.
    """
    known = context.case(case_id)
    if {*context.connectors} <= {*(known.connections or ())}:
        return known.person
    with context.store.write() as session:
        case = case_in(session, case_id)
        case.connections = sorted({*(case.connections or ()), *map(str, context.connectors)})
        return case.person


def _record(
    context: Context, session: Session, case_id: str, matches: list[Match], read_at: datetime
) -> Collection[CaseAccount]:
    """Write each match to its candidate's row, or to a new row; return the rows that existed before."""
    known = {(row.connection, row.vendor_id): row for row in accounts_of(session, case_id)}
    for match in matches:
        account = match.account
        row = known.get((account.connection, account.id)) or CaseAccount(
            case_id=case_id,
            connection=account.connection,
            vendor_id=account.id,
            ref=context.name("acct"),
            label=account.label,
            standing=Standing.LOOK_ALIKE,
        )
        facts.take(row, match, read_at, context.now())
        session.add(row)
    return known.values()


def _take_in(context: Context, session: Session, case_id: str, learnt: DirectoryNumbers | None) -> None:
    """Judge the case, and assess all cases that wait for an answer if a service's numbers began or ceased to count."""
    judged = set[str]()
    if learnt is not None:
        before = numbers.of_another_scheme(session.get(DirectoryNumbers, learnt.connection))
        session.merge(learnt)
        session.flush()
        if before is not numbers.of_another_scheme(learnt):
            judged |= judge_again(context, session)
    judge(context, session, case_id, ask=False)
    for one in sorted(judged):
        assess(context, session, one)
