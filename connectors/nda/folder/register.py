"""`connectors.nda.contract.Register` for a folder of signed papers with a manifest."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from connectors.errors import ConnectorError, NotOnPlan, Unreachable
from connectors.kit.limits import Ledger
from connectors.nda.contract import FoundPapers, Paper, SentPledge
from connectors.nda.folder.index import EVERYBODY, Index
from connectors.nda.folder.manifest import REGISTER, paper_of
from connectors.nda.folder.papers import PledgeFolder, pledge_id, read_file
from connectors.nda.matching import addresses_of, match_papers, names_of, search_keys
from connectors.nda.settings import Settings
from models.vocabulary import Evidence, Leaver

T = TypeVar("T")


class FolderRegister:
    """
    `connectors.nda.contract.Register` for a folder.

    *can_send* is False: `send` writes the pledge into the folder's `outbox`, for printing and signing by hand.  The scan has the
    pledge's id if it is put into the folder with a line in the manifest that has the pledge's file name or id.
    """

    name = REGISTER
    can_send = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = Index(folder)
        self._outbox = PledgeFolder(folder)
        self._turn = asyncio.Lock()

    async def probe(self) -> tuple[tuple[str, str], ...]:
        """See `Register.probe`: whether the manifest can be read."""
        try:
            await self._aside(lambda: self._index.find(()))
        except ConnectorError as exc:
            return ((str(exc), exc.advice),)
        return ()

    async def find_papers(self, leaver: Leaver) -> FoundPapers:
        """Return the leaver's papers, look-alikes, what binds everybody, and pledges in the outbox that are not back."""
        keys = {EVERYBODY} | search_keys(names_of(leaver), addresses_of(leaver), leaver.employee_no)
        began = datetime.now(UTC)
        digest, papers = await self._aside(lambda: self._find(keys))
        read = Evidence("read the manifest", began, datetime.now(UTC), None, code="file", response_sha256=digest)
        return FoundPapers(match_papers(leaver, papers), (read,))

    async def look_up(self, paper_id: str) -> Paper | None:
        """Return the paper of the present manifest, else the pledge in the outbox."""
        return await self._aside(lambda: self._paper(paper_id))

    async def fetch(self, paper_id: str) -> bytes:
        """Return the file's bytes, unchecked: the caller compares their digest with the manifest's."""
        return await self._aside(lambda: self._bytes(paper_id))

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> SentPledge:
        """Write the pledge into the outbox; again with the same *key* writes nothing."""
        put = await self._aside(lambda: self._outbox.put(pledge, leaver, title, key))
        seen = datetime.now(UTC)
        wrote = Evidence(f"write outbox/{put.id}.pdf", put.sent_at, seen, None, code="file", request_sha256=put.sha256)
        return SentPledge(REGISTER, put.id, put.sent_at, (wrote,))

    async def find_sent(self, key: str) -> SentPledge | None:
        put = await self._aside(lambda: self._outbox.get(pledge_id(key)))
        return SentPledge(REGISTER, put.id, put.sent_at, ()) if put is not None else None

    async def remind(self, paper_id: str) -> None:  # noqa: ARG002  # the contract's own
        """Raise `NotOnPlan`: a folder cannot remind."""
        remedy = "Ask the leaver in person; the pledge to be signed lies in the folder's outbox."
        raise NotOnPlan("folder: cannot remind the signer: a folder sends nothing", remedy=remedy)

    async def take_back(self, paper_id: str, reason: str) -> None:  # noqa: ARG002  # a folder shows nobody a reason
        """Remove the pledge from the outbox.  A printed one may still come back through the manifest."""
        await self._aside(lambda: self._outbox.remove(paper_id))

    async def aclose(self) -> None:
        await asyncio.to_thread(self._index.close)

    async def _aside(self, work: Callable[[], T]) -> T:
        """Run *work* on files in a thread, one at a time."""
        async with self._turn:
            try:
                return await asyncio.to_thread(work)
            except (OSError, sqlite3.Error) as exc:
                code = type(exc).__name__
                remedy = "Let lastday read LASTDAY_NDA_FOLDER and write into its outbox, then run the case again."
                raise Unreachable(f"folder: cannot use its files: {code}", code=code, remedy=remedy) from exc

    def _find(self, keys: set[str]) -> tuple[str, list[Paper]]:
        digest, rows = self._index.find(keys)
        papers = [paper_of(row) for row in rows]
        back = {paper.id for paper in papers}
        return digest, papers + [pledge.paper() for pledge in self._outbox.all() if pledge.id not in back]

    def _paper(self, paper_id: str) -> Paper | None:
        _, rows = self._index.find([f"id:{paper_id}"])
        if rows:
            return paper_of(rows[0])
        pledge = self._outbox.get(paper_id)
        return pledge.paper() if pledge is not None else None

    def _bytes(self, paper_id: str) -> bytes:
        paper = self._paper(paper_id)
        if paper is None or "file" not in paper.details:
            remedy = "Name the paper's file in the manifest."
            raise Unreachable("folder: cannot read a paper: no file", code="no_file", remedy=remedy)
        return read_file(self._folder, paper.details["file"])


async def connect(settings: Settings, *, ledger: Ledger | None = None) -> FolderRegister:  # noqa: ARG001  # a folder has no limits
    return FolderRegister(settings.folder)
