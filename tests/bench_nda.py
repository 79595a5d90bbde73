"""Figures of the registers of papers: what one leaver costs in a large register."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from connectors.errors import ConnectorError
from connectors.nda.contract import FoundPapers, Register
from connectors.nda.folder import FolderRegister
from emulators.company import PEOPLE
from emulators.fault_proxy import FaultProxy
from tests.bench_process import Figures
from tests.contract.nda.rig import rigging
from tests.contract.rig import leaver

_LINE = "{n}.pdf,entry_pledge,加藤 {name},k{n}@elsewhere.example,K{n:06},2020-04-01,yes\n"


def bench(*, full: bool = False) -> Figures:
    """One leaver among ten thousand documents (*full*: a hundred thousand), in each register."""
    documents = 100_000 if full else 10_000
    with tempfile.TemporaryDirectory(prefix="bench") as directory:
        root = Path(directory)
        return [
            *asyncio.run(_folder(root, documents)),
            *asyncio.run(_vendor("cloudsign", root, documents)),
            *asyncio.run(_vendor("docusign", root, documents)),
        ]


async def _folder(root: Path, documents: int) -> Figures:
    folder = root / "folder"
    folder.mkdir()
    header = "file,kind,signer_name,signer_email,signer_employee_no,signed_on,survives\n"
    mine = "mine.pdf,exit_pledge,田中 美咲,misaki.tanaka@hoshizora.example,E1001,2026-10-30,yes\n"
    lines = "".join(_LINE.format(n=n, name=n % 1000) for n in range(documents - 1))
    (folder / "manifest.csv").write_text(header + lines + mine, encoding="utf-8")
    register = FolderRegister(folder)
    first, _ = await _look(register)
    again, found = await _look(register)
    await register.aclose()
    return [
        (f"nda folder, {documents:,} papers: index built", f"{first:.1f} s"),
        ("nda folder: one leaver, from the index", f"{again * 1000:.1f} ms, {len(found.matches)} found"),
    ]


async def _vendor(name: str, root: Path, documents: int) -> Figures:
    directory = root / name
    directory.mkdir()
    async with rigging(name)(directory) as rig:
        rig.tenant.crowd(documents - len(PEOPLE))
        assert rig.stage is not None
        first = await _until_known(rig.register, rig.stage)
        rig.stage.journal.clear()
        took, found = await _look(rig.register)
        calls = len(rig.stage.journal)
    figures = [(f"nda {name}, {documents:,} documents: first reading", first)] if first else []
    what = f"nda {name}, {documents:,} documents: one leaver"
    return [*figures, (what, f"{calls} calls, {took:.2f} s, {len(found.matches)} found")]


async def _until_known(register: Register, stage: FaultProxy) -> str:
    """Look until a first look answers: a register without a search has to be read once."""
    began, looks = time.perf_counter(), 1
    while True:
        try:
            await register.find_papers(leaver("E1014"))
            break
        except ConnectorError as exc:
            if exc.code != "index_incomplete":
                raise
            looks += 1
    most = -(-len(stage.journal) // looks)
    took = time.perf_counter() - began
    return f"{len(stage.journal)} calls in {looks} looks ({most} a look), {took:.0f} s" if looks > 1 else ""


async def _look(register: Register) -> tuple[float, FoundPapers]:
    began = time.perf_counter()
    found = await register.find_papers(leaver("E1001"))
    return time.perf_counter() - began, found
