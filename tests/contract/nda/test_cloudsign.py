"""What only CloudSign can get wrong: a register that cannot be searched, and a send that is also a reminder."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import Denied, NotOnPlan, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.nda.cloudsign import Settings
from emulators.fault_proxy import Fault
from emulators.pledges import EXIT
from tests.contract.nda.rig import PDF, Rig
from tests.contract.nda.rig_cloudsign import rig
from tests.contract.rig import leaver

LISTS = r"GET /documents\?"


def lists(made: Rig) -> int:
    """How many pages were read so far."""
    assert made.stage is not None
    return sum(request.line.startswith("GET /documents?") for request in made.stage.journal)


class TestIndex:
    async def test_bounded_and_goes_on(self, tmp_path: Path) -> None:
        """A look reads at most so many pages and says that it has not seen all; the next one goes on where it stopped."""
        async with rig(tmp_path, page_size=1, settings={"pages_per_look": 7}) as made:
            made.tenant.crowd(10)
            looks = [lists(made)]
            found = None
            while found is None:
                with contextlib.suppress(Unreachable):
                    found = await made.register.find_papers(leaver("E1001"))
                looks.append(lists(made))
            unfinished = [later - sooner for sooner, later in itertools.pairwise(looks)][:-1]
            assert len(unfinished) > 2
            assert set(unfinished) == {7}
            assert len([m for m in found.matches if m.confidence > 0.9]) == 2
            before = lists(made)
            await made.register.find_papers(leaver("E1001"))
            assert lists(made) - before == 1

    async def test_later_documents_are_seen(self, tmp_path: Path) -> None:
        """What was signed since the last look is found by the next one, by another process as well."""
        async with rig(tmp_path) as made:
            assert not (await made.register.find_papers(leaver("E1014"))).matches
            sent = await made.register.send(PDF, leaver("E1014"), title=EXIT, key="k")
            made.answer(sent.id, False)
            found = await made.register.find_papers(leaver("E1014"))
            assert [(m.paper.id, m.paper.completed) for m in found.matches] == [(sent.id, True)]
        assert stat.S_IMODE((tmp_path / "index.db").stat().st_mode) == 0o600

    async def test_documents_move_while_pages_are_read(self, tmp_path: Path) -> None:
        """A page that shifts hides a document: the stretch is read again until the vendor's count agrees."""
        async with rig(tmp_path, page_size=2) as made:
            made.tenant.crowd(4)
            moving = made.tenant.document_of("E1001", EXIT)
            old = moving["last_processed_at"]
            honest, seen = made.tenant.order, []

            def order() -> list[tuple[str, str]]:
                seen.append(1)
                if len(seen) == 12:
                    moving["last_processed_at"] = (
                        datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
                    )
                    made.tenant._order = None
                return list(honest())

            made.tenant.order = order
            for _ in range(3):
                found = await made.register.find_papers(leaver("E1001"))
            assert old != moving["last_processed_at"]
            assert len([m for m in found.matches if m.confidence > 0.9]) == 2

    async def test_of_another_client(self, tmp_path: Path) -> None:
        """An index made with another client id, endpoint or list is not believed."""
        async with rig(tmp_path) as made:
            assert (await made.register.find_papers(leaver("E1001"))).matches
        async with rig(tmp_path, pledges=()) as other:
            assert not (await other.register.find_papers(leaver("E1001"))).matches

    async def test_lists_of_null(self, tmp_path: Path) -> None:
        """An empty list may be null: nothing there, when the count says so too."""
        async with rig(tmp_path, pledges=(), null_lists=True) as made:
            assert not (await made.register.find_papers(leaver("E1001"))).matches

    async def test_whole_team(self, tmp_path: Path) -> None:
        """Every member's documents need an administrator; pledges are still sent once, though that list has no drafts."""
        async with rig(tmp_path, settings={"whole_team": True}) as made:
            ((problem, remedy),) = await made.register.probe()
            assert "forbidden" in problem
            assert "WHOLE_TEAM" in remedy
            with pytest.raises(Denied):
                await made.register.find_papers(leaver("E1001"))
        async with rig(tmp_path, settings={"whole_team": True}, administrator=True) as made:
            assert (await made.register.find_papers(leaver("E1001"))).matches
            assert made.stage is not None
            made.stage.faults.append(Fault(r"POST /documents/[0-9a-f]{32}/participants", status=500))
            with pytest.raises(OutcomeUnknown):
                await made.register.send(PDF, leaver("E1014"), title=EXIT, key="k")
            sent = await made.register.send(PDF, leaver("E1014"), title=EXIT, key="k")
            assert made.delivered() == [(sent.id, leaver("E1014").email)]


