"""The names by which the unified audit log may call an account, each since when and until when it is the account's."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.activity import Gap, Name
from connectors.errors import Denied, NotOnPlan
from connectors.kit.answers import instant, need
from connectors.kit.exchange import Row, Trace
from connectors.microsoft365.activity.records import PAGE
from connectors.microsoft365.activity.sources import READ_LOGS
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.directory import MOST_CLAUSES, quoted, read_user
from connectors.microsoft365.errors import NotThere
from connectors.microsoft365.manifest import READ_USERS
from connectors.microsoft365.probing import plan_checked
from connectors.microsoft365.transport import Graph, get
from models.vocabulary import Account

_SIGN_IN = "userPrincipalName"
_ADDRESSES = {_SIGN_IN.casefold(): _SIGN_IN, "mail": "mail", "proxyaddresses": "proxyAddresses"}
"""The properties that hold names, as Entra's log of changes spells them, and as the directory does."""


@dataclass(slots=True)
class _Changes:
    """
    What Entra's log of changes tells of an account's names, as far as it is kept.

    *gained*: when a property last came to hold a name.  *held*: since when, if that is known, and until when a name was the sign-in name.
    *called*: until when at least.  *lost*: when an address was taken away.
    """

    gained: dict[tuple[str, str], datetime] = field(default_factory=dict)
    held: dict[str, list[tuple[datetime | None, datetime]]] = field(default_factory=lambda: defaultdict(list))
    called: dict[str, datetime] = field(default_factory=dict)
    lost: dict[str, datetime] = field(default_factory=dict)

    def add(self, at: datetime, change: Row, account_id: str) -> None:
        """Take note of one change; give them in the order of time."""
        for target in _rows(change, "targetResources"):
            if target.get("id") == account_id:
                self.called |= dict.fromkeys(_texts(target.get(_SIGN_IN)), at)
                for changed in _rows(target, "modifiedProperties"):
                    self._change(_ADDRESSES.get(str(changed.get("displayName")).casefold()), changed, at)

    def _change(self, named: str | None, changed: Row, at: datetime) -> None:
        if named is None:
            return
        before, after = (set(_listed(changed.get(value))) for value in ("oldValue", "newValue"))
        for name in before - after:
            if named == _SIGN_IN:
                self.held[name].append((self.gained.get((named, name)), at))
            else:
                self.lost[name] = at
        self.gained |= {(named, name): at for name in after - before}

    def sign_in_names(self, present: str, made_at: datetime | None) -> Iterator[Name]:
        """Yield what the account signed in by before, each as long as it did."""
        for name, periods in self.held.items():
            yield from (Name(name, since or made_at, until) for since, until in periods)
        for name in self.called.keys() - self.held.keys() - {present}:
            yield Name(name, made_at, self.called[name])

    def addresses(self, made_at: datetime | None) -> Iterator[Name]:
        """Yield the addresses that were taken away, each until then."""
        for name, at in self.lost.items():
            times = (self.gained.get((kind, name)) for kind in _ADDRESSES.values())
            yield Name(name, min((one for one in times if one is not None and one < at), default=made_at), at)


async def names_of(graph: Graph, account: Account, trace: Trace) -> tuple[list[Name], tuple[Gap, ...]]:
    """
    Return what to search for, and what may be lacking: the names of today, each since the account was made or since Entra's log saw it
    given to it, and those before, until it was taken away or that log knows it last.  A name that came back is there twice.

    Of an account that was deleted meanwhile, what it was found under.  What is logged under an address that is another account's sign-in
    name is that one's, and is not searched; a former sign-in name that is, is a gap.
    """
    row, gaps = await _found(graph, account, trace)
    changes = _Changes()
    try:
        changes = await _changes(graph, account.id, trace)
    except NotOnPlan as exc:
        gaps += (Gap("names_unseen", f"whether the account had other names before cannot be seen ({exc.code})"),)
    except Denied as exc:
        gaps += (Gap("names_denied", f"whether the account had other names before may not be seen ({exc.code})"),)
    present = need(WHO, row, _SIGN_IN, str).casefold()
    made_at = instant(WHO, row.get("createdDateTime"), "createdDateTime")
    today = [*_of_today(row, changes, made_at)]
    former = [*changes.sign_in_names(present, made_at)]
    were = {one.name for one in former} - {present}
    known = were | {one.name for one in today}
    taken = [one for one in changes.addresses(made_at) if one.name not in known]
    every = [
        *(one for one in today if one.name not in were),
        *former,
        *taken,
    ]  # one that lives on as an address counts until then
    others = await _taken_over(graph, account.id, sorted({one.name for one in every}), trace)
    if others & were:
        text = "a sign-in name that the account had before is another's today: what the log tells under it was not searched"
        gaps += (Gap("name_reused", text),)
    if {one.name for one in every} <= others:
        gaps += (Gap("address", "no name is known that is the account's alone: nothing was searched"),)
    return [one for one in every if one.name not in others], gaps


async def _found(graph: Graph, account: Account, trace: Trace) -> tuple[Row, tuple[Gap, ...]]:
    try:
        asked = ["id", _SIGN_IN, "mail", "proxyAddresses", "createdDateTime"]
        return await read_user(graph, account.id, asked, trace), ()
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


async def _changes(graph: Graph, account_id: str, trace: Trace) -> _Changes:
    """
    Return the changes of the account's names, as far as Entra's log of changes in the directory is kept.

    Raises what the read raises: `Denied`, `NotOnPlan`.
    """
    about = f"targetResources/any(t: t/id eq {quoted(account_id)})"
    asked = get(lambda client: client.audit_logs.directory_audits, filter=about, top=PAGE)
    try:
        rows = await graph.pages(asked, trace, needs=READ_LOGS)
    except NotOnPlan as exc:
        raise await plan_checked(graph, exc, "the changes of names", trace) from exc
    timed = [
        (at, row) for row in rows if (at := instant(WHO, row.get("activityDateTime"), "activityDateTime")) is not None
    ]
    told = _Changes()
    for at, row in sorted(timed, key=lambda one: one[0]):
        told.add(at, row, account_id)
    return told


async def _taken_over(graph: Graph, account_id: str, names: Sequence[str], trace: Trace) -> set[str]:
    """Return those of *names* by which another account signs in today: what the log tells under them may be that one's."""
    found: set[str] = set()
    for start in range(0, len(names), MOST_CLAUSES):
        listed = ", ".join(map(quoted, names[start : start + MOST_CLAUSES]))
        about = f"userPrincipalName in ({listed})"
        asked = get(lambda client: client.users, filter=about, select=["id", _SIGN_IN])
        rows = await graph.pages(asked, trace, needs=READ_USERS)
        found |= {need(WHO, row, _SIGN_IN, str).casefold() for row in rows if row.get("id") != account_id}
    return found


def _held(row: Row) -> Iterator[tuple[str, str]]:
    """Yield each name of an account as the directory has it, with the property that holds it."""
    yield _SIGN_IN, need(WHO, row, _SIGN_IN, str).casefold()
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
