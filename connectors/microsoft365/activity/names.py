"""The names by which the unified audit log may call an account, with the times in which each was the account's."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.activity import LogName, UnreadSpan
from connectors.errors import Denied, NotOnPlan
from connectors.kit.answers import instant, need, objects_of
from connectors.kit.exchange import Row, Trace
from connectors.microsoft365.activity.records import PAGE
from connectors.microsoft365.activity.sources import READ_LOGS
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.directory import few, quoted, read_user
from connectors.microsoft365.errors import NotFound
from connectors.microsoft365.manifest import READ_USERS
from connectors.microsoft365.probing import plan_checked
from connectors.microsoft365.transport import GraphTransport, get
from models.vocabulary import Account, AccountKind

_SIGN_IN = "userPrincipalName"
_ADDRESSES = {_SIGN_IN.casefold(): _SIGN_IN, "mail": "mail", "proxyaddresses": "proxyAddresses"}
"""The properties with names: as Entra's log of changes spells them (folded), and as the directory does."""


@dataclass(slots=True)
class _Changes:
    """
    The changes of an account's names in Entra's log of changes, as far as the log is kept.

    *gained*: when a property last gained a name.  *held*: from when (None: unknown) until when a name was the sign-in name.
    *called*: when the log last used a name as the sign-in name.  *lost*: when an address was removed.
    """

    gained: dict[tuple[str, str], datetime] = field(default_factory=dict)
    held: dict[str, list[tuple[datetime | None, datetime]]] = field(default_factory=lambda: defaultdict(list))
    called: dict[str, datetime] = field(default_factory=dict)
    lost: dict[str, datetime] = field(default_factory=dict)

    def add(self, at: datetime, change: Row, account_id: str) -> None:
        """
        Add one change; the caller adds changes in order of time.

        A deleted account's sign-in name begins with its id: https://learn.microsoft.com/powershell/module/microsoft.entra.users/get-entradeleteduser
        """
        for target in objects_of(change.get("targetResources")):
            if target.get("id") == account_id:
                named = (
                    name.removeprefix(account_id.replace("-", "").casefold()) for name in _texts(target.get(_SIGN_IN))
                )
                self.called |= dict.fromkeys(named, at)
                for changed in objects_of(target.get("modifiedProperties")):
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

    def sign_in_names(self, present: str, made_at: datetime | None) -> Iterator[LogName]:
        for name, periods in self.held.items():
            yield from (LogName(name, since or made_at, until) for since, until in periods)
        for name in self.called.keys() - self.held.keys() - {present}:
            yield LogName(name, made_at, self.called[name])

    def addresses(self, made_at: datetime | None) -> Iterator[LogName]:
        """Yield the addresses that were removed, each until its removal."""
        for name, at in self.lost.items():
            times = (self.gained.get((kind, name)) for kind in _ADDRESSES.values())
            yield LogName(name, min((one for one in times if one is not None and one < at), default=made_at), at)


async def names_of(
    graph: GraphTransport, account: Account, trace: Trace
) -> tuple[list[LogName], tuple[UnreadSpan, ...]]:
    """
    Return the names to search for, and the gaps.

    A present name counts from its addition in Entra's log, else from the account's creation; a former one until its removal, or
    its last use in that log.  A name that came back is there twice.  A deleted account has only the name of its label.  A deleted guest's
    label may be the address at home, which is no name in this tenant: without one from Entra's log that is a gap.

    A name that is now another account's sign-in name is not searched: its records may be that account's.  If it was this
    account's sign-in name before, that is a gap.
    """
    row, gaps = await _found(graph, account, trace)
    is_deleted = bool(gaps)
    changes = _Changes()
    try:
        changes = await _changes(graph, account.id, trace)
    except NotOnPlan as exc:
        gaps += (UnreadSpan("names_unseen", f"whether the account had other names before cannot be seen ({exc.code})"),)
    except Denied as exc:
        gaps += (
            UnreadSpan("names_denied", f"whether the account had other names before may not be seen ({exc.code})"),
        )
    present = need(WHO, row, _SIGN_IN, str).casefold()
    made_at = instant(WHO, row.get("createdDateTime"), "createdDateTime")
    today = [*_of_today(row, changes, made_at)]
    former = [*changes.sign_in_names(present, made_at)]
    were = {one.name for one in former} - {present}
    known = were | {one.name for one in today}
    taken = [one for one in changes.addresses(made_at) if one.name not in known]
    # a former sign-in name that is still an address counts only until it stopped being the sign-in name
    every = [*(one for one in today if one.name not in were), *former, *taken]
    others = await _taken_over(graph, account.id, sorted({one.name for one in every}), trace)
    if others & were:
        text = "a former sign-in name of the account is another account's today: the log was not searched for it"
        gaps += (UnreadSpan("name_reused", text),)
    if {one.name for one in every} <= others or (
        is_deleted and account.kind is AccountKind.GUEST and not were - others
    ):
        gaps += (UnreadSpan("address", "no name is known that is the account's alone: nothing was searched"),)
    return [one for one in every if one.name not in others], gaps


