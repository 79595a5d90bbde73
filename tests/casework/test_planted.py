"""In a company with planted leaks most are found, with a first sentence that is true, and hardly anybody honest is accused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from casework import runbook
from casework.activity import collecting
from casework.activity.collecting import collect
from casework.policy import ActivityPolicy as Rules
from casework.policy import Policy
from connectors.activity import Activity, ActivitySource
from models.vocabulary import Json
from tests.casework.conftest import Office
from tests.casework.ledger import Ledger, event
from tests.casework.shown import show
from tests.planted.company import Company
from tests.planted.leaks import LEAKS
from tests.planted.people import DAYS, Person
from tests.planted.truth import NAMES

_FIELDS = ("object_id", "title", "folder", "size", "label", "target", "by_program", "ip", "device")


@dataclass
class Archive(Ledger):
    """A log that keeps all the days of a made-up company."""

    activity_sources: tuple[ActivitySource, ...] = (
        ActivitySource("drive", timedelta(hours=2), timedelta(days=400), ()),
    )


def raw(number: int, act: Activity) -> dict[str, Json]:
    """Return *act* as the vendor's log has it."""
    told: dict[str, Json] = {name: getattr(act, name) for name in _FIELDS if getattr(act, name) is not None}
    return event(number, act.at, act.kind, **told)


class TestCompany:
    def test_small(self) -> None:
        """Of sixty people ten leak, each in another way: at least seven are found with a true first sentence, at most two honest people accused."""
        company = Company("small", 60, 10)
        people = [company.weigh(number) for number in range(company.people)]
        leaks = [one for one in people if one.leaks]
        assert [one.word for one in leaks] == [leak.__name__ for leak in LEAKS]
        assert sum(one.is_accused and one.true for one in leaks) >= 7
        assert sum(one.is_accused for one in people if not one.leaks) <= 2

    def test_the_same_again(self) -> None:
        """A person follows from the seed and the number."""
        one, again = (Company("small", 60, 10).weigh(3) for _ in range(2))
        assert one == again

    def test_every_leak_may_be_named(self) -> None:
        """There are words by which each kind may be named truly."""
        assert {leak.__name__ for leak in LEAKS} == NAMES.keys()


class TestCollected:
    async def test_as_weighed(self, make_office: Callable[..., Office]) -> None:
        """Thirteen people's logs, one with each kind of leak, collected as evidence and summarised, give the verdicts and first reasons that weighing them alone gives."""
        company = Company("collected", 13, 10, ends_on=date(2026, 11, 30))
        office = make_office(policy=Policy(activity=Rules(window_days=DAYS)), kind=Archive)
        office.clock.at = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
        expected, found = {}, {}
        for number in range(company.people):
            weighed = company.weigh(number)
            expected[number] = weighed.verdict, weighed.reasons[:1]
            found[number] = told(await collected(office, company.person(number)[0]))
        assert found == expected
        assert {verdict for verdict, _ in found.values()} >= {"unusual", "nothing_unusual"}


async def collected(office: Office, p: Person) -> dict[str, Any]:
    """Collect the logs of *p* and return what is shown of them."""
    log, who = office.paper, p.leaver
    assert isinstance(log, Archive)
    log.page_size = 1000
    log.add(f"g{p.number}", employee_no=who.employee_no, email=str(who.email), name=who.name)
    inside = (act for _, act in p.done() if p.begins_at <= act.at < p.ends_at)
    log.happened(f"g{p.number}", (raw(1_000_000 * p.number + n, act) for n, act in enumerate(inside)))
    case = office.report(employee_no=who.employee_no, email=who.email, other_emails=who.other_emails, romaji=who.romaji)
    await runbook.make_plan(office.context, case.id)
    await collect(office.context, case.id, seconds=600)
    await collecting.conclude(office.context, case.id)
    return dict(show(office.context, case.id)["downloads"])


def told(shown: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return shown["verdict"], tuple(risk["reason"] for risk in shown["risks"][:1])
