"""What each search and each read asked, and how much came, is sealed and shown: by that somebody judges whether it was whole."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from sqlmodel import select

from casework import runbook
from casework.erasure import erasing
from casework.errors import CaseworkError
from casework.record.facts import Listing, Request
from casework.recording import asked_by, exchanges
from casework.trail.comparing import told_of
from connectors.errors import Unreachable
from models.tables import KindRead
from models.vocabulary import EntitlementKind, EntitlementState, Evidence
from tests.casework.conftest import Office
from tests.casework.leaving import LABEL, finished
from tests.casework.records import gather
from tests.casework.test_erasing import approved, dump

K = EntitlementKind
AT = datetime(2026, 8, 3, 9, tzinfo=UTC)


def exchange(what: str, query: str | None, *, after: int = 0, status: int | None = 200) -> Evidence:
    at = AT + timedelta(seconds=after)
    return Evidence(what, at, at + timedelta(seconds=1), status, query=query)


def sealed(office: Office, case_id: str) -> list[dict[str, Any]]:
    """What the events of a case say of its reads, kind by kind: each payload that says something."""
    with office.context.store.read() as session:
        payloads = [payload or {} for _, payload in told_of(session.connection(), case_id)]
    reads = (payload.get("changed", {}).get("kind_read", {}) for payload in payloads)
    return [{key.rpartition(" ")[2]: columns for key, columns in one.items()} for one in reads if one]


def of(office: Office, case_id: str) -> dict[EntitlementKind | None, Listing]:
    return {one.kind: one for one in gather(office.context, case_id).listings}


class TestAsked:
    def test_pages_and_tries_of_a_request_are_counted(self) -> None:
        """One line for what differs in the page, and in the request's number, alone; in the order in which it was asked."""
        listed = exchanges(
            [
                exchange("GET /users [client-request-id 1 in batch 9]", "%24select=id&%24top=999", status=429),
                exchange("GET /users [client-request-id 2]", "%24select=id&%24top=999", after=5),
                exchange("GET /users [client-request-id 3]", "%24select=id&%24top=999&%24skiptoken=abc", after=9),
                exchange("POST /api/users.list", "limit=500&cursor=x%3D", after=2),
                exchange("GET /scim/v2/Users", "startIndex=1001&count=1000", status=None),
                exchange("PATCH /users", None),
            ]
        )
        told = asked_by(listed)
        assert told["requests"] == [
            {"what": "GET /users", "query": "%24select=id&%24top=999", "times": 3},
            {"what": "POST /api/users.list", "query": "limit=500", "times": 1},
            {"what": "GET /scim/v2/Users", "query": "count=1000", "times": 1},
            {"what": "PATCH /users", "query": None, "times": 1},
        ]
        assert told["answers"] == {"200": 4, "429": 1, "None": 1}
        assert (told["sent_at"], told["received_at"]) == ("2026-08-03T09:00:00Z", "2026-08-03T09:00:10Z")

    def test_of_nothing_is_nothing(self) -> None:
        assert asked_by([]) == {}

    def test_a_query_is_bounded(self) -> None:
        """Which page it asks for is in the vendor's words, and those may be of any length."""
        (kept,) = exchanges([exchange("GET /users", "$skiptoken=" + "x" * 100_000)])
        assert len(kept["query"]) < 10_000


class TestShown:
    async def test_every_kind_and_the_search(self, office: Office) -> None:
        """A kind of which nothing was found as well: that it was looked for is what has to be shown."""
        office.paper.holders["g1"].held[K.GRANT] = set()
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        listed = of(office, case.id)
        assert {*listed} == {None, *office.paper.manifest.kinds}
        assert listed[None].requests == (Request("GET /paper", "email=e1%40example.test", 1),)
        assert (listed[None].rows, listed[None].looked_through) == (1, 2)
        assert listed[K.GRANT].requests == (Request("GET /paper", "kind=grant", 1),)
        assert (listed[K.GRANT].rows, listed[K.GROUP].rows, listed[K.SIGN_IN].rows) == (0, 0, 0)
        assert all(one.sent_at >= case.due_at for one in listed.values())

    async def test_what_could_not_be_read(self, office: Office) -> None:
        """A read that failed shows no rows, not none; a search that failed likewise, with what it asked until then."""
        office.paper.blind = {K.GRANT: EntitlementState.UNREADABLE}
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        assert of(office, case.id)[K.GRANT].rows is None
        office.paper.search_error = Unreachable("paper: gone", evidence=(exchange("GET /paper", "a=b", status=503),))
        with suppress(CaseworkError):
            await runbook.make_plan(office.context, case.id)
        search = of(office, case.id)[None]
        assert (search.rows, search.looked_through, search.answers) == (None, None, {"503": 1})

    async def test_erased_with_the_case(self, office: Office) -> None:
        """The parameters hold addresses."""
        case = await finished(office)
        asked = quote_plus(LABEL)
        assert asked in dump(office)
        approved(office, case.id)
        erasing.erase(office.context, case.id)
        assert asked not in dump(office)
        assert gather(office.context, case.id).listings == ()


class TestSealed:
    async def test_once_until_it_asks_or_shows_something_else(self, office: Office) -> None:
        """Not at each look: a case that waits for a person is read every hour."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        (first,) = (one for one in sealed(office, case.id) if K.GROUP in one)
        assert first[K.GROUP]["rows"] == 2
        told = len(sealed(office, case.id))
        await runbook.make_plan(office.context, case.id)
        assert len(sealed(office, case.id)) == told
        office.paper.holders["g1"].held[K.GROUP].add("new")
        await runbook.make_plan(office.context, case.id)
        (again,) = sealed(office, case.id)[told:]
        assert {kind: columns["rows"] for kind, columns in again.items()} == {K.GROUP: 3}

    async def test_once_more_since_the_instant(self, office: Office) -> None:
        """What a plan saw is no proof of what was there when the access ended, though it was the same."""
        office.paper.holders["g1"].held[K.GRANT] = set()
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        with office.context.store.read() as session:
            (before,) = session.exec(select(KindRead).where(KindRead.kind == K.GRANT)).all()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        after = of(office, case.id)[K.GRANT]
        assert before.asked is not None
        assert datetime.fromisoformat(before.asked["sent_at"]) < case.due_at <= after.sent_at
        assert (before.rows, after.rows) == (0, 0)
