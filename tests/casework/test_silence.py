"""After the cut there is silence or there is a finding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from casework.access.rechecking import collect_again
from casework.activity import collecting
from casework.activity.collecting import collect
from casework.activity.passes import SUMMARIES
from casework.activity.silence import AccountSilence
from casework.activity.summary import summarise
from casework.decisions import signatures as waiving
from casework.errors import BadRequest
from casework.matching.searching import find_in
from casework.truth import post_cut
from casework.truth.rows import accounts_of, rows_of
from casework.view.reading.downloads import content_of
from connectors.activity import ActivityPage, ActivityRecord, UnreadSpan
from connectors.errors import Denied, NotRecorded
from models.vocabulary import ActivityKind, DepartureKind, EntitlementKind, Service, Standing
from tests.casework.conftest import Office
from tests.casework.ledger import DRIVE, event
from tests.casework.paper import Killed
from tests.casework.quiet import cut, ledger, read
from tests.casework.shown import show

K = ActivityKind
BY_THE_ACCOUNT = [
    K.COPY, K.PRINT, K.EXTERNAL_SHARE, K.PUBLIC_LINK, K.FORWARD, K.DELEGATE, K.GRANT, K.APP_PASSWORD, K.DEVICE, K.UPLOAD, K.VIEW, K.EDIT, K.SEND,
]  # fmt: skip
"""What somebody does who is in."""


def hide(office: Office, effective_by: datetime) -> None:
    """Let something be done after the cut that the log does not show."""
    ledger(office).happened("g1", [event(1, effective_by + timedelta(hours=1))])
    ledger(office).unseen = {"e1"}


async def _find_as(office: Office, case_id: str, name: str) -> None:
    """Search again, after the account was renamed."""
    office.clock.pass_by(hours=1)
    _rename(office, name)
    await find_in(office.context, case_id, Service.GOOGLE_WORKSPACE)


def _rename(office: Office, name: str) -> None:
    holder = office.paper.holders["g1"]
    holder.profile = replace(holder.profile, account=replace(holder.profile.account, label=name))


class TestSilence:
    async def test_is_proved(self, logged: Office) -> None:
        """Nothing after the cut, read past the vendor's lag: said, with the instant up to which it is sure."""
        case, _ = await cut(logged)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        [quiet] = shown["downloads"]["silence"]
        assert (quiet["state"], quiet["events"]) == ("silent", [])
        assert shown["state"] == "closed"

    @pytest.mark.parametrize(
        ("kind", "minutes", "broken"),
        [
            (K.SIGN_IN, -70, False),  # an hour and ten minutes before it is effective: before the block
            (K.SIGN_IN, -30, True),  # nobody signs in to a blocked account
            (K.DOWNLOAD, -30, False),  # a token that was issued before may live an hour
            (K.TOKEN_USE, -30, False),
            (K.DOWNLOAD, 1, True),
            (K.TOKEN_USE, 1, True),
            (K.TAKEOUT, 1, True),
            (K.SIGN_IN_FAILED, 1, False),
            (K.SIGN_OUT, 1, False),
            *((kind, 1, True) for kind in BY_THE_ACCOUNT),
            (K.EXTERNAL_SHARE, -30, True),  # a way out that is made by a session that lives on
            (K.GRANT, -70, False),
            (K.VIEW, -30, False),
        ],
    )
    async def test_is_broken(self, logged: Office, kind: ActivityKind, minutes: int, broken: bool) -> None:
        """A sign-in after the block, a token or a download after the tokens' life: a finding, and the case opens again."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(minutes=minutes), kind)])
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        kinds = [finding["kind"] for finding in shown["findings"]]
        assert kinds == (["activity_after_cut"] if broken else [])
        assert shown["state"] == ("deprovisioned" if broken else "closed")
        assert shown["downloads"]["silence"][0]["state"] == ("broken" if broken else "silent")

    async def test_others_on_the_account(self, logged: Office) -> None:
        """What an administrator did to the account is not the leaver's doing."""
        ledger(logged).activity_sources = (replace(DRIVE, of_others=True),)
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), K.DOWNLOAD, actor_id="admin-7")])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert (quiet["state"], [(one["kind"], one["count"]) for one in quiet["by_others"]]) == (
            "silent",
            [("download", 1)],
        )

    async def test_what_was_looked_for_is_named(self, logged: Office) -> None:
        """In which log, which kinds, and until when: silence is what could have been told and was not."""
        ledger(logged).activity_sources = (replace(DRIVE, tells=frozenset({K.DOWNLOAD, K.EXTERNAL_SHARE})),)
        case, _ = await cut(logged)
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert "google_workspace/drive until " in quiet["text"]
        assert "(downloads, shares outside)" in quiet["text"]
        assert "（ダウンロード、社外共有）" in quiet["text_ja"]

    async def test_an_event_without_a_word(self, logged: Office) -> None:
        """It accuses nobody, and proves no silence; beside an event with a word in the same record it says no more."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), K.OTHER)])
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        [quiet] = shown["downloads"]["silence"]
        assert (quiet["state"], shown["state"], shown["findings"]) == ("unclear", "closed", [])
        assert "drive/other ×1" in quiet["text"]

    @pytest.mark.parametrize("beside", [K.SIGN_OUT, K.SIGN_IN_FAILED])
    async def test_an_event_without_a_word_beside_a_sign_out(self, logged: Office, beside: ActivityKind) -> None:
        """What breaks no silence explains nothing away either."""
        case, effective_by = await cut(logged)
        at = effective_by + timedelta(hours=1)
        describe = ledger(logged).describe
        ledger(logged).describe = lambda source, raw: tuple(  # type: ignore[method-assign]  # one record, two events
            one for kind in (beside, K.OTHER) for one in describe(source, {**raw, "kind": kind})
        )
        ledger(logged).happened("g1", [event(1, at)])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert quiet["state"] == "unclear"

    async def test_what_lived_on_is_said(self, logged: Office) -> None:
        """What a session of before did until it ended breaks no silence, and is not hidden by it."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(n, effective_by - timedelta(minutes=20)) for n in range(9)])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert (quiet["state"], quiet["residual"]) == ("silent", 9)
        assert "lived on until" in quiet["text"]
        assert ": 9" in quiet["text"]

    async def test_the_sentence_counts_what_breaks_it(self, logged: Office) -> None:
        case, effective_by = await cut(logged)
        at = effective_by + timedelta(hours=1)
        ledger(logged).happened("g1", [event(0, at), *(event(n, at, K.OTHER) for n in range(1, 50))])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert quiet["text"].startswith("1 events later")
        assert [[(one["kind"], one["count"]) for one in quiet[name]] for name in ("events", "unclear")] == [
            [("download", 1)],
            [("other", 49)],
        ]
        assert "other" not in quiet["text"]

    async def test_vain_attempts_are_a_figure(self, logged: Office) -> None:
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(n, effective_by + timedelta(hours=1), K.SIGN_IN_FAILED) for n in range(3)])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert (quiet["state"], quiet["attempts"], quiet["events"]) == ("silent", 3, [])

    @pytest.mark.parametrize(
        ("kind", "minutes", "state"),
        [
            (K.SIGN_IN, -30, "unclear"),  # by the account it would break the silence
            (K.EXTERNAL_SHARE, -30, "unclear"),
            (K.DOWNLOAD, -30, "silent"),
            (K.DOWNLOAD, 1, "unclear"),
            (K.SIGN_IN_FAILED, 1, "silent"),
            (K.SIGN_OUT, 1, "silent"),
        ],
    )
    async def test_under_an_unknown_name(self, logged: Office, kind: ActivityKind, minutes: int, state: str) -> None:
        """It leaves unclear what would break the silence if the account had done it, and nothing else."""
        case, effective_by = await cut(logged)
        at = effective_by + timedelta(minutes=minutes)
        ledger(logged).happened("g1", [event(1, at, kind, actor_id="who@example.test")])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert (quiet["state"], len(quiet["unclear"])) == (state, state == "unclear")

    @pytest.mark.parametrize(("minutes", "state"), [(-70, "silent"), (-30, "unclear"), (60, "unclear")])
    async def test_a_record_that_nobody_understands(self, logged: Office, minutes: int, state: str) -> None:
        """Since the block it may be anything: no silence is proved, and nobody accused."""
        case, effective_by = await cut(logged)
        at = effective_by + timedelta(minutes=minutes)
        ledger(logged).happened("g1", [event(1, at) | {"kind": "a_word_of_tomorrow"}])
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        [quiet] = shown["downloads"]["silence"]
        assert (quiet["state"], shown["findings"], shown["downloads"]["verdict"]) == (state, [], "cannot_say")
        assert ("? ×1" in quiet["text"]) is (state == "unclear")

    @pytest.mark.parametrize("year", [1, 1970, 9999])
    async def test_of_a_time_that_none_can_have(self, logged: Office, year: int) -> None:
        """It stops no summary, and is a record that nobody understands."""
        case, effective_by = await cut(logged)
        await read(logged, case)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1))])
        logged.clock.pass_by(hours=25)
        await collect(logged.context, case.id, seconds=600)
        describe, at = ledger(logged).describe, datetime(year, 6, 1, tzinfo=UTC)
        ledger(logged).describe = lambda source, raw: tuple(  # type: ignore[method-assign]  # whatever the vendor wrote
            replace(one, at=at) for one in describe(source, raw)
        )
        ledger(logged).record = lambda source, raw: ActivityRecord(str(raw["id"]), at, {"source": source})  # type: ignore[method-assign]  # the same
        assert logged.context.evidence is not None
        summarise(logged.context, case.id, logged.context.evidence)
        shown = show(logged.context, case.id)["downloads"]
        assert (shown["counted"][0]["odd"], shown["silence"][0]["state"]) == (1, "unclear")

    async def test_of_whose_time_nothing_is_known(self, logged: Office) -> None:
        """It may be of the last instant that was looked at."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by - timedelta(hours=2))])
        logged.clock.pass_by(hours=25)
        await collect(logged.context, case.id, seconds=600)
        for verb in ("describe", "record"):
            setattr(ledger(logged), verb, Mock(side_effect=KeyError("time")))
        assert logged.context.evidence is not None
        summarise(logged.context, case.id, logged.context.evidence)
        [quiet] = show(logged.context, case.id)["downloads"]["silence"]
        assert quiet["state"] == "unclear"

    async def test_an_event_without_a_word_before_it_is_effective(self, logged: Office) -> None:
        """A session that lived on did it: that is said."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by - timedelta(minutes=20), K.OTHER)])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert (quiet["state"], quiet["residual"]) == ("silent", 1)

    async def test_what_others_tried_in_vain(self, logged: Office) -> None:
        """It is nothing that was done to the account."""
        ledger(logged).activity_sources = (replace(DRIVE, of_others=True),)
        case, effective_by = await cut(logged)
        describe = ledger(logged).describe
        ledger(logged).describe = lambda source, raw: tuple(  # type: ignore[method-assign]  # of a vendor that tells of attempts
            replace(one, undone=True) for one in describe(source, raw)
        )
        at = effective_by + timedelta(hours=1)
        ledger(logged).happened("g1", [event(1, at, K.DELEGATE, actor_id="admin-7")])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert (quiet["state"], quiet["by_others"]) == ("silent", [])

    @pytest.mark.parametrize("fault", [NotRecorded("off"), Denied("scope")])
    async def test_unread_is_not_silent(self, logged: Office, fault: Exception) -> None:
        """A log that cannot be read proves no silence."""
        case, _ = await cut(logged)
        ledger(logged).fault = lambda _number, _cursor: fault  # type: ignore[assignment,return-value]  # the two of above
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    async def test_is_answered_for(self, logged: Office) -> None:
        """A named person answers for it and the case may close; what comes later is asked about again."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), K.SIGN_IN)])
        logged.clock.pass_by(hours=25)
        [finding] = (await read(logged, case))["findings"]
        waiving.attest(
            logged.context,
            case_id=case.id,
            entitlement_id=finding["entitlement"],
            statement="IT, on the spot",
            by="ciso",
        )
        assert show(logged.context, case.id)["findings"] == []
        ledger(logged).happened("g1", [event(2, logged.clock.at + timedelta(hours=1), K.SIGN_IN)])
        logged.clock.pass_by(days=7)
        [finding] = (await read(logged, case))["findings"]
        assert finding["text"].startswith("2 times sign in")
        with pytest.raises(BadRequest, match="no such finding"):
            waiving.attest(logged.context, case_id=case.id, entitlement_id="after_cut:x:y:z", statement="no", by="ciso")


class TestNotSilent:
    async def test_a_log_still_unread(self, logged: Office) -> None:
        """One log that nobody has read to its end yet is enough: no silence is claimed."""
        log = ledger(logged)
        log.activity_sources = (DRIVE, replace(DRIVE, name="login"))
        case, _ = await cut(logged)
        log.fault = lambda number, _: ActivityPage([], "0", (), wait=timedelta(hours=1)) if log.asked[number - 1][0] == "login" else None  # fmt: skip
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    async def test_a_tail_cut_short(self, logged: Office) -> None:
        """What was read until the quota was used up does not reach to its end."""
        case, _ = await cut(logged)
        await read(logged, case)
        logged.clock.pass_by(hours=25)
        ledger(logged).gaps = (UnreadSpan("truncated", "more than the vendor gives"),)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    async def test_heard_and_then_killed(self, logged: Office) -> None:
        """A turn that was killed after it had heard something: the next one opens the case again."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), K.SIGN_IN)])
        logged.clock.pass_by(hours=25)
        await collect(logged.context, case.id, seconds=60)
        await collecting.conclude(logged.context, case.id)
        assert await collect_again(logged.context) == {"news": 0, "reopened": 1}
        assert show(logged.context, case.id)["state"] == "deprovisioned"

    async def test_summary_and_findings_are_one(self, logged: Office) -> None:
        """Killed while a summary is bound: neither it nor its findings are there, and the next turn makes both."""
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), K.SIGN_IN)])
        logged.clock.pass_by(hours=25)
        await collect(logged.context, case.id, seconds=60)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(post_cut, "keep", _killed)
            with pytest.raises(Killed):
                await collecting.conclude(logged.context, case.id)
        shown = await read(logged, case)
        assert [finding["kind"] for finding in shown["findings"]] == ["activity_after_cut"]
        assert shown["state"] == "deprovisioned"

    @pytest.mark.parametrize("lost", ["gone", "cut short"])
    async def test_a_file_that_is_lost(self, logged: Office, lost: str) -> None:
        """One log's file that is gone or damaged: what the others tell is told, that log counts as not read, and no silence is claimed."""
        log = ledger(logged)
        log.activity_sources = (DRIVE, replace(DRIVE, name="login"))
        case, effective_by = await cut(logged)
        evidence = logged.context.evidence
        assert evidence is not None
        for row in evidence.list(case.id, "downloads/google_workspace-login-"):
            path = evidence.path_of(row)
            path.unlink() if lost == "gone" else path.write_bytes(path.read_bytes()[:-9])
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        assert shown["downloads"]["silence"][0]["state"] == "not_read"
        [unread] = [risk for risk in shown["downloads"]["risks"] if risk["reason"] == "incomplete"]
        assert unread["figures"]["named"] == ["google_workspace/login"]
        log.happened("g1", [event(1, effective_by + timedelta(hours=26), K.SIGN_IN)])
        logged.clock.pass_by(days=7)
        shown = await read(logged, case)
        assert [finding["kind"] for finding in shown["findings"]] == ["activity_after_cut"]
        assert shown["state"] == "deprovisioned"

    async def test_news_after_a_file_was_lost(self, logged: Office) -> None:
        """Somebody answered for what is lost since: what comes later is asked about all the same, though fewer are counted."""
        case, effective_by = await cut(logged)
        hours = (effective_by + timedelta(hours=1), effective_by + timedelta(hours=2))
        ledger(logged).happened("g1", [event(n, at, K.SIGN_IN) for n, at in enumerate(hours)])
        logged.clock.pass_by(hours=25)
        [finding] = (await read(logged, case))["findings"]
        waiving.attest(
            logged.context, case_id=case.id, entitlement_id=finding["entitlement"], statement="IT", by="ciso"
        )
        evidence = logged.context.evidence
        assert evidence is not None
        for row in evidence.list(case.id, "downloads/google"):
            evidence.path_of(row).unlink()
        ledger(logged).happened("g1", [event(9, logged.clock.at + timedelta(hours=1), K.SIGN_IN)])
        logged.clock.pass_by(days=7)
        [finding] = (await read(logged, case))["findings"]
        assert (finding["kind"], finding["text"][:7]) == ("activity_after_cut", "2 times")

    async def test_half_a_surrogate_pair(self, logged: Office) -> None:
        """A record whose text is half a character is read like any, and keeps no summary from being made."""
        case, effective_by = await cut(logged)
        late = effective_by + timedelta(hours=1)
        ledger(logged).happened(
            "g1", [event(1, late, folder="\ud83d", big=2**70), event(2, late, K.GRANT, target="\ud83d")]
        )
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        assert {finding["kind"] for finding in shown["findings"]} == {"activity_after_cut"}
        assert "odd_records" not in {risk["reason"] for risk in shown["downloads"]["risks"]}

    async def test_a_strangers_log_is_not_missed(self, logged: Office) -> None:
        """A log that could not be read of an account that turned out not to be the leaver's leaves nothing open about the leaver."""
        case, _ = await cut(logged)
        ledger(logged).fault = lambda _number, _cursor: Denied("scope")
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["risks"] != []
        with logged.context.store.write() as session:
            [account] = accounts_of(session, case.id)
            account.standing = Standing.REJECTED
        assert logged.context.evidence is not None
        summarise(logged.context, case.id, logged.context.evidence)
        assert show(logged.context, case.id)["downloads"]["risks"] == []

    async def test_tokens_that_died_before_the_block(self, logged: Office) -> None:
        """A grant that ended before the block makes nothing effective earlier than the block."""
        case, _ = await cut(logged)
        with logged.context.store.read() as session:
            [account] = accounts_of(session, case.id)
            rows = rows_of(session, case.id, account)
        [block] = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
        assert block.observed_at is not None
        block.cut_effective_by = block.observed_at - timedelta(hours=1)
        assert AccountSilence(account, [block]).effective_by == block.observed_at


