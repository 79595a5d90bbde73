"""
Verify a bundle.  The verifier trusts only the auditor's own trust material, neither the bundle's author nor its contents.

- trust: the auditor's keys, policy and roots; folder: reads the bundle's files safely
- seals: list, certificate, head, stamps; case: proofs, chain, payloads, evidence, intents
- walk: the whole log in one pass; verdict: record, pages and the verdict's lines
- later: the record's age, a later log; report: what was seen, what is broken

Needs no database, no network and no settings.  docs/verify.md has the same steps with other tools.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

from audit.verify import case, later_log, record_and_pages, signatures
from audit.verify.folder import Bundle, open_bundle
from audit.verify.record_and_pages import Pages, summed_up
from audit.verify.report import TITLES, UNFIT, Broken, Fault, Report, Step, Unreadable, printable
from audit.verify.trust import Trust, read_trust
from audit.verify.whole_log import LONGEST_LAG, Completeness, Dates, Lag, Prefixes, Watch, Whole, walk

__all__ = ["LONGEST_LAG", "TITLES", "Broken", "Pages", "Report", "Step", "Trust", "Unreadable", "read_trust", "verify"]

Progress: TypeAlias = "Callable[[int, int], object]"
"""Called now and then with the number of the log's lines that were read, and their total."""

_STEPS: Mapping[Step, Callable[[Bundle], str]] = {
    Step.SUMS: signatures.sums,
    Step.CERTIFICATE: signatures.certificate,
    Step.INCLUSION: case.inclusion,
    Step.HEAD: signatures.head,
    Step.STAMPS: signatures.stamps,
    Step.CHAIN: case.chain,
    Step.EVIDENCE: case.evidence,
    Step.INTENTS: case.intents,
    Step.RECORD: record_and_pages.record,
}


def verify(
    folder: Path,
    trust: Path,
    *,
    longest_lag: timedelta = LONGEST_LAG,
    progress: Progress | None = None,
    again: Pages | None = None,
    log: Path | None = None,
) -> Report:
    """
    Run every step on the bundle in *folder*, and trust only the material in *trust*.

    *longest_lag*: how long an event may have waited for its stamp.  *again*: can make the pages again.  *log*: a folder with a later
    state of the log, see `read_folder`.  Memory does not grow with the log.  Raises `Unreadable` if there is no bundle, or no
    usable trust material.
    """
    try:
        bundle = open_bundle(folder, read_trust(trust, folder))
        report = _introduced(bundle)
        steps: Mapping[Step, Callable[[Bundle], str]] = {
            **_STEPS,
            Step.PAGES: partial(record_and_pages.pages, again=again),
            Step.FRESH: partial(later_log.fresh, longest_lag=longest_lag),
            Step.LATER: partial(later_log.later, log=log),
        }
        for step, ask in steps.items():
            _note(report, step, _asked(bundle, ask))
        whole, complete = Whole(bundle), Completeness(bundle, report.case)
        watches: list[Watch] = [Prefixes(bundle), complete, Dates(bundle), whole, Lag(bundle, longest_lag)]
        for step, seen in walk(bundle, watches, progress).items():
            _note(report, step, seen)
        report.gaps = tuple(whole.gaps)
        report.in_gap = any(complete.first is not None and complete.first < gap.row for gap in whole.gaps)
        if report.sound:
            report.verdict = tuple(
                (printable(english), printable(japanese)) for english, japanese in (*summed_up(bundle), *bundle.notes)
            )
    except OSError as exc:
        raise Unreadable(f"bundle: cannot be read: {exc.strerror}") from exc
    return report


def _introduced(bundle: Bundle) -> Report:
    """Return a report with the case, log and size that the bundle claims, as far as they can be read."""
    try:
        head = bundle.head()
        case = printable(str(bundle.event(0)["case"]))
        return Report(case, printable(head.origin), head.size, unasked=bundle.trust.unasked)
    except Fault:
        return Report(unasked=bundle.trust.unasked)


def _asked(bundle: Bundle, ask: Callable[[Bundle], str]) -> str | Fault:
    try:
        return ask(bundle)
    except Fault as fault:
        return fault
    except UNFIT as exc:
        return Fault("events", f"an event lacks a field of its type: {type(exc).__name__}")


def _note(report: Report, step: Step, seen: str | Fault) -> None:
    if isinstance(seen, Fault):
        report.faults.append(Broken(step, seen.file, seen.what))
    else:
        report.passed[step] = seen