async def _found(graph: GraphTransport, account: Account, trace: Trace) -> tuple[Row, tuple[UnreadSpan, ...]]:
    try:
        asked = ["id", _SIGN_IN, "mail", "proxyAddresses", "createdDateTime"]
        return await read_user(graph, account.id, asked, trace), ()
    except NotFound:
        if "@" not in account.label:
            raise
        text = "the directory does not know the account any more: searched by the name that it was found under"
        return {_SIGN_IN: account.label}, (UnreadSpan("names_unseen", text),)


def _of_today(row: Row, changes: _Changes, made_at: datetime | None) -> Iterator[LogName]:
    """Yield the account's names in the directory, each since it was added."""
    mail, addresses = row.get("mail"), row.get("proxyAddresses")
    held = [(_SIGN_IN, need(WHO, row, _SIGN_IN, str).casefold())]
    held += [("mail", mail.casefold())] if isinstance(mail, str) else []
    held += [("proxyAddresses", name) for name in _texts(*(addresses if isinstance(addresses, list) else ()))]
    since: dict[str, list[datetime | None]] = {}
    for named, name in held:
        since.setdefault(name, []).append(changes.gained.get((named, name), made_at))
    for name, times in since.items():
        yield LogName(name, min(filter(None, times), default=None))


async def _changes(graph: GraphTransport, account_id: str, trace: Trace) -> _Changes:
    """Return the changes of the account's names in Entra's log of changes.  Raises `Denied` and `NotOnPlan`, as the read does."""
    about = f"targetResources/any(t: t/id eq {quoted(account_id)})"
    asked = get(lambda client: client.audit_logs.directory_audits, filter=about, top=PAGE)
    try:
        rows = await graph.pages(asked, trace, needs=READ_LOGS)
    except NotOnPlan as exc:
        raise await plan_checked(graph, exc, "the changes of names", trace) from exc
    timed = [(instant(WHO, row.get("activityDateTime"), "activityDateTime"), row) for row in rows]
    told = _Changes()
    for at, row in sorted(((at, row) for at, row in timed if at is not None), key=lambda one: one[0]):
        told.add(at, row, account_id)
    return told


async def _taken_over(graph: GraphTransport, account_id: str, names: Sequence[str], trace: Trace) -> set[str]:
    """Return those of *names* that are another account's sign-in name today: the log's records of them may be its."""
    found: set[str] = set()
    for some in few(names):
        about = f"userPrincipalName in ({', '.join(map(quoted, some))})"
        asked = get(lambda client: client.users, filter=about, select=["id", _SIGN_IN])
        rows = await graph.pages(asked, trace, needs=READ_USERS)
        found |= {need(WHO, row, _SIGN_IN, str).casefold() for row in rows if row.get("id") != account_id}
    return found


def _listed(value: object) -> Iterator[str]:
    """Yield the names in a property of the log, a JSON list."""
    try:
        told = json.loads(value) if isinstance(value, str) else []
    except ValueError:
        told = []
    return _texts(*(told if isinstance(told, list) else ()))


def _texts(*values: object) -> Iterator[str]:
    """Yield the addresses among *values*, folded; of those with a prefix only `smtp:`."""
    for value in values:
        if isinstance(value, str) and "@" in value:
            kind, _, name = value.casefold().rpartition(":")
            if kind in {"", "smtp"}:
                yield name
