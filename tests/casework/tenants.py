"""The three emulated tenants, through the connectors that production uses, at one context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from casework import runbook
from casework.context import Context
from models.vocabulary import Service
from tests.casework.conftest import Office
from tests.casework.shown import show
from tests.contract import rig_google_workspace, rig_microsoft365, rig_slack
from tests.contract.rig import Rig

GOOGLE, SLACK, M365 = Service.GOOGLE_WORKSPACE, Service.SLACK, Service.MICROSOFT365
_RIGS = {GOOGLE: rig_google_workspace.rig, SLACK: rig_slack.rig, M365: rig_microsoft365.rig}


@dataclass
class Tenants:
    """An office at the three tenants.  *standings* are by service and account id."""

    office: Office
    rigs: Mapping[Service, Rig]

    @property
    def context(self) -> Context:
        return self.office.context

    def tenant(self, service: Service) -> Any:
        return self.rigs[service].tenant

    def id_of(self, service: Service, employee_no: str) -> str:
        return self.rigs[service].account_id(employee_no)

    def report(self, employee_no: str, **fields: Any) -> str:
        """Report a departure and return its case."""
        return self.office.report(employee_no=employee_no, **fields).id

    async def plan(self, case_id: str) -> dict[tuple[Service, str], str]:
        """Plan the case and return what was decided of each candidate."""
        await runbook.make_plan(self.context, case_id)
        return self.standings(case_id)

    def standings(self, case_id: str) -> dict[tuple[Service, str], str]:
        shown = show(self.context, case_id)["accounts"]
        return {(Service(a["service"]), a["id"]): a["standing"] for a in shown}

    async def cut(self, case_id: str) -> None:
        """Let the instant pass, and contain the leaver everywhere, as a run does."""
        self.office.clock.pass_by(hours=10)
        await asyncio.gather(*(runbook.contain(self.context, case_id, service) for service in self.rigs))

    def blocked(self) -> set[tuple[Service, str]]:
        """Return every account that cannot sign in now, by each tenant's own truth."""
        google = {(GOOGLE, user.id) for user in self.tenant(GOOGLE).users.values() if user.suspended}
        slack = {(SLACK, member.id) for member in self.tenant(SLACK).members.values() if member.deactivated_at}
        users = self.tenant(M365).directory.users
        return google | slack | {(M365, its) for its, user in users.items() if not user["accountEnabled"]}

    def everywhere(self, employee_no: str) -> set[tuple[Service, str]]:
        """Return a person's account in each service."""
        return {(service, self.id_of(service, employee_no)) for service in self.rigs}


@asynccontextmanager
async def tenants(office: Office, **options: dict[str, Any]) -> AsyncIterator[Tenants]:
    """Open the three; *options* are each one's, by the service's name."""
    async with AsyncExitStack() as stack:
        rigs = {
            service: await stack.enter_async_context(rig(**options.get(service.value, {})))
            for service, rig in _RIGS.items()
        }
        office.context = replace(office.context, connectors={service: rig.connector for service, rig in rigs.items()})
        yield Tenants(office, rigs)
