"""A service that cannot be opened is a finding of its own, whatever is wrong with it; the others are cut in time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from audit.trail import Trail
from casework.connections import ready
from casework.context import Context
from casework.errors import StillOpen
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.policy import ObservationPolicy, Policy
from casework.store import Store, open_engine
from casework.view.reading.case import case_view
from connectors.contract import Capabilities, Connector
from connectors.errors import NotConfigured, Unreachable
from connectors.google_workspace import MANIFEST
from connectors.registry import open_connectors
from connectors.unopened_connector import UnopenedConnector
from emulators.company import person
from emulators.tenants import tenants
from models.vocabulary import CaseState, ConnectionId, EntitlementKind, Service
from tests.casework.paper import Paper
from tests.casework.test_truth_tenants import Tenancy

GOOGLE, SLACK, M365 = Service.GOOGLE_WORKSPACE, Service.SLACK, Service.MICROSOFT365
KEY_FILE = "LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE"
LEAVER = "E1001"


class TestAServiceThatCannotBeOpened:
    @pytest.mark.parametrize("content", ["", "{", '{"type": "service_account"}', None], ids=repr)
    async def test_stops_no_other_and_is_cut_once_it_opens(
        self, content: str | None, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        An empty, broken or missing key file of Google stops neither Slack nor Microsoft, and the case names it and stays open.

        Once the file is right, the same process opens it, and the case goes on.
        """
        monkeypatch.chdir(tmp_path)
        with tenants(tmp_path / "tenants") as company:
            for name, value in company.env.items():
                monkeypatch.setenv(name, value)
            key = Path(company.env[KEY_FILE])
            right = key.read_text(encoding="utf-8")
            if content is None:
                key.unlink()
            else:
                key.write_text(content, encoding="utf-8")
            async with open_connectors([GOOGLE, SLACK, M365], strict=False) as connectors:
                (tmp_path / "case.db").write_bytes(empty_database.read_bytes())
                engine = open_engine(f"sqlite:///{tmp_path}/case.db")
                policy = Policy(
                    observe=ObservationPolicy(deadline_seconds=1, first_wait_seconds=0.1, longest_wait_seconds=0.2)
                )
                context = Context(Store(engine, Trail("test.example/audit/2026")), policy, connectors)
                who, ends_on = person(LEAVER), str((datetime.now(UTC) - timedelta(days=2)).date())
                notice = read_options(employee_no=LEAVER, name=who.name, email=who.email, employment_ends_on=ends_on, kind="resignation")  # fmt: skip
                case = open_cases(context, notice, reported_by="hr", for_real=True).opened[0].case.id
                tenancy = Tenancy(context, None, company.stages[GOOGLE], case, "")

                with pytest.raises(StillOpen):
                    await tenancy.run()
                assert blocked(context, case) == {SLACK, M365}
                assert any(
                    "cannot be opened" in f.text and f.connection == GOOGLE for f in case_view(context, case).findings
                )

                key.write_text(right, encoding="utf-8")
                key.chmod(0o600)
                await tenancy.close()
                assert blocked(context, case) == {GOOGLE, SLACK, M365}
                assert context.case(case).state is CaseState.CLOSED
                engine.dispose()


async def test_is_opened_once_by_those_who_ask_together() -> None:
    """Two leavers ask at once, and the first probe of what was opened fails: nothing is opened a second time and left open."""
    opened, probed = [], []

    class Opened(Paper):
        async def probe(self) -> Capabilities:
            probed.append(1)
            await asyncio.sleep(0)
            if len(probed) == 1:
                raise Unreachable("paper: 503")
            return await super().probe()

    async def reopen() -> Connector:
        opened.append(1)
        connectors[GOOGLE] = Opened()
        return connectors[GOOGLE]

    connectors: dict[ConnectionId, Connector] = {GOOGLE: UnopenedConnector(MANIFEST, NotConfigured("no key"), reopen)}
    context = Context(cast("Store", None), Policy(), connectors)
    failed, found = await asyncio.gather(*(ready(context, GOOGLE) for _ in range(2)), return_exceptions=True)
    assert isinstance(failed, Unreachable)
    assert (found, len(opened)) == (connectors[GOOGLE], 1)


def blocked(context: Context, case_id: str) -> set[str]:
    view = case_view(context, case_id)
    return {
        account.connection
        for account in view.taken
        for row in account.entitlements
        if row.kind is EntitlementKind.SIGN_IN and row.observed_at is not None
    }