class TestSend:
    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize(
        "step", [r"POST /documents$", r"/files$", r"/participants$", r"POST /documents/[0-9a-f]{32}$"]
    )
    async def test_broken_at_every_step(self, tmp_path: Path, step: str, after: bool) -> None:
        """Wherever the connection breaks, before or after the vendor acted: one document, one file, one mail."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            count = len(made.tenant.documents)
            made.stage.faults.append(Fault(step, drop=True, after=after))
            for _ in range(3):
                try:
                    sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
                except OutcomeUnknown:
                    continue
            assert made.delivered() == [(sent.id, leaver("E1001").email)]
            assert len(made.tenant.documents) == count + 1
            assert len(made.tenant.documents[sent.id]["files"]) == 1

    @pytest.mark.parametrize("whole_team", [False, True])
    async def test_a_draft_beside_what_was_sent(self, tmp_path: Path, whole_team: bool) -> None:
        """Of two documents with one mark that which was sent counts, whatever their ids: the draft is not sent as well."""
        async with rig(tmp_path, settings={"whole_team": whole_team}, administrator=whole_team) as made:
            sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            for known in ("0" * 32, "f" * 32):  # before the one that was sent, and after it
                draft = made.tenant.draft(EXIT, made.tenant.documents[sent.id]["note"])
                made.tenant.documents[known] = {**made.tenant.documents.pop(draft["id"]), "id": known}
            made.tenant._order = None
            found = await made.register.find_sent("k")
            assert found is not None
            assert found.id == (await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")).id == sent.id
            assert made.delivered() == [(sent.id, leaver("E1001").email)]

    async def test_a_lost_draft_is_looked_for(self, tmp_path: Path) -> None:
        """A draft that was made, and whose answer was lost, is gone on with in the same call; where none is found, none was sent."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            drafts = r"POST /documents$"
            made.stage.faults.append(Fault(drafts, drop=True, after=True))
            sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            made.stage.faults.append(Fault(drafts, drop=True))
            with pytest.raises(OutcomeUnknown):
                await made.register.send(PDF, leaver("E1001"), title=EXIT, key="other")
            assert len([one for one in made.stage.journal if one.line == "POST /documents"]) == 2
            assert made.delivered() == [(sent.id, leaver("E1001").email)]

    async def test_two_at_once(self, tmp_path: Path) -> None:
        """Two calls with one key at the same time send one pledge."""
        async with rig(tmp_path) as made:
            both = (made.register.send(PDF, leaver("E1001"), title=EXIT, key="k") for _ in range(2))
            first, second = await asyncio.gather(*both)
            assert first.id == second.id
            assert len(made.delivered()) == 1

    async def test_a_draft_that_somebody_changed(self, tmp_path: Path) -> None:
        """A draft that somebody has addressed to another is not sent in our name."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            made.stage.faults.append(Fault(r"POST /documents/[0-9a-f]{32}$", drop=True))
            with pytest.raises(OutcomeUnknown):
                await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            draft = next(d for d in made.tenant.documents.values() if d["status"] == 0)
            draft["participants"][1]["email"] = "somebody@elsewhere.example"
            with pytest.raises(Unintelligible, match="not ours"):
                await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            assert not made.delivered()


class TestTakeBack:
    @pytest.mark.parametrize("left", [{"status": 7}, {"status": 0, "processed_at": "2026-11-20T00:00:00Z"}])
    async def test_any_sign_of_a_signature(self, tmp_path: Path, left: dict[str, Any]) -> None:
        """A recipient's status or its time of processing, either without the other, says that somebody has signed: it stays."""
        async with rig(tmp_path) as made:
            sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            made.tenant.documents[sent.id]["participants"][1] |= left
            with pytest.raises(Unintelligible, match="somebody has signed it already"):
                await made.register.take_back(sent.id, "the last day moved")
            assert made.tenant.documents[sent.id]["status"] == 1


class TestRefusals:
    async def test_not_found_where_it_is_no_answer(self, tmp_path: Path) -> None:
        """A 404 to a write is no success, and its body is no file's bytes."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            gone = [Fault(match, status=404, body='{"error": "not_found"}') for match in ("/files/", "^PUT .*/decline")]
            made.stage.faults += gone
            for verb in (made.register.fetch(sent.id), made.register.take_back(sent.id, "the last day moved")):
                with pytest.raises(Unintelligible, match="not_found"):
                    await verb
            assert [fault.times for fault in gone] == [0, 0]

    async def test_credential_and_plan(self, tmp_path: Path) -> None:
        """A wrong client id and a missing option say what to do, and name no secret."""
        async with rig(tmp_path, settings={"client_id": "sesame-secret"}) as made:
            with pytest.raises(Denied, match="invalid_client") as caught:
                await made.register.find_papers(leaver("E1001"))
            assert "sesame" not in repr(caught.value) + repr(caught.value.evidence)
        async with rig(tmp_path, web_api=False) as made:
            with pytest.raises(NotOnPlan, match="webapi_option_required"):
                await made.register.find_papers(leaver("E1001"))

    async def test_blocked_for_a_minute(self, tmp_path: Path) -> None:
        """Beyond 800 requests a minute the vendor blocks without saying for how long: it is a minute."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            made.stage.faults.append(Fault(LISTS, status=429, body='{"error": "too_many_requests"}', times=None))
            with pytest.raises(Throttled) as caught:
                await made.register.find_papers(leaver("E1001"))
            assert caught.value.retry_after is not None
            assert caught.value.retry_after.total_seconds() == 60

    async def test_silence(self, tmp_path: Path) -> None:
        """A vendor that does not answer is given up on within the register's patience."""
        async with rig(tmp_path, patience=0.2) as made:
            assert made.stage is not None
            made.stage.faults.append(Fault(LISTS, delay=2, times=None))
            with pytest.raises(Unreachable, match="ReadTimeout"):
                await made.register.find_papers(leaver("E1001"))

    @pytest.mark.parametrize("text", ["", " \t"])
    def test_empty_client_id(self, text: str) -> None:
        with pytest.raises(ValidationError, match="the client id is empty"):
            Settings(_env_file=None, client_id=text)

    def test_settings_hide_the_client_id(self) -> None:
        """The client id is all that opens the register: it is never shown."""
        assert "sesame" not in repr(Settings(_env_file=None, client_id="sesame"))
