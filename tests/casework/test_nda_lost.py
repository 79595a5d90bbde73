"""A pledge whose sending was lost reaches its signer once, whatever the look for it is answered with."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from casework.nda import pledging
from casework.nda.registers import NdaContext
from connectors.errors import ConnectorError, OutcomeUnknown
from emulators.fault_proxy import Fault, Request
from models.tables import Case
from models.vocabulary import PledgeState
from tests.casework.conftest import Office
from tests.casework.registers import look_inside
from tests.casework.test_nda_pledge import Asking
from tests.contract.nda.rig import rigging

SENDS = {"cloudsign": r"POST /documents/[0-9a-f]{32}$", "docusign": r"POST /restapi/.*/envelopes$"}
LOOKS = r"GET .*/(documents|envelopes)"
REFUSED = [
    (403, '{"error": "forbidden", "errorCode": "USER_LACKS_PERMISSIONS"}'),
    (400, '{"error": "invalid_request", "errorCode": "invalid_request"}'),
    (402, '{"error": "webapi_option_required"}'),
    (404, '{"error": "not_found", "errorCode": "ACCOUNT_NOT_FOUND"}'),
    (200, '{"id": 1}'),
    (503, ""),
]

WAYS = [
    "cloudsign: lost",
    "cloudsign: 502",
    "cloudsign: taken, which is not believed",
    "docusign: lost",
    "docusign: 502",
]
ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("cloudsign", {"drop": True}), ("cloudsign", {"status": 502}), ("cloudsign", {}), ("docusign", {"drop": True}), ("docusign", {"status": 502}),
]  # fmt: skip


@pytest.fixture(params=SENDS)
async def asking(
    request: pytest.FixtureRequest, make_office: Callable[..., Office], tmp_path: Path
) -> AsyncIterator[Asking]:
    office = make_office()  # the vendor's clock is this machine's, as that of CloudSign's index is
    async with rigging(request.param)(tmp_path, pledges=()) as rig:
        yield Asking(office, NdaContext(office.context, {rig.name: rig.register}, examine=look_inside), rig)


def refuse_looks_after_the_sending(asking: Asking, status: int, body: str) -> None:
    """Let each read be answered so, from the sending on."""
    stage = asking.rig.stage
    assert stage is not None
    sends, faults = SENDS[asking.rig.name], stage.faults

    class Journal(list[Request]):
        def append(self, request: Request) -> None:
            super().append(request)
            if re.search(sends, request.line):
                faults.append(Fault(LOOKS, status=status, body=body, times=None))

    stage.journal = Journal()


async def sent(asking: Asking, case: Case) -> PledgeState | ConnectorError:
    """Ask for the pledge, five minutes after the last time; return its state, or the error."""
    asking.office.clock.pass_by(minutes=5)
    try:
        return (await pledging.send_pledge(asking.nda_context, case.id, by="hr")).state
    except ConnectorError as error:
        return error


class TestLookIsRefused:
    @pytest.mark.parametrize(("status", "body"), REFUSED, ids=[str(status) for status, _ in REFUSED])
    @pytest.mark.parametrize(("asking", "answer"), ANSWERS, indirect=["asking"], ids=WAYS)
    async def test_after_the_sending(self, asking: Asking, status: int, body: str, answer: dict[str, Any]) -> None:
        """The pledge was sent, and what looks for it is refused: whether it was is unknown, and asked for again it is found, not sent anew."""
        stage, case = asking.rig.stage, asking.report()
        assert stage is not None
        if answer:
            stage.faults.append(Fault(SENDS[asking.rig.name], after=True, **answer))
        refuse_looks_after_the_sending(asking, status, body)
        error = await sent(asking, case)
        assert isinstance(error, OutcomeUnknown)
        assert error.evidence[-1].status == status
        (outcome,) = asking.told(case, "nda.outcome")
        assert (outcome["result"], outcome["state"]) == ("unknown", "intended")
        stage.faults.clear()
        stage.journal = []
        assert await sent(asking, case) is PledgeState.SENT
        assert len(asking.rig.delivered()) == 1

    async def test_before_the_next_sending(self, asking: Asking) -> None:
        """As long as the look is refused the pledge is not given up: another one would reach the signer as well."""
        stage, case = asking.rig.stage, asking.report()
        assert stage is not None
        stage.faults.append(Fault(SENDS[asking.rig.name], drop=True, after=True))
        refuse_looks_after_the_sending(asking, *REFUSED[0])
        states = [await sent(asking, case) for _ in range(3)]
        assert [one["state"] for one in asking.told(case, "nda.outcome")] == ["intended"] * 3, states
        stage.faults.clear()
        assert await sent(asking, case) is PledgeState.SENT
        assert len(asking.rig.delivered()) == 1

    async def test_nothing_was_sent(self, asking: Asking) -> None:
        """A look that surely finds nothing decides too: a register that refuses to send has rejected the pledge."""
        stage, case = asking.rig.stage, asking.report()
        assert stage is not None
        sends = SENDS[asking.rig.name]
        stage.faults += [Fault(sends, drop=True), Fault(sends, status=403, body=REFUSED[0][1])]
        states = [await sent(asking, case) for _ in range(2)]
        assert [one["state"] for one in asking.told(case, "nda.outcome")] == ["intended", "rejected"], states
        assert asking.rig.delivered() == []
