"""An office with three services on paper, and its candidates as they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from models.vocabulary import ConnectionId, Service
from tests.casework.paper import Paper
from tests.casework.shown import show

if TYPE_CHECKING:
    from tests.casework.conftest import Office

GOOGLE, SLACK, M365 = Service.GOOGLE_WORKSPACE, Service.SLACK, Service.MICROSOFT365


def three(office: Office) -> dict[ConnectionId, Paper]:
    """Give the office three services on paper, all empty."""
    papers: dict[ConnectionId, Paper] = {
        service: Paper(service=service, now=office.clock) for service in (GOOGLE, SLACK, M365)
    }
    office.context = replace(office.context, connectors=papers)
    office.paper = papers[GOOGLE]
    return papers


@pytest.fixture
def papers(make_office: Callable[..., Office]) -> tuple[Office, dict[ConnectionId, Paper]]:
    office = make_office()
    return office, three(office)


def accounts(office: Office, case_id: str) -> dict[str, dict[str, Any]]:
    """The candidates as shown, by `service:id`."""
    return {f"{a['service']}:{a['id']}": a for a in show(office.context, case_id)["accounts"]}


def standings(office: Office, case_id: str) -> dict[str, str]:
    return {key: account["standing"] for key, account in accounts(office, case_id).items()}
