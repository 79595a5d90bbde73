"""The registers of papers, one line each."""

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
from connectors.settings import not_configured

PACKAGES = {
    "folder": "connectors.nda.folder",
    "cloudsign": "connectors.nda.cloudsign",
    "docusign": "connectors.nda.docusign",
}


@asynccontextmanager
async def open_registers(
    names: Iterable[str] | None = None, *, ledger: Ledger | None = None
) -> AsyncIterator[Mapping[str, Register]]:
    """
    Open the registers of *names* (default: those of `LASTDAY_NDA_REGISTERS`), in that order, and close them at the end.

    *ledger*: where all processes take the calls that the vendors allow; None: each register counts alone.  Raises
    `NotConfigured` for an unknown name and for a missing setting; skips nothing.
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
    package = import_module(PACKAGES[name])
    try:
        register: Register = await package.connect(package.Settings(), ledger=ledger)
    except (ValidationError, SettingsError) as exc:
        raise not_configured(name, package.Settings.model_config["env_prefix"], exc) from None
    return register
