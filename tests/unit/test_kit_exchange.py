"""One exchange with a vendor: its evidence, its waits, its failures."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import (
    ConnectorError,
    Denied,
    NotOnPlan,
    OutcomeUnknown,
    Throttled,
    Unintelligible,
    Unreachable,
)
from connectors.kit.exchange import ErrorCodes, Exchange, Reply
from connectors.kit.paging import FollowedCursors

NOON = "Mon, 30 Nov 2026 12:00:00 GMT"
READ = Exchange("vendor", "list groups", "GET /groups", "limit=1")
WRITE = Exchange("vendor", "drop a group", "DELETE /groups/g1", write=True)
CODES = ErrorCodes(
    throttled=frozenset({"slow_down"}),
    passing=frozenset({"try_later"}),
    not_on_plan=frozenset({"paid_only"}),
    denied=frozenset({"missing_scope"}),
    remedies={"missing_scope": "Add the scope."},
)


def reply(status: int, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, b'{"a": 1}')


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("30", 30.0), ("0", 0.0), ("1.5", 1.5), (" 7 ", 7.0),
            ("Mon, 30 Nov 2026 12:00:20 GMT", 20.0), ("Mon, 30 Nov 2026 11:59:00 GMT", 0.0),
            ("", None), ("-1", None), ("nan", None), ("inf", None), ("soon", None), ("9" * 20, None), ("1800", 1800.0),
        ],
    )  # fmt: skip
    def test_each_form(self, text: str, seconds: float | None) -> None:
        """Seconds or a date, the date on the vendor's own clock; what is neither says nothing."""
        wait = reply(429, retry_after=text, date=NOON).retry_after
        assert (None if wait is None else wait.total_seconds()) == seconds

    def test_a_date_without_the_vendors_clock(self) -> None:
        """Without a Date header it is ours that counts."""
        until = datetime.now(UTC) + timedelta(seconds=60)
        wait = reply(429, retry_after=until.strftime("%a, %d %b %Y %H:%M:%S GMT")).retry_after
        assert wait is not None
        assert 50 < wait.total_seconds() <= 60


class TestEvidence:
    def test_digests_and_times(self) -> None:
        """It has both bodies' digests, the vendor's clock and the read's query, and no content."""
        sent = Exchange("vendor", "ask", "POST /ask", body=b"secret")
        kept = sent.evidence(reply(200, date=NOON), "a_code")
        assert kept.request_sha256 == hashlib.sha256(b"secret").hexdigest()
        assert kept.response_sha256 == hashlib.sha256(b'{"a": 1}').hexdigest()
        assert (kept.status, kept.code, kept.vendor_at) == (200, "a_code", datetime(2026, 11, 30, 12, tzinfo=UTC))
        assert "secret" not in repr(kept)

    def test_without_an_answer(self) -> None:
        """A request that nobody answered is kept too."""
        kept = READ.evidence(None)
        assert (kept.status, kept.response_sha256, kept.query) == (None, None, "limit=1")


class TestLost:
    def test_a_write_may_have_arrived(self) -> None:
        """It is unknown, unless it surely never left; a read is only unreachable.  No text of an exception is repeated."""
        broken = ConnectionResetError("https://vendor/?token=secret")
        assert isinstance(WRITE.lost(broken, []), OutcomeUnknown)
        assert isinstance(WRITE.lost(broken, [], never_sent=True), Unreachable)
        assert isinstance(READ.lost(broken, []), Unreachable)
        assert str(READ.lost(broken, [])) == "vendor: cannot list groups: ConnectionResetError"

    def test_a_success_that_cannot_be_read(self) -> None:
        """Half an answer to a write says as little as none."""
        assert isinstance(WRITE.odd_success("not JSON", []), OutcomeUnknown)
        assert isinstance(READ.odd_success("not JSON", []), Unintelligible)


class TestFailure:
    @pytest.mark.parametrize(
        ("status", "code", "read", "write"),
        [
            (429, None, Throttled, Throttled), (200, "slow_down", Throttled, Throttled),
            (500, None, Unreachable, OutcomeUnknown), (503, None, Unreachable, OutcomeUnknown),
            (408, None, Unreachable, OutcomeUnknown), (500, "slow_down", Unreachable, OutcomeUnknown), (200, "try_later", Unreachable, OutcomeUnknown),
            (302, None, Unintelligible, OutcomeUnknown), (202, None, Unintelligible, OutcomeUnknown),
            (403, "paid_only", NotOnPlan, NotOnPlan), (200, "missing_scope", Denied, Denied),
            (401, None, Denied, Denied), (403, "odd", Denied, Denied), (404, "gone", Unintelligible, Unintelligible),
        ],
    )  # fmt: skip
    def test_what_it_means(
        self, status: int, code: str | None, read: type[ConnectorError], write: type[ConnectorError]
    ) -> None:
        """Each kind asks for one thing to do; a write that may have been carried out is never called undone."""
        assert type(READ.failure(reply(status), code, CODES, [])) is read
        assert type(WRITE.failure(reply(status), code, CODES, [])) is write

    def test_a_read_that_is_asked_to_wait(self) -> None:
        """503 with Retry-After waits as long as the vendor asks; a write may have been carried out all the same."""
        busy = reply(503, retry_after="9")
        failure = READ.failure(busy, None, CODES, [])
        assert isinstance(failure, Throttled)
        assert failure.retry_after == timedelta(seconds=9)
        assert isinstance(WRITE.failure(busy, None, CODES, []), OutcomeUnknown)

    def test_what_to_do(self) -> None:
        """The call's own remedy goes before the code's."""
        assert READ.failure(reply(403), "missing_scope", CODES, []).advice == "Add the scope."
        assert READ.failure(reply(403), "missing_scope", CODES, [], remedy="Add x.").advice == "Add x."


class TestPages:
    def test_to_the_last(self) -> None:
        """Only a page without a mark is the last one."""
        marks = FollowedCursors("vendor", "list groups")
        assert [marks.follow(mark) for mark in ("a", "b", "", None)] == ["a", "b", None, None]

    @pytest.mark.parametrize("mark", ["a", 7, ["b"], False])
    def test_none_that_never_ends(self, mark: object) -> None:
        """A page that comes again, or a mark that is no text, is no list."""
        marks = FollowedCursors("vendor", "list groups")
        marks.follow("a")
        with pytest.raises(Unintelligible, match="vendor: cannot list groups"):
            marks.follow(mark)

    def test_not_more_than_agreed(self) -> None:
        """A vendor that always has one more page is not followed for ever."""
        marks = FollowedCursors("vendor", "list groups", most=2)
        marks.follow("a"), marks.follow("b")
        with pytest.raises(Unintelligible, match="more than 2 pages"):
            marks.follow("c")
