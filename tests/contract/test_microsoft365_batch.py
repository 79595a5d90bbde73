"""Microsoft 365: the answer to a batch, taken apart, and the emulated tenant's own `$batch`."""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from connectors.errors import ConnectorError, Denied, Throttled, Unintelligible, Unreachable
from connectors.kit.exchange import Exchange, Reply, Trace
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.batching import MOST_IN_ONE, apart
from connectors.microsoft365.errors import GONE, NotFound, Outcome, judge
from tests.contract.rig import Rig
from tests.contract.rig_microsoft365 import graph_of, rig

PLAIN = "E1010"


READ = Exchange(WHO, "GET /users/1", "GET /users/1 [client-request-id i]", "")
BATCH = Exchange(WHO, "POST /$batch", "POST /$batch [client-request-id n]", write=True)


def brought(status: int, body: object, **headers: str) -> Outcome:
    """Return an answer to a batch."""
    return Outcome(BATCH, datetime.now(UTC), Reply(status, headers, json.dumps(body).encode()))


def parts(whole: Outcome, many: int) -> list[Outcome]:
    """Take *whole* apart, the answer to requests with the ids "1", "2", …"""
    ids = [str(n) for n in range(1, many + 1)]
    found = apart(whole, dict.fromkeys(ids, READ))
    assert list(found) == ids
    return list(found.values())


def judged(one: Outcome) -> Any:
    """Return what *one* means as the answer to a read of a user, or the class of its failure."""
    try:
        return judge(one, [], gone=GONE)
    except ConnectorError as error:
        return type(error)


def told(number: object, status: object = 200, **more: object) -> dict[str, object]:
    """Return one answer in a batch's."""
    return {"id": number, "status": status, "body": {"n": number}} | more