def _killed(*_args: object, **_named: object) -> None:
    raise Killed


class TestWhoIsRead:
    @pytest.mark.parametrize("fields", [{"for_real": False}, {"kind": DepartureKind.LEAVE}])
    async def test_only_departures_that_are_carried_out(self, logged: Office, fields: dict[str, Any]) -> None:
        """Nobody's log is read for a plan, or for a leave of absence."""
        case = logged.report(for_real=fields.get("for_real", True))
        case.kind = fields.get("kind", case.kind)
        assert not collecting.wanted(case)

    async def test_not_everybody_who_ever_left(self, logged: Office) -> None:
        """A case that was closed long ago is not looked at in each turn."""
        case, _ = await cut(logged)
        await read(logged, case)
        assert collecting._in_turn(logged.context) == [case.id]
        logged.clock.pass_by(days=200)
        assert collecting._in_turn(logged.context) == []

    async def test_nothing_before_a_dismissal(self, logged: Office) -> None:
        """A dismissal is cut first: nothing is read before it."""
        case = logged.report(kind="dismissal")
        await collecting.before_the_cut(logged.context, case.id)
        assert ledger(logged).asked == []


class TestExits:
    async def test_made_since_the_notice(self, logged: Office) -> None:
        """What the leaver made to come back by is listed with its time and its target, and what is older is not."""
        ledger(logged).happened(
            "g1",
            [
                event(1, datetime.fromisoformat("2026-11-20T03:00:00+00:00"), K.FORWARD, target="me@elsewhere.example"),
                event(2, datetime.fromisoformat("2026-11-21T03:00:00+00:00"), K.GRANT, target="rclone"),
                event(3, datetime.fromisoformat("2026-07-21T03:00:00+00:00"), K.GRANT, target="old"),
            ],
        )
        case, _ = await cut(logged)
        await read(logged, case)
        assert logged.context.evidence is not None
        kept = content_of(logged.context.evidence, logged.context.evidence.list(case.id, SUMMARIES)[-1])
        assert kept is not None
        assert [(made["kind"], made["text"]) for made in kept["exits"]] == [("forward", "me@elsewhere.example"), ("grant", "rclone")]  # fmt: skip
