"""Confidentiality papers for people who may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli.tables import Page, nda_table, table
from cli.terminal import japanese, say


def nda_page(nda: Mapping[str, Any]) -> Page:
    """Return the papers for people who may see them."""
    parts: Page = [nda_table(nda)]
    blind = [look for look in nda["looks"] if look["problem"] is not None]
    parts += [f"  {look['register']}: {look['problem']}  {look['remedy']}" for look in blind]
    if nda["pledge"] is not None:
        out = nda["pledge"]
        parts.append(
            say("  pledge", "  誓約書の依頼") + f": {out['state']} {out['register'] or 'file'} "
            + say(f"({out['reminders']} reminders)", f"（督促 {out['reminders']} 回）")
        )  # fmt: skip
    if nda["risk"]["reasons"]:
        parts.append(say("  risk raised", "  リスク増") + f": {', '.join(nda['risk']['reasons'])}")
    return [*parts, *_tests(nda["trade_secret"])]


def _tests(tests: Sequence[Mapping[str, Any]]) -> Page:
    suffix = "_ja" if japanese() else ""
    answers = (test["answer"]["text"] if test["answer"] is not None else None for test in tests)
    rows = (
        (test["test"], "\n".join(test[f"shows{suffix}"]), "\n".join(test[f"asks{suffix}"]), answer)
        for test, answer in zip(tests, answers, strict=True)
    )
    title = say("Trade-secret tests", "営業秘密の三要件")
    return [table("test", "record shows", "to be answered", "answer", title=title, rows=rows)]
