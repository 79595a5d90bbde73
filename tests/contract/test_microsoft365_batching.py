"""Microsoft 365: many reads in one request, each with an answer, a failure and a proof of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from connectors.contract import Listing
from connectors.errors import ConnectorError, Denied, Throttled, Unintelligible, Unreachable
from connectors.kit.exchange import Reply, Trace
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace, together
from connectors.microsoft365 import Settings
from connectors.microsoft365.batching import MOST_IN_ONE, BatchedReads
from connectors.microsoft365.directory import read_user
from connectors.microsoft365.errors import GONE, NotFound, Outcome
from connectors.microsoft365.limits import LIMITS
from connectors.microsoft365.listings import (
    app_roles,
    eligibilities,
    grants,
    memberships,
    ownerships,
    role_assignments,
)
from connectors.microsoft365.transport import GraphTransport, Reads
from emulators.fault_proxy import Fault, Request
from emulators.microsoft365.permissions import READ_TIER, WRITE_TIER
from models.vocabulary import Account, EntitlementKind, EntitlementState, Service
from tests.contract.rig import Rig, leaver
from tests.contract.rig_microsoft365 import FAST, graph_of, rig

K, State = EntitlementKind, EntitlementState
BATCH = r"POST /v1.0/\$batch"
PLAIN = "E1010"
"""Somebody who owns no group: nothing depends on an answer."""


async def listed(r: Rig, person: str = PLAIN, *kinds: EntitlementKind) -> Listing:
    """List what *person* holds."""
    return await r.connector.list_access(Account(Service.MICROSOFT365, r.account_id(person)), frozenset(kinds) or None)


def calls(r: Rig) -> list[Request]:
    """Return the requests to Graph that came by themselves."""
    return [q for q in r.stage.journal if q.path.startswith("/v1.0/") and not q.inner]


def inner(r: Rig) -> list[str]:
    """Return the lines of the requests in batches."""
    return [q.line for q in r.stage.journal if q.inner]


class TestOneExchange:
    async def test_of_a_listing(self) -> None:
        """All that one account holds is read in one exchange, and nothing in it is asked twice."""
        async with rig() as r:
            listing = await listed(r)
            assert [q.line for q in calls(r)] == ["POST /v1.0/$batch"]
            assert len(set(inner(r))) == len(inner(r)) == 7
            assert {row.id for row in listing} == r.held(r.account_id(PLAIN))

    async def test_what_depends_on_an_answer(self) -> None:
        """What can be asked only after an answer is a second one, whoever else waits for that answer."""
        async with rig(own_roles=["Privileged Authentication Administrator"]) as r:
            await listed(r, "E1009")  # who else is administrator, and can they sign in; may we touch them
            assert len(calls(r)) <= 6
            assert len(set(inner(r))) == len(inner(r))

    async def test_of_a_search(self) -> None:
        """A search for somebody's accounts is one exchange, beside the one directory that all share."""
        async with rig() as r:
            await r.connector.find_accounts(leaver("E1001"))
            r.stage.journal.clear()
            await r.connector.find_accounts(leaver("E1002"))
            assert [q.line for q in calls(r)] == ["POST /v1.0/$batch"]
            assert len(inner(r)) == 6

    async def test_of_what_comes_one_after_the_other(self) -> None:
        """A batch waits as long as each turn of the event loop brings one more."""
        async with rig() as r:
            reads, user = BatchedReads(graph_of(r)), r.account_id(PLAIN)

            async def after(turns: int, listing: Callable[[Reads, str, Trace], Awaitable[object]]) -> None:
                for _ in range(turns):
                    await asyncio.sleep(0)
                await listing(reads, user, [])

            kinds = (memberships, ownerships, role_assignments, eligibilities, grants, app_roles)
            await together(*(after(turns, kind) for turns, kind in enumerate(kinds)))
            assert (len(calls(r)), len(inner(r))) == (1, len(kinds))

    async def test_one_request_goes_by_itself(self) -> None:
        """A read-back that needs one request sends it bare."""
        async with rig() as r:
            await listed(r, PLAIN, K.SESSION)
            assert [(q.method, q.path) for q in calls(r)] == [("GET", f"/v1.0/users/{r.account_id(PLAIN)}")]

    async def test_is_read_again(self) -> None:
        """What is asked once is asked once a listing: the next one sees what has changed."""
        async with rig() as r:
            assert K.SIGN_IN in {row.kind for row in await listed(r)}
            r.tenant.directory.users[r.account_id(PLAIN)]["accountEnabled"] = False
            assert K.SIGN_IN not in {row.kind for row in await listed(r)}

    async def test_of_two_at_once(self) -> None:
        """Listings share nothing, not even those of one account at one time: each asks for all of its own, after it began."""
        async with rig() as r:
            await listed(r)
            r.stage.journal.clear()
            slow = Fault(BATCH, delay=0.5)
            r.stage.faults.append(slow)
            first = asyncio.ensure_future(listed(r))
            while slow.times:  # it has not arrived yet
                await asyncio.sleep(0.01)
            r.tenant.directory.users[r.account_id(PLAIN)]["accountEnabled"] = False
            changed_at = datetime.now(UTC)
            listings = await asyncio.gather(listed(r), listed(r), first)
            exchanges = [{e for seen in listing.evidence.values() for e in seen} for listing in listings]
            assert [len(seen) for seen in exchanges] == [7, 7, 7]
            assert len({e.what for seen in exchanges for e in seen}) == sum(map(len, exchanges))
            assert min(e.sent_at for seen in exchanges[:2] for e in seen) >= changed_at
            assert max(e.sent_at for e in exchanges[2]) <= changed_at  # whatever it shows, it was asked before
            assert not [row for listing in listings[:2] for row in listing if row.kind is K.SIGN_IN]

    async def test_as_it_goes_by_itself(self) -> None:
        """In a batch each request is, letter for letter, what it is by itself."""

        async def ask(reads: Reads, user: str) -> list[str]:
            r.stage.journal.clear()
            await together(
                memberships(reads, user, []),
                ownerships(reads, user, []),
                role_assignments(reads, user, []),
                eligibilities(reads, user, []),
            )
            await together(read_user(reads, user, ["id", "mail"], []), memberships(graph_of(r), user, []))
            return sorted(q.line for q in r.stage.journal if q.method == "GET")

        async with rig() as r:
            user = r.account_id("E1001")
            by_itself = await ask(graph_of(r), user)
            assert await ask(BatchedReads(graph_of(r)), user) == by_itself

    async def test_headers_of_its_own(self) -> None:
        """An advanced query's consistency level stands with that query: the batch's own headers are for no request in it."""

        def advanced(clause: str) -> Any:
            def build(_: object) -> RequestInformation:
                request = RequestInformation(Method.GET)
                request.url = f"{graph_of(r).endpoint}/users?%24count=true&%24filter={clause}&%24select=id&%24top=999"
                request.headers.try_add("ConsistencyLevel", "eventual")
                return request

            return build

        async with rig() as r:
            reads = BatchedReads(graph_of(r))
            clauses = ("accountEnabled%20ne%20true", "endsWith(mail,'@hoshizora.example')")
            none, all_of_them = await together(*(reads.pages(advanced(clause), []) for clause in clauses))
            assert (len(none), len(calls(r))) == (0, 1)
            assert len(all_of_them) > 50

    async def test_another_cloud(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The batch goes to the configured Graph, wherever it stands, and names what is in it relatively."""
        endpoint = "https://127.0.0.1:1/gateway/v1.0"
        settings = Settings(_env_file=None, graph_endpoint=endpoint, tenant_id="t", client_id="c", client_secret="s")
        graph = GraphTransport(
            settings, settings.reader, FAST, Limits("microsoft365", LIMITS, FAST.sleep, FAST.longest)
        )
        sent: list[RequestInformation] = []

        async def send(request: RequestInformation, number: str, *, urgent: bool) -> Outcome:
            sent.append(request)
            assert not urgent
            return Outcome(graph.exchange(request, number), datetime.now(UTC), Reply(500, {}, b""))

        monkeypatch.setattr(graph, "send", send)
        reads = BatchedReads(graph)
        trace: Trace = []
        with pytest.raises(Unreachable, match=r"cannot GET /users/u/memberOf: HTTP 500"):
            await together(memberships(reads, "u", trace), ownerships(reads, "u", trace))
        await graph.aclose()
        assert sent[0].url == f"{endpoint}/$batch"
        assert [one["url"] for one in json.loads(sent[0].content or b"")["requests"]] == [
            "/users/u/memberOf?$top=999", "/users/u/ownedObjects?$top=999",
        ]  # fmt: skip


class TestPages:
    async def test_further_ones_by_themselves(self) -> None:
        """A next link in a batch's answer is followed by itself, to the end."""
        async with rig(page_size=1, empty_page=True) as r:
            listing = await listed(r, "E1001")
            assert {row.id for row in listing} == r.held(r.account_id("E1001"))
            assert not [line for line in inner(r) if "skiptoken" in line]
            further = [q.line for q in calls(r) if "skiptoken" in q.line]
            assert len(set(further)) == len(further) > 3
            exchanges = {e for seen in listing.evidence.values() for e in seen}
            assert len([e for e in exchanges if " in batch " not in e.what]) >= len(further)

    async def test_further_one_is_refused(self) -> None:
        """It is its kind's failure, whose permission is named."""
        async with rig(page_size=1) as r:
            r.stage.faults.append(Fault("memberOf.*skiptoken", status=403))
            (row,) = await listed(r, "E1001", K.GROUP)
            assert (row.state, "GroupMember.Read.All" in (row.remedy or "")) == (State.UNREADABLE, True)

    async def test_more_than_twenty(self) -> None:
        """More requests than one batch takes are several batches; the last owner of each group is still told."""
        async with rig() as r:
            user = r.account_id(PLAIN)
            model = next(g for g in r.tenant.directory.groups.values() if not g["mailEnabled"] and not g["groupTypes"])
            groups = [f"{n:08}-0000-0000-0000-000000000000" for n in range(2 * MOST_IN_ONE + 5)]
            for group in groups:
                r.tenant.directory.groups[group] = {**model, "id": group, "onPremisesSyncEnabled": None}
                r.tenant.directory.owners[group, user] = None
            rows = [row for row in await listed(r, PLAIN, K.GROUP) if row.vendor_id.startswith("owner/")]
            assert {row.vendor_id for row in rows} == {f"owner/{group}" for group in groups}
            assert {row.guard for row in rows} == {"last_owner"}
            sizes = [len(json.loads(q.body)["requests"]) for q in calls(r)]
            assert sum(sizes) == len(groups) + 2 > 2 * MOST_IN_ONE
            assert max(sizes) == MOST_IN_ONE
            assert len(sizes) == 1 + -(-len(groups) // MOST_IN_ONE)


class TestEachForItself:
    async def test_refused(self) -> None:
        """A permission that is missing for one kind is that kind's, with its own remedy; the others are read."""
        async with rig(
            permissions=(READ_TIER | WRITE_TIER) - {"DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All"}
        ) as r:
            listing = await listed(r)
            states = {kind: {row.state for row in listing if row.kind is kind} for kind in K}
            assert states[K.GRANT] == {State.UNREADABLE}
            assert states[K.SIGN_IN] == states[K.GROUP] == {State.FOUND}
            (row,) = [row for row in listing if row.kind is K.GRANT]
            assert "Directory.Read.All" in (row.remedy or "")
            assert {e.code for e in listing.evidence[K.GRANT] if e.status == 403} == {"Authorization_RequestDenied"}
            assert len(calls(r)) == 1  # a refusal is final
            assert {e.status for e in listing.evidence[K.SESSION]} == {200}

    async def test_gone(self) -> None:
        """That there is no such user is believed of the answer to that request, in a batch too."""
        async with rig() as r:
            nobody = Account(Service.MICROSOFT365, "00000000-0000-0000-0000-000000000000")
            listing = await r.connector.list_access(nobody)
            assert not {K.SIGN_IN, K.SESSION} & {row.kind for row in listing}
            assert {e.status for e in listing.evidence[K.SESSION]} == {404}

    async def test_what_it_means_to_whom(self) -> None:
        """Who asks says what an answer means: absence, and the permission to name, are not taken over from who asked the same."""

        def nobody(client: Any) -> Any:
            return client.users.by_user_id("nobody").to_get_request_information()

        async with rig() as r:
            reads = BatchedReads(graph_of(r))
            with pytest.raises(NotFound):
                await reads.read(nobody, [], gone=GONE)
            with pytest.raises(Unintelligible) as absent:
                await reads.read(nobody, [])
            assert not isinstance(absent.value, NotFound)
            r.stage.faults.append(Fault("nobody", status=403, times=None))
            for ask in (reads.read, reads.pages):
                for needs in ("One.Read", "Other.Read"):
                    with pytest.raises(Denied, match="403") as denied:
                        await ask(nobody, [], needs=(needs,))
                    assert needs in denied.value.advice

    async def test_throttled(self) -> None:
        """One that is throttled waits as long as it is asked to, and alone is asked again."""
        waited: list[float] = []

        async def sleep(seconds: float) -> None:
            waited.append(seconds)

        async with rig(pace=Pace(tries=3, sleep=sleep)) as r:
            r.stage.faults.append(Fault("memberOf", status=429, headers={"Retry-After": "7"}))
            listing = await listed(r)
            assert {row.id for row in listing} == r.held(r.account_id(PLAIN))
            assert [wait for wait in waited if wait == 7.0] == [7.0]  # what the limit still has to wait is less
            again = [q.line for q in calls(r)][1:]
            assert again == [f"GET /v1.0/users/{r.account_id(PLAIN)}/memberOf?$top=999"]
            assert [e.status for e in listing.evidence[K.GROUP] if "memberOf" in e.what] == [429, 200]

    async def test_throttled_for_long(self) -> None:
        """A wait that is longer than ours to bear is passed on as that one request's, and nobody else waits for it."""
        async with rig() as r:
            r.stage.faults.append(
                Fault("oauth2PermissionGrants", status=429, headers={"Retry-After": "300"}, times=None)
            )
            with pytest.raises(Throttled) as raised:
                await BatchedReads(graph_of(r)).pages(
                    lambda client: client.users.by_user_id("u").oauth2_permission_grants.to_get_request_information(),
                    [],
                )
            assert raised.value.retry_after is not None
            listing = await listed(r)
            assert {row.kind for row in listing if row.state is State.UNREADABLE} == {K.GRANT}
            assert len([line for line in inner(r) if "oauth2PermissionGrants" in line]) == 1

    async def test_of_another_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What answered another batch is an answer to nothing in this one, however much it looks like one."""
        brought: list[Outcome] = []
        async with rig() as r:
            send = graph_of(r).send

            async def mixed_up(request: RequestInformation, number: str, *, urgent: bool) -> Outcome:
                brought.append(await send(request, number, urgent=urgent))
                return brought[0]

            monkeypatch.setattr(graph_of(r), "send", mixed_up)
            assert {row.id for row in await listed(r)} == r.held(r.account_id(PLAIN))
            assert {(row.state, row.vendor_id) for row in await listed(r, "E1001")} == {(State.UNREADABLE, "*")}

    @pytest.mark.parametrize("times", [1, None])
    async def test_no_answer(self, times: int | None) -> None:
        """A request of which the batch's answer has nothing was not answered: asked again, and never taken for an empty list."""
        async with rig() as r:
            r.stage.faults.append(Fault("memberOf|ownedObjects", drop=True, times=times and 2))
            listing = await listed(r)
            groups = [row for row in listing if row.kind is K.GROUP]
            assert {row.state for row in groups} == {State.FOUND if times else State.UNREADABLE}
            assert None in {e.status for e in listing.evidence[K.GROUP]}
            assert {row.state for row in listing if row.kind is K.GRANT} == {State.FOUND}

    async def test_no_content(self) -> None:
        """A success that brings nothing is neither an empty list nor nobody, in a batch and by itself."""
        async with rig() as r:
            r.stage.faults.append(Fault("memberOf|users/[^/]*$", status=204, times=None))
            for kinds in ((K.GROUP, K.SESSION), (K.SESSION,)):
                rows = list(await listed(r, PLAIN, *kinds))
                assert {row.kind: row.state for row in rows} == dict.fromkeys(kinds, State.UNREADABLE)

    @pytest.mark.parametrize(("match", "times"), [("memberOf", 2), (BATCH, 1)], ids=["one", "whole"])
    async def test_challenged(self, match: str, times: int) -> None:
        """A challenge for a newer token reaches the SDK, which answers only to one that comes by itself."""
        async with rig() as r:
            headers = {"WWW-Authenticate": 'Bearer realm="", claims="e30="'}
            r.stage.faults.append(Fault(match, status=401, headers=headers, times=times))
            listing = await listed(r)
            assert {row.id for row in listing} == r.held(r.account_id(PLAIN))
            assert len([q for q in r.stage.journal if q.path.endswith("/token")]) == 2

    async def test_token_refused(self) -> None:
        """One that goes on refusing our token is a credential's problem."""
        async with rig() as r:
            r.stage.faults.append(Fault("memberOf", status=401, times=None))
            rows = [row for row in await listed(r) if row.kind is K.GROUP]
            assert [row.state for row in rows] == [State.UNREADABLE]

    async def test_evidence(self) -> None:
        """Each kind's evidence has its own requests, with the status of each; the times are the batch's."""
        async with rig() as r:
            r.stage.faults.append(Fault(BATCH, delay=0.3))
            listing = await listed(r)
            user = r.account_id(PLAIN)
            (session,) = listing.evidence[K.SESSION]
            assert session.what.startswith(f"GET /users/{user} [client-request-id ")
            assert " in batch " in session.what
            assert {e.what.split(" [")[0] for e in listing.evidence[K.GRANT]} == {
                f"GET /users/{user}/oauth2PermissionGrants", f"GET /users/{user}/appRoleAssignments",
            }  # fmt: skip
            exchanges = [e for seen in listing.evidence.values() for e in seen]
            assert len({(e.sent_at, e.received_at, e.vendor_at) for e in exchanges}) == 1
            assert (session.received_at - session.sent_at).total_seconds() >= 0.3
            assert len({e.response_sha256 for e in exchanges}) == len({e.what for e in exchanges}) == 7


WHOLE: list[tuple[str, dict[str, Any], set[int | None]]] = [
    ("429", {"status": 429}, {429}),
    ("503", {"status": 503, "body": "<html>"}, {503}),
    ("403", {"status": 403, "body": '{"error": {"code": "Authorization_RequestDenied"}}'}, {403}),
    ("400", {"status": 400, "body": '{"error": {"code": "BadRequest"}}'}, {400}),
    ("plan", {"status": 400, "body": '{"error": {"code": "AadPremiumLicenseRequired"}}'}, {400}),
    ("404", {"status": 404, "body": '{"error": {"code": "Request_ResourceNotFound"}}'}, {404}),
    ("302", {"status": 302, "headers": {"Location": "/v1.0/users"}}, {302}),
    ("dropped", {"drop": True}, {None}),
    ("html", {"status": 200, "body": "<html>"}, {200}),
    ("empty", {"status": 200, "body": ""}, {200}),
    ("nothing", {"status": 204}, {204}),
    ("a page", {"status": 200, "body": '{"value": []}'}, {200}),
    ("a user", {"status": 201, "body": '{"id": "x", "accountEnabled": false}'}, {201}),
    ("no answers", {"status": 200, "body": '{"responses": []}'}, {None}),
    ("no list", {"status": 200, "body": '{"responses": {"1": {}}}'}, {200}),
    ("no objects", {"status": 200, "body": '{"responses": [[], 7]}'}, {200}),
]


class TestWhole:
    @pytest.mark.parametrize(("fault", "statuses"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
    async def test_fails(self, fault: dict[str, Any], statuses: set[int | None]) -> None:
        """A batch that fails whole is each of its requests' failure: nothing is empty, absent, or not on the plan."""
        async with rig(page_size=1) as r:
            # what is asked again may go by itself
            r.stage.faults += [Fault(BATCH, times=None, **fault), Fault("^GET /v1.0/", status=500, times=None)]
            listing = await listed(r, "E1001")
            assert {row.kind for row in listing} == set(r.connector.manifest.kinds)
            assert {(row.state, row.vendor_id) for row in listing} == {(State.UNREADABLE, "*")}
            for kind in r.connector.manifest.kinds:
                first = listing.evidence[kind][0]
                assert first.what.startswith("GET /")
                assert first.status in statuses
            with pytest.raises(ConnectorError) as raised:
                await r.connector.find_accounts(leaver("E1001"))
            assert raised.value.evidence

    @pytest.mark.parametrize(
        "fault", [{"status": 429, "headers": {"Retry-After": "0"}}, {"status": 502}, {"drop": True}]
    )
    async def test_passes(self, fault: dict[str, Any]) -> None:
        """A failure that passes costs another try, and nothing else."""
        async with rig() as r:
            r.stage.faults.append(Fault(BATCH, **fault))
            assert {row.id for row in await listed(r)} == r.held(r.account_id(PLAIN))

    @pytest.mark.parametrize(("wait", "waits", "sent"), [("7", [7.0] * 7, 2), ("300", [], 1)])
    async def test_throttled(self, wait: str, waits: list[float], sent: int) -> None:
        """A batch that is throttled is each request's wait, as long as is asked for, and then one batch again; or no further try."""
        waited: list[float] = []

        async def sleep(seconds: float) -> None:
            waited.append(seconds)

        async with rig(pace=Pace(tries=3, sleep=sleep)) as r:
            r.stage.faults.append(Fault(BATCH, status=429, headers={"Retry-After": wait}))
            states = {row.state for row in await listed(r)}
            assert [one for one in waited if one == 7.0] == waits  # what the limit still has to wait is less
            assert [q.line for q in calls(r)] == ["POST /v1.0/$batch"] * sent
            assert states == {State.FOUND if waits else State.UNREADABLE}
            ids = [one["id"] for q in calls(r) for one in json.loads(q.body)["requests"]]
            assert len(set(ids)) == len(ids) == 7 * sent  # each try has its own

    @pytest.mark.parametrize("status", [401, 403])
    async def test_refused(self, status: int) -> None:
        """A refusal of the whole batch is final, and no word about one kind's permissions."""
        async with rig() as r:
            r.stage.faults.append(Fault(BATCH, status=status, times=None))
            rows = list(await listed(r))
            assert {row.state for row in rows} == {State.UNREADABLE}
            assert not [row for row in rows if "permission" in (row.remedy or "")]
            assert len(calls(r)) == 1

    async def test_no_token(self) -> None:
        """Without a token nothing was asked, and each kind says so."""
        async with rig(settings={"client_secret": "not-the-secret"}) as r:
            listing = await listed(r)
            assert {row.state for row in listing} == {State.UNREADABLE}
            for kind in r.connector.manifest.kinds:
                assert listing.evidence[kind][-1].what.endswith("/oauth2/v2.0/token")
            assert calls(r) == []
            assert len([q for q in r.stage.journal if q.path.endswith("/token")]) == 1

    async def test_given_up(self) -> None:
        """Whoever gives up a listing leaves nothing running behind."""
        async with rig() as r:
            before = asyncio.all_tasks()
            slow = Fault(BATCH, delay=5)
            r.stage.faults.append(slow)
            listing = asyncio.ensure_future(listed(r))
            while slow.times:  # it has not arrived yet
                await asyncio.sleep(0.01)
            listing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listing
            assert asyncio.all_tasks() == before

    async def test_what_nobody_foresaw(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An error that is none of ours ends the listing at once; nobody waits for an answer that will not come."""

        async def send(*_: object, **__: object) -> Outcome:
            raise TypeError("unforeseen")

        async with rig() as r:
            monkeypatch.setattr(graph_of(r), "send", send)
            with pytest.raises(TypeError, match="unforeseen"):
                await asyncio.wait_for(listed(r), 5)
