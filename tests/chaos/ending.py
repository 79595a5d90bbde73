"""What cases came to after a fault, held to what they come to without one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tests.chaos.production import SERVICES, Production

_ENDS_WITHIN = 480.0
_WRITES = ("DELETE", "PATCH", "PUT")
"""Never a read.  Slack and Microsoft read by POST too."""


@dataclass(frozen=True, slots=True)
class Ending:
    """
    *blocked* and *closed* are the instants (seconds since 1970), by case, of the last sign-in that was blocked and of the closing.
    *lost*: whatever is not as it is without the fault, a line each.
    """

    blocked: dict[str, float]
    closed: dict[str, float]
    lost: list[str] = field(default_factory=list)

    def blocked_after(self, since: float, cases: Collection[str] = ()) -> float:
        """Return the seconds from *since* until the last of the *cases*, or all, was blocked everywhere."""
        return max((at for case, at in self.blocked.items() if not cases or case in cases), default=since) - since

    def closed_after(self, since: float, cases: Collection[str] = ()) -> float:
        return max((at for case, at in self.closed.items() if not cases or case in cases), default=since) - since

    def since(self, fault: float) -> tuple[float, float, int]:
        """Return what the table tells: seconds until the last block, until the last closing, and what was lost."""
        return self.blocked_after(fault), self.closed_after(fault), len(self.lost)


def blocks(made: Production, case: str) -> dict[str, float]:
    """Return when each service accepted to block the leaver, as far as the journals have been read."""
    places = {name: (name, made.account(name, case)) for name in SERVICES}
    return {name: made.blocked[place] for name, place in places.items() if place in made.blocked}


def mid_cut(made: Production, cases: Sequence[str]) -> None:
    """Wait until some of the leavers' sign-ins are blocked, and not all."""

    def some() -> bool:
        made.read_journals()
        return any(blocks(made, case) for case in cases)

    made.wait_for(some, 120, "the first block")


def blocked_everywhere(
    made: Production, cases: Sequence[str], *, within: float, services: Collection[str] = SERVICES
) -> float:
    """Wait until the *services* have accepted to block all; return when the last one did."""

    def all_of_them() -> bool:
        made.read_journals()
        return all(blocks(made, case).keys() >= {*services} for case in cases)

    made.wait_for(all_of_them, within, f"{services} have blocked {cases}")
    return max(at for case in cases for name, at in blocks(made, case).items() if name in services)


def ended(made: Production, cases: Sequence[str], *, open_still: Collection[str] = ()) -> Ending:
    """Wait until all are closed, but those that are to stay open, and nobody holds one; judge what was done on the way."""
    deadline = time.monotonic() + _ENDS_WITHIN
    while time.monotonic() < deadline:
        rows = made.cases(cases)
        over = [row["state"] == "closed" or case in open_still for case, row in rows.items() if not row["held"]]
        if len(over) == len(cases) and all(over):
            break
        time.sleep(0.2)
    rows = made.cases(cases)
    made.read_journals()
    ending = Ending(
        {case: max(blocks(made, case).values(), default=0.0) for case in cases},
        {case: row["closed_at"].timestamp() for case, row in rows.items() if row["closed_at"] is not None},
    )
    for case, row in rows.items():
        missing = {*SERVICES} - blocks(made, case).keys()
        if case not in open_still and row["state"] != "closed":
            ending.lost.append(f"{case}: is {row['state']}: {_findings(made, case)}")
        if missing and case not in open_still:
            ending.lost.append(f"{case}: not blocked in {missing}")
        if row["open_intents"]:
            ending.lost.append(f"{case}: {row['open_intents']} open intents")
        ending.lost.extend(
            f"{case}: before its instant: {line}" for line in _early(made, case, row["due_at"].timestamp())
        )
    ending.lost.extend(f"twice: {line}" for line in _twice(made))
    strangers = made.changed() - {made.account(name, case) for case in made.leavers for name in SERVICES}
    ending.lost.extend(f"a colleague was changed: {account}" for account in strangers)
    return ending


def _early(made: Production, case: str, due: float) -> list[str]:
    """Return what was asked of the leaver's accounts, but to read them, before the instant."""
    return [
        asked["line"]
        for name in SERVICES
        for asked in made.journals[name]
        if asked["at"] < due and asked["line"].startswith(_WRITES) and made.account(name, case) in asked["line"]
    ]


def _twice(made: Production) -> list[str]:
    """Return the requests that took something away twice: the vendor accepted the same one again."""
    taken = (
        (asked["line"], asked["body"])
        for journal in made.journals.values()
        for asked in journal
        if asked["line"].startswith("DELETE") and (asked["status"] or 500) < 300
    )
    return [line for (line, _), times in Counter(taken).items() if times > 1]


def _findings(made: Production, case: str) -> list[str]:
    query = "SELECT kind, entitlement_id, text FROM finding WHERE case_id = %s AND resolved_at IS NULL"
    return [f"{row['kind']} {row['entitlement_id']}: {row['text']}" for row in made.ask(query, case)]