class TestApart:
    @pytest.mark.parametrize("order", list(itertools.permutations("123")))
    def test_any_order(self, order: tuple[str, ...]) -> None:
        """Answers belong to the requests whose ids they bear, in whatever order they come."""
        answers = parts(brought(200, {"responses": [told(number) for number in order]}), 3)
        assert [judged(one) for one in answers] == [{"n": "1"}, {"n": "2"}, {"n": "3"}]

    def test_each_its_own_failure(self) -> None:
        """Statuses, codes and waits are those of the one answer."""
        gone = {"error": {"code": "Request_ResourceNotFound"}}
        responses = [
            told("4", 404, body=gone),
            told("1", 429, headers={"Retry-After": 7}),
            told("3", 403),
            told("2", 503, body="PGh0bWw+"),
        ]
        answers = parts(brought(200, {"responses": responses}, date="Sun, 22 Nov 2026 00:00:00 GMT"), 4)
        assert [judged(one) for one in answers] == [Throttled, Unreachable, Denied, NotFound]
        with pytest.raises(Throttled) as raised:
            judge(answers[0], [])
        assert raised.value.retry_after is not None
        assert raised.value.retry_after.total_seconds() == 7
        assert {one.reply.headers["date"] for one in answers if one.reply is not None} == {
            "Sun, 22 Nov 2026 00:00:00 GMT"
        }

    @pytest.mark.parametrize("batch", [{"date": "Sun, 22 Nov 2026 00:00:00 GMT"}, {}], ids=["dated", "undated"])
    def test_its_own_date(self, batch: dict[str, str]) -> None:
        """The vendor's clock is the batch's: what an answer in it says of the date is no clock, and no wait is reckoned by it."""
        own = {"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 00:00:09 GMT"}
        (answer,) = parts(brought(200, {"responses": [told("1", 429, headers=own)]}, **batch), 1)
        trace: Trace = []
        with pytest.raises(Throttled) as raised:
            judge(answer, trace)
        assert trace[0].vendor_at == (datetime(2026, 11, 22, tzinfo=UTC) if batch else None)
        assert raised.value.retry_after is not None
        assert raised.value.retry_after < timedelta(days=365)

    def test_one_is_missing(self) -> None:
        """The one without an answer was not answered; the others were."""
        answers = parts(brought(200, {"responses": [told("3"), told("1")], "nextLink": "more"}), 3)
        assert [judged(one) for one in answers] == [{"n": "1"}, Unreachable, {"n": "3"}]

    @pytest.mark.parametrize(
        "responses",
        [
            [told("1"), told("1")],
            [told("1"), told("2"), told("2", 404)],
            [told("1"), told("3")],
            [told(1), told(2)],
            [told(["1"]), told("2")],
            [{"status": 200, "body": {}}, told("2")],
            [None],
            "12",
            None,
        ],
        ids=repr,
    )
    def test_not_to_be_told_apart(self, responses: object) -> None:
        """Where ids come twice, are not ours or are none, no answer is believed."""
        answers = parts(brought(200, {"responses": responses}), 2)
        assert [judged(one) for one in answers] == [Unintelligible] * 2

    @pytest.mark.parametrize(
        "odd",
        [
            {"id": "1", "status": 200},
            told("1", body=None),
            told("1", body=[]),
            told("1", body="PGh0bWw+"),
            told("1", 204),
            told("1", 302, headers={"location": "https://elsewhere.example"}),
        ],
        ids=repr,
    )
    def test_odd_answer(self, odd: dict[str, object]) -> None:
        """One that is not an answer is not believed; the others are."""
        first, second = parts(brought(200, {"responses": [odd, told("2", headers=[])]}), 2)
        assert judged(first) in {Unintelligible, None}
        assert judged(second) == {"n": "2"}

    @pytest.mark.parametrize("status", ["200", 200.0, True, None, 0, -200, 99, 600, 10**20], ids=repr)
    def test_no_status(self, status: object) -> None:
        """What is no status stands for none, and the batch's own does not stand in for it; the others are believed."""
        first, second = parts(brought(200, {"responses": [told("1", status), told("2")]}), 2)
        trace: Trace = []
        with pytest.raises(Unintelligible):
            judge(first, trace)
        assert [(e.status, e.response_sha256) for e in trace] == [(None, hashlib.sha256(b'{"n":"1"}').hexdigest())]
        assert judged(second) == {"n": "2"}

    def test_the_vendors_clock(self) -> None:
        """It is the batch's: what one answer says of the time is not believed, and breaks nothing."""
        now = "Sun, 22 Nov 2026 00:00:00 GMT"
        headers = {"Date": "Sun, 22 Nov 2030 00:00:00 GMT", "Retry-After": "Mon, 01 Jan 99999999999 00:00:00 GMT"}
        answers = parts(
            brought(200, {"responses": [told("1", headers=headers), told("2", 429, headers=headers)]}, date=now), 2
        )
        trace: Trace = []
        judge(answers[0], trace)
        with pytest.raises(Throttled) as raised:
            judge(answers[1], trace)
        assert raised.value.retry_after is None
        assert {e.vendor_at for e in trace} == {datetime(2026, 11, 22, tzinfo=UTC)}

    @pytest.mark.parametrize("depth", [500, 900, 5_000, 200_000])
    def test_too_deep(self, depth: int) -> None:
        """What is nested too deeply to be read, or to be written again, is not believed, and breaks nothing."""
        deep = "[" * depth + "]" * depth
        text = f'{{"responses": [{{"id": "1", "status": 200, "body": {deep}}}]}}'
        (one,) = parts(Outcome(BATCH, datetime.now(UTC), Reply(200, {}, text.encode())), 1)
        assert judged(one) is Unintelligible
        by_itself = Outcome(READ, datetime.now(UTC), Reply(200, {}, deep.encode()))
        assert judged(by_itself) is Unintelligible

    @pytest.mark.parametrize("status", [201, 202, 206])
    def test_another_success(self, status: int) -> None:
        """A batch is answered by 200: what comes under another success may be half of it, or something else."""
        (one,) = parts(brought(status, {"responses": [told("1")]}), 1)
        assert judged(one) is Unintelligible

    def test_half_a_character(self) -> None:
        """A character that is cut in half stays what it was."""
        (one,) = parts(brought(200, {"responses": [told("1", body={"name": "\ud842"})]}), 1)
        assert judged(one) == {"name": "\ud842"}


