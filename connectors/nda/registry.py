"""Which register is kept where: one line each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module

from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.errors import NotConfigured
from connectors.kit.limits import Ledger
from connectors.nda.contract import Register
from connectors.nda.settings import Settings
from connectors.settings import misread

PACKAGES = {
    "folder": "connectors.nda.folder",
    "cloudsign": "connectors.nda.cloudsign",
    "docusign": "connectors.nda.docusign",
}
_PREFIXES = {"folder": "LASTDAY_NDA_", "cloudsign": "LASTDAY_CLOUDSIGN_", "docusign": "LASTDAY_DOCUSIGN_"}


@asynccontextmanager
async def open_registers(
    names: Iterable[str] | None = None, *, ledger: Ledger | None = None
) -> AsyncIterator[Mapping[str, Register]]:
    """
    Open the registers of *names* (default: those of `LASTDAY_NDA_REGISTERS`), in that order, and close them at the end.

    *ledger*: where all processes take what the vendors allow; without one, each register keeps its vendor's limits alone.
    Raises `NotConfigured` for an unknown name and for a missing setting: nothing is skipped.
    """
    opened: dict[str, Register] = {}
    try:
        for name in Settings().registers if names is None else names:
            opened[name] = await _open(name, ledger)
        yield opened
    finally:
        await asyncio.gather(*(register.aclose() for register in opened.values()))


async def _open(name: str, ledger: Ledger | None) -> Register:
    if name not in PACKAGES:
        remedy = f"LASTDAY_NDA_REGISTERS takes {', '.join(PACKAGES)}."
        raise NotConfigured("nda: cannot open a register: unknown name", code="unknown_register", remedy=remedy)
    try:
        register: Register = await import_module(PACKAGES[name]).connect(ledger=ledger)
    except ValidationError as exc:
        faults = exc.errors(include_input=False, include_url=False, include_context=False)
        named = "; ".join(f"{_variable(name, e['loc'])}: {e['msg']}" for e in faults)
        # `from None`: the original holds the values, which may be secrets
        raise NotConfigured(f"{name}: cannot be opened: {named}") from None
    except SettingsError as exc:
        raise NotConfigured(f"{name}: cannot be opened: {_variable(name, (misread(exc),))}: it is not JSON") from None
    return register


def _variable(name: str, loc: tuple[int | str, ...]) -> str:
    setting = "_".join(map(str, loc)).upper()
    return setting if setting.startswith("LASTDAY_") else f"{_PREFIXES[name]}{setting}"
