"""What each search and each read asked, and how much came, is sealed and shown: by that somebody judges whether it was whole."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from sqlmodel import select

from audit.exchanges import bind
from casework import runbook
from casework.clock import DatabaseClock
from casework.erasure import erasing
from casework.errors import CaseworkError
from casework.matching.searching import find_everywhere
from casework.record.facts import Listing, Request
from casework.recording import asked_by, exchanges, is_told
from casework.trail.comparing import told_of
from casework.truth.rows import accounts_of
from connectors.errors import Unreachable
from models.tables import KindRead
from models.vocabulary import EntitlementKind, EntitlementState, Evidence, Service, Standing
from portal.record.composing import compose
from tests.casework.conftest import Office
from tests.casework.leaving import LABEL, finished
from tests.casework.paper import Paper
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


def asked(*evidence: Evidence) -> dict[str, Any]:
    return asked_by(DatabaseClock(), evidence)


class TestAsked:
    def test_pages_and_tries_of_a_request_are_counted(self) -> None:
        """One line for what differs in the page, in the request's number, or in how a vendor's link spells it; in a steady order."""
        told = asked(
            exchange("GET /users [client-request-id 1 in batch 9]", "%24select=id,mail&%24top=999", status=429),
            exchange("GET /users [client-request-id 2]", "%24select=id,mail&%24top=999", after=5),
            exchange("GET /users [client-request-id 3]", "$select=id%2Cmail&$top=999&$skiptoken=abc", after=9),
            exchange("POST /api/users.list", "limit=500&cursor=x%3D", after=2),
            exchange("GET /scim/v2/Users", "startIndex=1001&count=1000", status=None),
            exchange("PATCH /users", None),
        )
        assert told["requests"] == [
            {"what": "GET /scim/v2/Users", "query": "count=1000", "times": 1},
            {"what": "GET /users", "query": "%24select=id%2Cmail&%24top=999", "times": 3},
            {"what": "PATCH /users", "query": None, "times": 1},
            {"what": "POST /api/users.list", "query": "limit=500", "times": 1},
        ]
        assert told["answers"] == {"200": 4, "429": 1, "None": 1}
        assert (told["sent_at"], told["received_at"]) == ("2026-08-03T09:00:00.000Z", "2026-08-03T09:00:10.000Z")

    def test_of_nothing_is_asked_in_vain(self) -> None:
        assert (asked()["requests"], asked()["answers"], asked()["root"]) == ([], {}, None)

    def test_the_root_is_the_leaf_s(self) -> None:
        """Whoever has the exchanges can hold them against it."""
        one = exchange("GET /users", "a=b")
        assert asked(one)["root"] == (bind(exchanges([one])) or {})["root"]

    def test_a_query_is_bounded(self) -> None:
        """A page's mark, of any length, takes nothing from what was asked for; what is cut off is said."""
        marked, long = exchanges(
            [
                exchange("GET /users", "%24skiptoken=" + "x" * 100_000 + "&%24filter=mail"),
                exchange("GET /users", "q=" + "x" * 9_000),
            ]
        )
        assert marked["query"] == "%24filter=mail"
        assert long["query"].endswith("&cut-off")
        assert len(long["query"]) < 10_000

    def test_it_is_in_no_words_of_ours(self) -> None:
        """Where an exchange is printed, in a log or a trace, the names in its query are not."""
        assert "tanaka" not in repr(exchange("GET /users", "email=tanaka%40example.test"))

    def test_is_told_until_it_asks_something_else(self) -> None:
        """How often, in which order and from which instant on it was asked is nothing else; the first since the instant is told."""
        before = asked(exchange("GET /a", "x=1&startTime=09:00"), exchange("GET /b", ""))
        again = asked(exchange("GET /b", "", after=60), *[exchange("GET /a", "x=1&startTime=09:01", after=60)] * 2)
        assert is_told(before, again, AT + timedelta(hours=1))
        assert is_told(before, again, AT - timedelta(hours=1))
        assert not is_told(before, again, AT + timedelta(seconds=30))
        assert not is_told(before, asked(exchange("GET /a", "x=2"), exchange("GET /b", "")), AT)
        assert not is_told(None, again, AT)


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

    async def test_what_could_not_even_be_asked(self, office: Office) -> None:
        """Without any exchange: neither the rows of before are shown, nor is the service left out."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.paper.list_error = office.paper.search_error = Unreachable("paper: gone")
        with suppress(CaseworkError):
            await runbook.make_plan(office.context, case.id)
        listed = of(office, case.id)
        assert (listed[None].rows, listed[None].requests) == (None, ())
        assert (listed[K.GROUP].rows, listed[K.GROUP].requests) == (None, ())

    async def test_a_candidate_of_another_service_s_address_counts(self, office: Office) -> None:
        """Which the first look could not know."""
        google, slack = Paper(now=office.clock), Paper(now=office.clock)
        slack.service = Service.SLACK
        office.context = replace(office.context, connectors={Service.GOOGLE_WORKSPACE: google, Service.SLACK: slack})
        google.add("g1", employee_no="E1", email="hoshi@new.example", name="星 空子")
        slack.add("s1", email="hoshi@new.example", name="Sora")
        case = office.report(email=None)
        await find_everywhere(office.context, case.id)
        searches = [one for one in gather(office.context, case.id).listings if one.kind is None]
        assert {(one.connection, one.rows, one.looked_through) for one in searches} == {
            ("google_workspace", 1, 1),
            ("slack", 1, 1),
        }

    async def test_of_the_leaver_alone(self, office: Office) -> None:
        """An account that turned out to be somebody else's is not told of."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        with office.context.store.write() as session:
            for account in accounts_of(session, case.id):
                account.standing = Standing.REJECTED
                session.add(account)
        assert [one.kind for one in gather(office.context, case.id).listings] == [None]

    async def test_erased_with_the_case(self, office: Office) -> None:
        """The parameters hold addresses; that they are gone is said, and nothing else."""
        case = await finished(office)
        asked = quote_plus(LABEL)
        assert asked in dump(office)
        approved(office, case.id)
        erasing.erase(office.context, case.id)
        assert asked not in dump(office)
        erased = gather(office.context, case.id)
        assert erased.listings == ()
        page = compose(erased)
        (section,) = [one for one in page.sections if one.id == "listings"]
        assert "Erased" in section.grids[0].empty.en


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

    async def test_other_rows_of_the_same_number(self, office: Office) -> None:
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        before = of(office, case.id)[K.GROUP]
        office.paper.holders["g1"].held[K.GROUP] = {"others", "than-before"}
        await runbook.make_plan(office.context, case.id)
        after = of(office, case.id)[K.GROUP]
        assert (before.rows, after.rows) == (2, 2)
        assert after.root != before.root

    async def test_the_database_s_clock_says_when(self, office: Office) -> None:
        """A machine's own may be five minutes fast: what it asked before the instant was not asked after it."""
        clock, now = office.context.store.clock, office.paper.now
        office.paper.holders["g1"].held[K.GRANT] = set()
        case = office.report()
        office.clock.at = case.due_at - timedelta(minutes=2)
        office.paper.now, clock.ahead = lambda: now() + timedelta(minutes=5), -timedelta(minutes=5)
        await runbook.make_plan(office.context, case.id)
        assert of(office, case.id)[K.GRANT].sent_at < case.due_at
        office.paper.now, clock.ahead = now, timedelta(0)
        office.clock.at = case.due_at
        await office.run(case.id)
        assert of(office, case.id)[K.GRANT].sent_at >= case.due_at

    async def test_what_an_earlier_version_read(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of which nothing was told: it is no difference, and the next read is told whole."""
        with monkeypatch.context() as earlier:
            earlier.setattr("casework.truth.listing._tell", lambda *_: None)
            case = office.report()
            await runbook.make_plan(office.context, case.id)
        assert sealed(office, case.id) == []
        assert [one.kind for one in gather(office.context, case.id).listings] == [None]
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert of(office, case.id)[K.GROUP].rows == 0

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