class TestEmulator:
    """The tenant's own `$batch`, held to the vendor's page."""

    async def post(self, r: Rig, body: object, **headers: str) -> Reply:
        """Send *body* as a batch."""
        graph = graph_of(r)
        request = RequestInformation(Method.POST)
        request.url = f"{graph.endpoint}/$batch"
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            request.headers.try_add(name, value)
        request.content = json.dumps(body).encode()
        reply = (await graph.send(request, "mine", urgent=False)).reply
        assert reply is not None
        return reply

    async def test_answers(self) -> None:
        """Each request is answered for itself, with status, headers and body; not in the order of the asking."""
        async with rig() as r:
            asked = [
                {"id": "a", "method": "GET", "url": "/organization"},
                {"id": "b", "method": "GET", "url": "users?$filter=employeeId eq 'E1001'&$select=id"},
                {"id": "c", "method": "GET", "url": "/users/nobody"},
                {"id": "d", "method": "GET", "url": "/colours"},
                {"id": "e", "method": "PATCH", "url": f"/users/{r.account_id(PLAIN)}", "headers": {"Content-Type": "application/json"},
                 "body": {"accountEnabled": False}},
            ]  # fmt: skip
            answer = await self.post(r, {"requests": asked})
            responses = {one["id"]: one for one in json.loads(answer.content)["responses"]}
            assert answer.status == 200
            assert list(responses) != ["a", "b", "c", "d", "e"]
            assert {number: one["status"] for number, one in sorted(responses.items())} == {
                "a": 200, "b": 200, "c": 404, "d": 400, "e": 204,
            }  # fmt: skip
            assert responses["b"]["body"]["value"] == [{"id": r.account_id("E1001")}]
            assert responses["c"]["body"]["error"]["code"] == "Request_ResourceNotFound"
            assert "body" not in responses["e"]
            assert r.changed() == {r.account_id(PLAIN)}
            assert answer.headers["client-request-id"] == "mine"

    async def test_consistency_level_is_the_requests(self) -> None:
        """The batch's own consistency level is not handed to what is in it."""
        async with rig() as r:
            asked = {"id": "1", "method": "GET", "url": "/users?$count=true&$filter=accountEnabled ne true"}
            for outer, own, status in (
                ({"ConsistencyLevel": "eventual"}, {}, 400),
                ({}, {"ConsistencyLevel": "eventual"}, 200),
            ):
                answer = await self.post(r, {"requests": [asked | {"headers": own}]}, **outer)
                assert [one["status"] for one in json.loads(answer.content)["responses"]] == [status]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            {"requests": []},
            {"requests": {"id": "1"}},
            {"requests": [{"id": str(n), "method": "GET", "url": "/users"} for n in range(MOST_IN_ONE + 1)]},
            {"requests": [{"id": number, "method": "GET", "url": "/users"} for number in ("a", "A")]},
            {"requests": [{"id": 1, "method": "GET", "url": "/users"}]},
            {"requests": [{"id": "1", "method": "GET"}]},
            {"requests": [{"id": "1", "method": "LOOK", "url": "/users"}]},
            {"requests": [{"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users"}]},
            {"requests": [{"id": "1", "method": "POST", "url": "/$batch"}]},
            {"requests": [{"id": "1", "method": "PATCH", "url": "/users/1", "body": {}}]},
            {"requests": [{"id": "1", "method": "GET", "url": "/users", "headers": {"a": 1}}]},
            {"requests": [{"id": "1", "method": "GET", "url": "/users", "depends_on": []}]},
        ],
    )
    async def test_refused(self, body: object) -> None:
        """What is no batch, or too large a one, is refused whole."""
        async with rig() as r:
            answer = await self.post(r, body)
            assert (answer.status, [q for q in r.stage.journal if q.inner]) == (400, [])

    async def test_without_its_type(self) -> None:
        """So is a body of another type."""
        async with rig() as r:
            answer = await self.post(
                r, {"requests": [{"id": "1", "method": "GET", "url": "/users"}]}, **{"Content-Type": "text/plain"}
            )
            assert answer.status == 400
