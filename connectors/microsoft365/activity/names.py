"""The names by which the unified audit log may call an account, each since when and until when it is the account's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from connectors.activity import Gap, Name
from connectors.errors import Denied, NotOnPlan
from connectors.microsoft365.accounts import MOST_CLAUSES, quoted, read_user
from connectors.microsoft365.activity.records import PAGE
from connectors.microsoft365.activity.sources import READ_LOGS
from connectors.microsoft365.answers import NotThere, Row, instant, need
from connectors.microsoft365.exchange import Seen
from connectors.microsoft365.manifest import READ_USERS
from connectors.microsoft365.probing import plan_or_whim
from connectors.microsoft365.transport import Graph
from models.vocabulary import Account

_SIGN_IN = "userPrincipalName"
_ADDRESSES = {_SIGN_IN.casefold(): _SIGN_IN, "mail": "mail", "proxyaddresses": "proxyAddresses"}
"""The properties that hold names, as Entra's log of changes spells them, and as the directory does."""


@dataclass(slots=True)
class _Changes:
    """What Entra's log of changes tells of an account's names, as far as it is kept: *gained* by property and name, *last* by name."""

    gained: dict[tuple[str, str], datetime] = field(default_factory=dict)
    last: dict[str, datetime] = field(default_factory=dict)

    def add(self, at: datetime, change: Row, account_id: str) -> None:
        """Take note of one change; give them in the order of time."""
        for target in _rows(change, "targetResources"):
            if target.get("id") == account_id:
                self._is_called(_texts(target.get(_SIGN_IN)), at)
                for changed in _rows(target, "modifiedProperties"):
                    self._is_changed(str(changed.get("displayName")).casefold(), changed, at)

    def before(self, name: str, made_at: datetime | None) -> Name:
        """Return a former sign-in name as it was the account's."""
        since, until = self.gained.get((_SIGN_IN, name), made_at), self.last[name]
        return Name(name, since if since is not None and since < until else made_at, until)

    def _is_changed(self, named: str, changed: Row, at: datetime) -> None:
        if named not in _ADDRESSES:
            return
        before, after = (set(_listed(changed.get(value))) for value in ("oldValue", "newValue"))
        self.gained |= {(_ADDRESSES[named], name): at for name in after - before}
        if _ADDRESSES[named] == _SIGN_IN:
            self._is_called(before, at)

    def _is_called(self, names: Iterable[str], at: datetime) -> None:
        self.last |= dict.fromkeys(names, at)


async def names_of(graph: Graph, account: Account, seen: Seen) -> tuple[list[Name], tuple[Gap, ...]]:
    """
    Return what to search for, the sign-in name first: the names of today, each since the account was made or since Entra's log saw it
    given to it, and the sign-in names before, until that log knows them last; and what may be lacking.

    Of an account that was deleted meanwhile, what it was found under.  What is logged under an address that is another account's sign-in
    name is that one's, and is not searched; a former sign-in name that is, is a gap.
    """
    row, gaps = await _found(graph, account, seen)
    changes = _Changes()
    try:
        changes = await _changes(graph, account.id, seen)
    except NotOnPlan as exc:
        gaps += (Gap("names_unseen", f"whether the account had other names before cannot be seen ({exc.code})"),)
    except Denied as exc:
        gaps += (Gap("names_denied", f"whether the account had other names before may not be seen ({exc.code})"),)
    made_at, former = instant(row, "createdDateTime"), changes.last.keys() - {need(row, _SIGN_IN, str).casefold()}
    every = {one.name: one for one in _of_today(row, changes, made_at)}
    every |= {
        name: changes.before(name, made_at) for name in former
    }  # one that lives on as an address counts until then
    others = await _taken_over(graph, account.id, [*every], seen)
    if others & former:
        text = "a sign-in name that the account had before is another's today: what the log tells under it was not searched"
        gaps += (Gap("name_reused", text),)
    if every.keys() <= others:
        gaps += (Gap("address", "no name is known that is the account's alone: nothing was searched"),)
    return [one for name, one in every.items() if name not in others], gaps


async def _found(graph: Graph, account: Account, seen: Seen) -> tuple[Row, tuple[Gap, ...]]:
    try:
        asked = ["id", _SIGN_IN, "mail", "proxyAddresses", "createdDateTime"]
        return await read_user(graph, account.id, asked, seen), ()
    except NotThere:
        if "@" not in account.label:
            raise
        text = "the directory does not know the account any more: searched by the name that it was found under"
        return {_SIGN_IN: account.label}, (Gap("names_unseen", text),)


def _of_today(row: Row, changes: _Changes, made_at: datetime | None) -> Iterator[Name]:
    since: dict[str, list[datetime | None]] = {}
    for held, name in _held(row):
        since.setdefault(name, []).append(changes.gained.get((held, name), made_at))
    for name, times in since.items():
        yield Name(name, min(filter(None, times), default=None))


async def _changes(graph: Graph, account_id: str, seen: Seen) -> _Changes:
    """
    Return the changes of the account's names, as far as Entra's log of changes in the directory is kept.

    Raises what the read raises: `Denied`, `NotOnPlan`.
    """
    about = urlencode({"$filter": f"targetResources/any(t: t/id eq {quoted(account_id)})", "$top": PAGE})
    build = graph.follow(f"{graph.endpoint}/auditLogs/directoryAudits?{about}", seen)
    try:
        rows = await graph.pages(build, seen, needs=READ_LOGS)
    except NotOnPlan as exc:
        raise await plan_or_whim(graph, exc, "the changes of names", seen) from exc
    timed = [(at, row) for row in rows if (at := instant(row, "activityDateTime")) is not None]
    told = _Changes()
    for at, row in sorted(timed, key=lambda one: one[0]):
        told.add(at, row, account_id)
    return told


async def _taken_over(graph: Graph, account_id: str, names: Sequence[str], seen: Seen) -> set[str]:
    """Return those of *names* by which another account signs in today: what the log tells under them may be that one's."""
    found: set[str] = set()
    for start in range(0, len(names), MOST_CLAUSES):
        listed = ", ".join(map(quoted, names[start : start + MOST_CLAUSES]))
        asked = urlencode({"$filter": f"userPrincipalName in ({listed})", "$select": f"id,{_SIGN_IN}"})
        rows = await graph.pages(graph.follow(f"{graph.endpoint}/users?{asked}", seen), seen, needs=READ_USERS)
        found |= {need(row, _SIGN_IN, str).casefold() for row in rows if row.get("id") != account_id}
    return found


def _held(row: Row) -> Iterator[tuple[str, str]]:
    """Yield each name of an account as the directory has it, with the property that holds it."""
    yield _SIGN_IN, need(row, _SIGN_IN, str).casefold()
    if isinstance(row.get("mail"), str):
        yield "mail", row["mail"].casefold()
    addresses = row.get("proxyAddresses")
    yield from (("proxyAddresses", name) for name in _texts(*(addresses if isinstance(addresses, list) else ())))


def _listed(value: object) -> Iterator[str]:
    """Yield the names in a property as the log spells it: a list in JSON."""
    try:
        told = json.loads(value) if isinstance(value, str) else []
    except ValueError:
        told = []
    return _texts(*(told if isinstance(told, list) else ()))


def _texts(*values: object) -> Iterator[str]:
    """Yield what is a name, folded; of addresses with a kind before them the mail addresses (`smtp:`)."""
    for value in values:
        if isinstance(value, str) and "@" in value:
            kind, _, name = value.casefold().rpartition(":")
            if kind in {"", "smtp"}:
                yield name


def _rows(row: Row, key: str) -> list[Row]:
    found = row.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
