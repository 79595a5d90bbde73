"""The vendors' published limits are kept: on a night of fifty leavers, whose papers are looked for again and again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.kit.limits import Limit, OwnLedger
from connectors.nda.cloudsign import limits as cloudsign
from connectors.nda.docusign import limits as docusign
from emulators.company import PEOPLE
from tests.contract.nda.rig import FAST, rigging
from tests.contract.rig import leaver

NIGHT = [person.employee_no for person in PEOPLE[:50]]
PUBLISHED: Mapping[str, Mapping[int, int]] = {"cloudsign": {60: 800}, "docusign": {30: 500, 3600: 3000}}
"""Calls by the seconds in which the vendor counts them."""


@dataclass
class Clock:
    """A clock that only waiting moves, and when the calls came by it.  It has run for long: no limit has been touched for hours."""

    now: float = 1e6
    asked_at: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def wait(self, seconds: float) -> None:
        """Let so many *seconds* pass."""
        self.now += seconds

    def noting(self, app: ASGIApp) -> ASGIApp:
        """Return *app* with each call noted but those for DocuSign's tokens, which it does not count."""

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            if "/oauth/" not in scope.get("path", ""):
                self.asked_at.append(self.now)
            await app(scope, receive, send)

        return noted

    def most_within(self, seconds: float) -> int:
        """The most calls in any such time."""
        return max(sum(begun <= at < begun + seconds for at in self.asked_at) for begun in self.asked_at)


@pytest.mark.parametrize("name", PUBLISHED)
async def test_a_night_of_fifty_leavers(name: str, tmp_path: Path) -> None:
    """However often everybody's papers are looked for, at no time are there more calls than the vendor allows."""
    clock, limits = Clock(), PUBLISHED[name]
    pace = replace(FAST, sleep=clock.wait)
    async with rigging(name)(tmp_path, pace=pace, ledger=OwnLedger(clock)) as rig:
        assert rig.stage is not None
        transport: Any = rig.register._transport  # type: ignore[attr-defined]  # as `connect` has made it
        transport._limits.clock = clock
        rig.stage.app = clock.noting(rig.stage.app)
        for number in itertools.cycle(NIGHT):
            await rig.register.find_papers(leaver(number))
            if len(clock.asked_at) > min(limits.values()):
                break
    most = {seconds: clock.most_within(seconds) for seconds in limits}
    assert all(most[seconds] <= allowed for seconds, allowed in limits.items()), most
    assert any(most[seconds] > allowed / 2 for seconds, allowed in limits.items()), most


@pytest.mark.parametrize("limit", [*cloudsign.LIMITS, *docusign.LIMITS], ids=lambda limit: limit.name)
def test_no_limit_has_a_bucket(limit: Limit) -> None:
    """Calls of a bucket have to be urgent; most of a register's are searches."""
    assert limit.bucket is None
