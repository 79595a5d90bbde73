"""Confidentiality papers for people who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.tables import Page, nda_table, table
from cli.terminal import japanese, say

if TYPE_CHECKING:
    from casework.view.papers import Papers, SecretTest


def nda_page(nda: Papers) -> Page:
    """Return the papers for people who may see them."""
    parts: Page = [nda_table(nda)]
    parts += [
        f"  {look.register_name}: {look.problem}  {look.remedy}" for look in nda.looks if look.problem is not None
    ]
    if (out := nda.pledge) is not None:
        parts.append(
            say("  pledge", "  誓約書の依頼") + f": {out.state} {out.register_name or 'file'} "
            + say(f"({out.reminders} reminders)", f"（督促 {out.reminders} 回）")
        )  # fmt: skip
    if nda.risk.reasons:
        parts.append(say("  risk raised", "  リスク増") + f": {', '.join(nda.risk.reasons)}")
    title = say("Trade-secret tests", "営業秘密の三要件")
    tests = map(_test, nda.trade_secret)
    return [*parts, table("test", "record shows", "to be answered", "answer", title=title, rows=tests)]


def _test(test: SecretTest) -> tuple[object, ...]:
    shows, asks = (test.shows_ja, test.asks_ja) if japanese() else (test.shows, test.asks)
    return test.test, "\n".join(shows), "\n".join(asks), test.answer.text if test.answer is not None else None
