"""One reason why what a leaver did is unusual, or why it cannot be called usual: a sentence with its figures."""

from __future__ import annotations

from typing import Any

from casework.messages import Message, Said, message

_UNCLEAN = frozenset({
    "programs", "applications", "takeout", "no_baseline", "odd_records", "other_names", "incomplete", "not_read_since", "delegates", "devices",
    "grants", "forwards_unclear", "other_devices", "replaced", "more_work", "growth_unclear", "too_short", "app_passwords",
})  # fmt: skip


class Reason:
    """
    One reason by its word, said with *facts*: those that are no words themselves are its figures.

    *unclean*: it does not say that something is unusual, but that nobody can say it is not.
    """

    def __init__(self, reason: str, /, **facts: object) -> None:
        self.reason, self.unclean = reason, reason in _UNCLEAN
        self.figures = {name: fact for name, fact in facts.items() if not isinstance(fact, Message | Said)}
        self.said = message(f"risk_{reason}", **facts).said

    @property
    def fields(self) -> dict[str, Any]:
        """As it stands in a summary."""
        return {"reason": self.reason, **self.said.fields, "figures": self.figures, "unclean": self.unclean}
