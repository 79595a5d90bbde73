"""What only DocuSign, and its SDK, can get wrong."""

from __future__ import annotations

import traceback
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import docusign_esign
import pytest

from connectors.errors import Denied, NotConfigured, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.nda.docusign import Settings
from emulators.docusign import Tenant
from emulators.fault_proxy import Fault
from emulators.pledges import EXIT
from tests.contract.nda.rig import PDF
from tests.contract.nda.rig_docusign import rig
from tests.contract.rig import leaver

LISTS = r"GET /restapi/.*/envelopes\?"


def strangers(value: Any, model: str) -> set[str]:
    """Return the keys of an answer that the SDK's model does not know, however deep."""
    kind = getattr(docusign_esign, model, None)
    if isinstance(value, list):
        return {key for part in value for key in strangers(part, model)}
    if not isinstance(value, dict) or kind is None:
        return set()
    named = kind.attribute_map
    types = {named[name]: of.removeprefix("list[").removesuffix("]") for name, of in kind.swagger_types.items()}
    own = {f"{model}.{key}" for key in value if key not in kind.attribute_map.values()}
    return own | {deep for key, part in value.items() if key in types for deep in strangers(part, types[key])}


class TestEmulator:
    def test_speaks_the_sdks_language(self) -> None:
        """Every field that the emulated account answers with is one that docusign-esign knows."""
        for envelope in Tenant().envelopes.values():
            assert not strangers(envelope, "Envelope")


class TestFindPapers:
    async def test_calls_do_not_grow_with_the_account(self, tmp_path: Path) -> None:
        """One search for each address and spelling, whether the account holds a dozen envelopes or hundreds."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            counts = []
            for crowd in (0, 300):
                made.tenant.crowd(crowd)
                made.stage.journal.clear()
                await made.register.find_papers(leaver("E1001"))
                counts.append(sum(request.line.startswith("GET /restapi") for request in made.stage.journal))
            assert counts[0] == counts[1] <= 12

    async def test_fewer_than_the_vendor_counts(self, tmp_path: Path) -> None:
        """Pages that end before the vendor's count are an error: part of a register proves nothing."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            body = '{"resultSetSize": "1", "totalSetSize": "2", "envelopes": [{"envelopeId": "1", "status": "sent"}]}'
            made.stage.faults.append(Fault(LISTS, status=200, body=body, times=None))
            with pytest.raises(Unintelligible, match="1 of 2"):
                await made.register.find_papers(leaver("E1001"))

    async def test_what_people_wrote_into_fields(self, tmp_path: Path) -> None:
        """A text custom field says, in either language, what DocuSign does not know; one that cannot be read is said to be."""
        async with rig(tmp_path) as made:
            envelope = next(e for e in made.tenant.envelopes.values() if e["emailSubject"] == EXIT)
            for fields, number, ends, problem in (
                ({"employee_no": "E9", "expires_on": "2027/3/31", "project": "X"}, "E9", date(2027, 3, 31), None),
                ({"社員番号": "E9", "有効期限": "soon"}, "E9", None, "expires_on cannot be read"),
            ):
                held = [{"name": name, "value": value, "show": "false"} for name, value in fields.items()]
                envelope["customFields"] = {"textCustomFields": held}
                paper = await made.register.look_up(envelope["envelopeId"])
                assert paper is not None
                assert (paper.signer_employee_no, paper.expires_on) == (number, ends)
                assert paper.details.get("problem") == problem

    async def test_whether_it_survives(self, tmp_path: Path) -> None:
        """People's own words beside yes and no leave it unknown, and the paper readable; a field of a similar name is not ours."""
        async with rig(tmp_path) as made:
            envelope = next(e for e in made.tenant.envelopes.values() if e["emailSubject"] == EXIT)
            for name, value, survives in (
                ("退職後有効", "○", True), ("survives", "No", False), ("退職後有効", "3年間", None), ("Survives", "yes", None),
                ("Signer Employee No", "E9", None), ("signer_employee_no", "E9", None), ("有効期限 ", "soon", None),
            ):  # fmt: skip
                envelope["customFields"] = {"textCustomFields": [{"name": name, "value": value, "show": "false"}]}
                paper = await made.register.look_up(envelope["envelopeId"])
                assert paper is not None
                assert (paper.survives, paper.signer_employee_no, paper.expires_on) == (survives, None, None)
                assert "problem" not in paper.details

    async def test_ends_by_an_era(self, tmp_path: Path) -> None:
        async with rig(tmp_path) as made:
            envelope = next(e for e in made.tenant.envelopes.values() if e["emailSubject"] == EXIT)
            envelope["customFields"] = {
                "textCustomFields": [{"name": "有効期限", "value": "令和9年3月31日", "show": "false"}]
            }
            paper = await made.register.look_up(envelope["envelopeId"])
            assert paper is not None
            assert paper.expires_on == date(2027, 3, 31)


