"""One reason why a leaver's activity is unusual, or why nobody can call it usual: a sentence with its figures."""

from __future__ import annotations

from copy import copy
from typing import Any

from casework.messages import BilingualText, Message, message

_UNCLEAN = frozenset({
    "programs", "applications", "takeout", "no_baseline", "odd_records", "other_names", "incomplete", "not_read_since", "delegates", "devices",
    "grants", "forwards_unclear", "other_devices", "replaced", "more_work", "growth_unclear", "too_short", "app_passwords",
    "moved",
})  # fmt: skip


class Reason:
    """
    A reason, the *facts* of its sentence, and as *figures* those facts that are not sentences themselves.

    *unclean*: it does not say that something is unusual, only that nobody can rule it out.
    """

    def __init__(self, reason: str, /, **facts: object) -> None:
        self.reason, self.unclean = reason, reason in _UNCLEAN
        self.figures = {name: fact for name, fact in facts.items() if not isinstance(fact, Message | BilingualText)}
        self.said = message(f"risk_{reason}", **facts).said

    def of(self, logs: tuple[str, ...]) -> Reason:
        """Return the reason as one of *logs* alone, which its sentence names; without any it stays as it is."""
        if not logs:
            return self
        alone = copy(self)
        alone.said, alone.figures = message("logs_alone", logs=logs, said=self.said).said, self.figures | {"logs": logs}
        return alone

    def moved(self, silent: tuple[str, ...]) -> Reason:
        """Return the reason as one that work which moved from the logs *silent* may explain; without any it stays as it is."""
        if not silent:
            return self
        moved = copy(self)
        moved.reason, moved.unclean, moved.figures = "moved", True, self.figures | {"of": self.reason, "silent": silent}
        moved.said = message("risk_moved", said=self.said, silent=silent).said
        return moved

    @property
    def fields(self) -> dict[str, Any]:
        """The reason as a summary has it."""
        return {"reason": self.reason, **self.said.fields, "figures": self.figures, "unclean": self.unclean}
