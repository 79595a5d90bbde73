"""What the contract tests need from each service: its connector, wired to its emulated tenant on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.contract import Connector
from emulators.company import PEOPLE, Person
from emulators.fault_proxy import FaultProxy
from models.vocabulary import Account, Leaver, Service


@dataclass(frozen=True, slots=True)
class Rig:
    """
    One service under test.

    *stage* has `faults` and `journal`; *tenant* is the emulator's own state, for arranging and for the truth.
    *account_id(employee_no)* gives the tenant's id of a person, *held(account_id)* the ids of all entitlements
    (`service:account:kind:vendor_id`) that the tenant truly grants now, *changed()* the ids of the accounts whose
    state differs from what it was when the rig was built.
    """

    service: Service
    stage: FaultProxy
    tenant: Any
    connector: Connector
    account_id: Callable[[str], str]
    held: Callable[[str], set[str]]
    changed: Callable[[], set[str]]


@dataclass(frozen=True, slots=True)
class ActivityRig:
    """
    What the tests of activity need from a service: `ACTIVITY` in its `rig_<service>` module.

    *source* is the log under test; *options* are the tenant's, for pages of one entry; *record* writes one download of an
    account's at an instant; *pages*: how a request for a page looks to a fault ("METHOD /path?query", a regular expression).
    """

    source: str
    options: Mapping[str, Any]
    record: Callable[[Any, str, datetime], None]
    pages: str


class Rigging(Protocol):
    """Builds a fresh rig: `async with rig(page_size=1) as r`.  Options are the emulator's (page size, plan, latency …)."""

    def __call__(self, **options: Any) -> AbstractAsyncContextManager[Rig]: ...


def leaver(employee_no: str) -> Leaver:
    """Return HR's view of one of the company's people."""
    person: Person = next(p for p in PEOPLE if p.employee_no == employee_no)
    return Leaver(
        employee_no=person.employee_no,
        name=person.name,
        email=person.email,
        kana=person.kana,
        romaji=person.romaji,
        former_name=person.former_name,
        other_emails=(person.private_email,) if person.private_email and not person.guest else (),
    )


async def account_of(rig: Rig, employee_no: str) -> Account:
    """Return a person's account as the connector finds it."""
    matches = await rig.connector.find_accounts(leaver(employee_no))
    return next(match.account for match in matches if match.account.id == rig.account_id(employee_no))
