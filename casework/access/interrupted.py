"""What a killed restore left open: an account whose block was lifted, with the leaver's ways in perhaps still behind it."""

from __future__ import annotations

import logging

from sqlmodel import col, select

from casework.access.giving import Giving, block_lifted
from casework.access.revoking import each
from casework.claims import claim, held
from casework.context import Context
from casework.truth.findings import assess
from casework.truth.rows import accounts_of
from models.tables import Case, CaseEntitlement

_log = logging.getLogger("lastday.restores")


def lifted(context: Context) -> list[str]:
    """Return the cases in which a restore lifted a block, saw the exits not gone, and is not carried on by anybody."""
    now = context.now()
    of = select(CaseEntitlement.case_id).where(col(CaseEntitlement.lifted_at) <= now)
    open_ones = select(Case).where(col(Case.id).in_(of), col(Case.erased_at).is_(None))
    with context.store.read() as session:
        return sorted(case.id for case in session.exec(open_ones).all() if not held(case, now))


async def block_interrupted(context: Context) -> int:
    """
    Block again every account that a killed restore left open; return how many cases that was tried for.

    The restore itself is carried out again by a person: what it had not given back is a finding.  No account that cannot be
    blocked, because its service cannot be opened, stops another one.
    """
    cases = lifted(context)
    for case_id in cases:
        try:
            await _block(context, case_id)
        except Exception as exc:  # noqa: BLE001  # the others' accounts must not depend on this one
            _log.error("%s: an account that a restore left open cannot be blocked: %s", case_id, type(exc).__name__)
    return len(cases)


async def _block(context: Context, case_id: str) -> None:
    async with claim(context, case_id, context.name("restore")) as ours:
        if not ours:
            return
        with context.store.read() as session:
            accounts = accounts_of(session, case_id, *context.connectors)
        try:
            await each(block_lifted(Giving(context, account, context.now())) for account in accounts)
        finally:
            with context.store.write() as session:
                assess(context, session, case_id)
