"""The house of the terminal's tests, and the company that it is led to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.tenants import Company, tenants
from tests.terminal_house import House, house, migrated

__all__ = ["company", "house", "migrated"]

POLICY = """\
[observe]
deadline_seconds = 10
first_wait_seconds = 0.2
longest_wait_seconds = 1
"""


@pytest.fixture
def company(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """The three tenants, in which no leaver is the last owner of anything, and a house that is led to them."""
    trust = house.directory / "var" / "trust"
    with tenants(house.directory / "tenants", spare_owners=True, latency=0.01, trust=trust) as there:
        for name, value in there.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("LASTDAY_POLICY_FILE", house.file("policy.toml", POLICY))
        yield there