class TestSend:
    async def test_search_lags(self, tmp_path: Path) -> None:
        """Right after a lost answer the vendor's search knows nothing yet; the transaction id does: nothing is sent twice."""
        async with rig(tmp_path, text_lag=50) as made:
            assert made.stage is not None
            made.stage.faults.append(Fault(r"POST /restapi/.*/envelopes$", drop=True, after=True))
            sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            again = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            assert sent.id == again.id
            assert len(made.delivered()) == 1

    async def test_asks_for_no_more_than_it_needs(self, tmp_path: Path) -> None:
        """The vendor is told name and address of the signer, and not the employee number."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            await made.register.send(PDF, leaver("E1001"), title=EXIT, key="case-of-E1001")
            posted = [request.body for request in made.stage.journal if request.line.endswith("/envelopes")]
            assert posted
            assert not any(b"E1001" in body for body in posted)

    async def test_an_unknown_reminder_is_not_repeated(self, tmp_path: Path) -> None:
        """The SDK would repeat a PUT by itself: one reminder at most is sent."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            made.stage.faults.append(Fault(r"^PUT ", drop=True, after=True))
            with pytest.raises(OutcomeUnknown):
                await made.register.remind(sent.id)
            assert len(made.delivered()) == 2

    async def test_an_answer_over_which_the_sdk_stumbles(self, tmp_path: Path) -> None:
        """A write's success that the SDK cannot read may have been carried out: its outcome is unknown."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            sent = await made.register.send(PDF, leaver("E1001"), title=EXIT, key="k")
            made.stage.faults.append(Fault(r"^PUT ", status=200, body='{"listCustomFieldUpdateResults": 7}'))
            with pytest.raises(OutcomeUnknown, match="TypeError"):
                await made.register.take_back(sent.id, "the last day moved")


class TestRefusals:
    async def test_consent_and_account(self, tmp_path: Path) -> None:
        """Without consent, or in an account that is not the user's, the remedy says who must do what."""
        async with rig(tmp_path, consent=False) as made:
            ((problem, remedy),) = await made.register.probe()
            assert "consent_required" in problem
            assert "administrator" in remedy
        other = {"account_id": "00000000-0000-0000-0000-00000000000a"}
        async with rig(tmp_path, settings=other) as made:
            with pytest.raises(Denied, match="not the user's"):
                await made.register.find_papers(leaver("E1001"))

    async def test_nothing_personal_in_a_traceback(self, tmp_path: Path) -> None:
        """The SDK's exceptions hold the whole answer: none of it reaches a log through ours."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            body = '{"errorCode": "INVALID_REQUEST_PARAMETER", "message": "misaki.tanaka@hoshizora.example"}'
            made.stage.faults.append(Fault(LISTS, status=400, body=body))
            with pytest.raises(Unintelligible) as caught:
                await made.register.find_papers(leaver("E1001"))
            assert "misaki" not in "".join(traceback.format_exception(caught.value))

    async def test_hourly_limit(self, tmp_path: Path) -> None:
        """The hour's limit is told by its code, whatever the status, and until when by a stamp."""
        async with rig(tmp_path) as made:
            assert made.stage is not None
            until = str(int((datetime.now(UTC) + timedelta(minutes=30)).timestamp()))
            body = '{"errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "message": "207"}'
            made.stage.faults.append(
                Fault(LISTS, status=400, body=body, headers={"X-RateLimit-Reset": until}, times=None)
            )
            with pytest.raises(Throttled) as caught:
                await made.register.find_papers(leaver("E1001"))
            assert caught.value.retry_after is not None
            assert timedelta(minutes=29) < caught.value.retry_after < timedelta(minutes=31)

    @pytest.mark.parametrize("where", [r"POST /oauth/token", LISTS])
    async def test_silence(self, tmp_path: Path, where: str) -> None:
        """The SDK waits for ever; the register does not, not even for a token."""
        async with rig(tmp_path, patience=0.3) as made:
            assert made.stage is not None
            made.stage.faults.append(Fault(where, delay=2, times=None))
            with pytest.raises(Unreachable, match="ReadTimeoutError"):
                await made.register.find_papers(leaver("E1001"))

    async def test_certificates(self, tmp_path: Path) -> None:
        """A server whose authority nobody named is not spoken to."""
        async with rig(tmp_path, settings={"LASTDAY_CA_BUNDLE": None}) as made:
            with pytest.raises(Unreachable):
                await made.register.find_papers(leaver("E1001"))

    def test_key_file(self, tmp_path: Path) -> None:
        """A key that is missing, or is none, stops the start."""
        tenant = Tenant(pledges=())
        for content in (None, b"no key"):
            path = tmp_path / "key.pem"
            if content is not None:
                path.write_bytes(content)
            values: dict[str, Any] = {"key_file": path, **tenant.credentials()}
            with pytest.raises(NotConfigured):
                Settings(_env_file=None, **values).key()
