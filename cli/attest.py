"""`lastday attest`: a person signs for a manual step."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from cli.errors import DONE
from cli.options import CaseId
from cli.terminal import Terminal, say

EntitlementId: TypeAlias = Annotated[
    str, typer.Argument(metavar="ENTITLEMENT", help="service:account:kind:id, as `lastday show CASE --json` gives it.")
]


def attest(
    terminal: Terminal,
    case: CaseId,
    entitlement: EntitlementId,
    statement: Annotated[str, typer.Option(help="What was done, where and when.")],
) -> int:
    """Sign that a step was done by hand.  A later read that shows it open wins over it."""
    from casework.decisions import signatures as waiving
    from cli.contexts import in_context

    signed = in_context(
        lambda context: waiving.attest(
            context, case_id=case, entitlement_id=entitlement, statement=statement, by=terminal.who
        )
    )
    payload = {"case": case, "entitlement": entitlement, "attestation": signed.id}
    terminal.answer(payload, say(f"{signed.id}: attested by {signed.person}", f"{signed.id}: {signed.person} が確認"))
    return DONE
