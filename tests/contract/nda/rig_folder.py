"""The folder register, filled with the company's papers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from connectors.nda.folder import Settings, connect
from emulators.nda_folder import add_line, pledges_folder
from tests.contract.nda.rig import Rig


@asynccontextmanager
async def rig(directory: Path, **options: Any) -> AsyncIterator[Rig]:
    """Options are those of the folder's filling."""
    folder = directory / "nda"
    pledges_folder(folder, **{key: value for key, value in options.items() if key == "pledges"})
    register = await connect(Settings(_env_file=None, folder=folder))

    def delivered() -> list[tuple[str, str]]:
        return [(path.stem, path.name) for path in sorted(folder.glob("outbox/*.pdf"))]

    def answer(paper_id: str, decline: bool) -> None:
        (folder / f"{paper_id}.pdf").write_bytes(b"%PDF-1.7 scan\n%%EOF\n")
        state = (
            {"status": "拒否", "declined_on": "2026-11-20"}
            if decline
            else {"status": "署名済", "signed_on": "2026-11-20"}
        )
        add_line(folder, file=f"{paper_id}.pdf", kind="退職時誓約書", signer_employee_no="E1001", **state)

    try:
        yield Rig("folder", register, None, folder, delivered, answer, (folder / "manifest.csv").unlink)
    finally:
        await register.aclose()
