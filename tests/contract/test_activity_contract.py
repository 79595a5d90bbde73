"""What every connector keeps when it reads its service's logs, whatever the service."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from connectors.activity import ActivityPage, ActivityRecord, Window
from connectors.errors import ConnectorError, CursorExpired
from emulators.fault_proxy import Fault
from models.vocabulary import Account, ActivityKind, Service
from tests.contract.rig import ActivityRig, Rig, Rigging, account_of

LEAVER = "E1001"
TODAY = datetime.now(UTC).replace(microsecond=0)
INSTANTS = [TODAY - timedelta(days=3, minutes=n) for n in range(5)]
WINDOW = Window(INSTANTS[-1] - timedelta(seconds=1), INSTANTS[0] + timedelta(seconds=1))


def _kit(service: Service) -> ActivityRig | None:
    found: ActivityRig | None = getattr(importlib.import_module(f"tests.contract.rig_{service}"), "ACTIVITY", None)
    return found


KITS = {service: kit for service in Service if (kit := _kit(service)) is not None}


@dataclass(slots=True)
class Reading:
    """A leaver with five downloads, and the ways to read of them."""

    rig: Rig
    kit: ActivityRig
    account: Account

    async def page(self, cursor: str | None = None, window: Window = WINDOW) -> ActivityPage:
        return await self.rig.connector.activity(self.account, self.kit.source, window, cursor)

    async def whole(self, window: Window = WINDOW, cursor: str | None = None) -> list[ActivityRecord]:
        """Read to the end, as whoever keeps evidence does: by id, so that what comes twice is held once."""
        found: dict[str, ActivityRecord] = {}
        for _ in range(200):
            page = await self.page(cursor, window)
            found |= {record.id: record for record in page.records}
            cursor = page.cursor
            if cursor is None:
                return list(found.values())
        raise AssertionError("no end within 200 pages")

    def downloads(self, records: list[ActivityRecord]) -> list[datetime]:
        """Return when the records tell of a download, in order."""
        told = [a for r in records for a in self.rig.connector.describe(self.kit.source, r.raw)]
        return sorted(a.at for a in told if a.kind is ActivityKind.DOWNLOAD)


@pytest.fixture(params=list(KITS))
async def reading(request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    kit = KITS[request.param]
    build: Rigging = importlib.import_module(f"tests.contract.rig_{request.param}").rig
    async with build(**kit.options) as rig:
        account = await account_of(rig, LEAVER)
        for at in INSTANTS:
            kit.record(rig.tenant, account.id, at)
        yield Reading(rig, kit, account)


class TestSources:
    def test_are_stated(self, reading: Reading) -> None:
        """Each log says how late its records may come, which scopes reading needs, and where the vendor says so."""
        sources = reading.rig.connector.activity_sources
        assert reading.kit.source in {source.name for source in sources}
        assert len({source.name for source in sources}) == len(sources)
        for source in sources:
            assert source.scopes, source.name
            assert source.source, source.name
            assert source.lag >= timedelta(0), source.name


class TestPages:
    async def test_are_whole_one_entry_each(self, reading: Reading) -> None:
        """Page by page, everything comes: each download of the window, under an id of its own."""
        records = await reading.whole()
        assert set(INSTANTS) <= set(reading.downloads(records))
        assert all(WINDOW.from_at <= record.at < WINDOW.until_at for record in records)

    async def test_carry_their_evidence(self, reading: Reading) -> None:
        """A page shows the exchange that it came by, and no address of the leaver stands in it."""
        page = await reading.page()
        assert page.evidence
        assert not any("@" in evidence.what for evidence in page.evidence)

    async def test_window(self, reading: Reading) -> None:
        """The first instant is in, the last one is out."""
        window = Window(INSTANTS[3], INSTANTS[1])
        records = await reading.whole(window)
        downloads = reading.downloads(records)
        assert {INSTANTS[3], INSTANTS[2]} <= set(downloads)
        assert INSTANTS[1] not in downloads

    async def test_cursor_again(self, reading: Reading) -> None:
        """The same cursor gives the same page: who was killed before keeping it loses nothing."""
        cursor = (await reading.page()).cursor
        assert cursor is not None
        first, second = await reading.page(cursor), await reading.page(cursor)
        assert [record.id for record in first.records] == [record.id for record in second.records]

    async def test_killed_anywhere(self, reading: Reading) -> None:
        """Whatever page the reader dies after, going on from the cursor that was kept gives what was missing."""
        expected = {record.id for record in await reading.whole()}
        cursor, kept = None, set[str]()
        for _ in range(6):
            page = await reading.page(cursor)
            kept |= {record.id for record in page.records}
            cursor = page.cursor
            if cursor is None:
                break
            rest = await reading.whole(cursor=cursor)
            assert kept | {record.id for record in rest} == expected

    async def test_cursor_of_nobody(self, reading: Reading) -> None:
        """A cursor that cannot be read means beginning again, not an empty log."""
        with pytest.raises(CursorExpired):
            await reading.page("no cursor of ours")


class TestFaults:
    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 429, "headers": {"Retry-After": "1"}},
            {"status": 503},
            {"drop": True},
            {"drop": True, "after": True},
        ],
        ids=["throttled", "unavailable", "dropped", "answer lost"],
    )
    async def test_pass(self, reading: Reading, fault: dict[str, object]) -> None:
        """A fault at every other page is waited out, and nothing is missing afterwards."""
        expected = {record.id for record in await reading.whole()}
        faults = [Fault(reading.kit.pages, skip=n, times=1, **fault) for n in range(4)]  # type: ignore[arg-type]  # the fault's own fields
        reading.rig.stage.faults.extend(faults)
        assert {record.id for record in await reading.whole()} == expected

    async def test_stay(self, reading: Reading) -> None:
        """A fault that stays is an error, never a short log; from the same cursor the rest can be had later."""
        expected = {record.id for record in await reading.whole()}
        first = await reading.page()
        reading.rig.stage.faults.append(Fault(reading.kit.pages, status=503, times=None))
        with pytest.raises(ConnectorError):
            await reading.page(first.cursor)
        reading.rig.stage.faults.clear()
        rest = await reading.whole(cursor=first.cursor)
        assert {record.id for record in itertools.chain(first.records, rest)} == expected


class TestDescribe:
    async def test_same_bytes_same_answer(self, reading: Reading) -> None:
        """What a record tells depends on the record alone, and nothing in it is left out."""
        for record in await reading.whole():
            told = reading.rig.connector.describe(reading.kit.source, record.raw)
            assert told
            assert told == reading.rig.connector.describe(reading.kit.source, record.raw)
            assert all(activity.raw_name and activity.at.tzinfo is not None for activity in told)
