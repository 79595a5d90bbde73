"""
Verify a bundle.  The verifier trusts only the auditor's own trust material, neither the bundle's author nor its contents.

- trust: the auditor's keys, policy and roots; folder: reads the bundle's files safely
- signatures: list, certificate, head, stamps; case: proofs, chain, payloads, evidence, intents
- whole_log: the whole log in one pass; record_and_pages: record, pages and the verdict's lines
- later_log: the record's age, a later log; report: what was seen, what is broken

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
from audit.verify.record_and_pages import PageMaker, summed_up
from audit.verify.report import (
    TITLES,
    UNFIT,
    BundleError,
    BundleFault,
    BundleReport,
    UnreadableBundle,
    VerifyStep,
    printable,
)
from audit.verify.trust import Trust, read_trust
from audit.verify.whole_log import (
    LONGEST_LAG,
    CompletenessCheck,
    DateCheck,
    LagCheck,
    LineCheck,
    LogCheck,
    PrefixCheck,
    walk,
)

__all__ = [
    "LONGEST_LAG",
    "TITLES",
    "BundleFault",
    "BundleReport",
    "PageMaker",
    "Trust",
    "UnreadableBundle",
    "VerifyStep",
    "read_trust",
    "verify",
]

Progress: TypeAlias = "Callable[[int, int], object]"
"""Called now and then with the number of the log's lines that were read, and their total."""

_STEPS: Mapping[VerifyStep, Callable[[Bundle], str]] = {
    VerifyStep.SUMS: signatures.sums,
    VerifyStep.CERTIFICATE: signatures.certificate,
    VerifyStep.INCLUSION: case.inclusion,
    VerifyStep.HEAD: signatures.head,
    VerifyStep.STAMPS: signatures.stamps,
    VerifyStep.CHAIN: case.chain,
    VerifyStep.EVIDENCE: case.evidence,
    VerifyStep.INTENTS: case.intents,
    VerifyStep.RECORD: record_and_pages.record,
}


def verify(
    folder: Path,
    trust: Path,
    *,
    longest_lag: timedelta = LONGEST_LAG,
    progress: Progress | None = None,
    again: PageMaker | None = None,
    log: Path | None = None,
) -> BundleReport:
    """
    Run every step on the bundle in *folder*, and trust only the material in *trust*.

    *longest_lag*: how long an event may have waited for its stamp.  *again*: can make the pages again.  *log*: a folder with a later
    state of the log, see `read_folder`.  Memory does not grow with the log.  Raises `UnreadableBundle` if there is no bundle, or no
    usable trust material.
    """
    try:
        bundle = open_bundle(folder, read_trust(trust, folder))
        report = _introduced(bundle)
        steps: Mapping[VerifyStep, Callable[[Bundle], str]] = {
            **_STEPS,
            VerifyStep.PAGES: partial(record_and_pages.pages, again=again),
            VerifyStep.FRESH: partial(later_log.fresh, longest_lag=longest_lag),
            VerifyStep.LATER: partial(later_log.later, log=log),
        }
        for step, ask in steps.items():
            _note(report, step, _asked(bundle, ask))
        whole, complete = LogCheck(bundle), CompletenessCheck(bundle, report.case)
        watches: list[LineCheck] = [
            PrefixCheck(bundle),
            complete,
            DateCheck(bundle),
            whole,
            LagCheck(bundle, longest_lag),
        ]
        for step, seen in walk(bundle, watches, progress).items():
            _note(report, step, seen)
        report.gaps = tuple(whole.gaps)
        report.in_gap = any(complete.first is not None and complete.first < gap.row for gap in whole.gaps)
        if report.sound:
            report.verdict = tuple(
                (printable(english), printable(japanese)) for english, japanese in (*summed_up(bundle), *bundle.notes)
            )
    except OSError as exc:
        raise UnreadableBundle(f"bundle: cannot be read: {exc.strerror}") from exc
    return report


def _introduced(bundle: Bundle) -> BundleReport:
    """Return a report with the case, log and size that the bundle claims, as far as they can be read."""
    try:
        head = bundle.head()
        case = printable(str(bundle.event(0)["case"]))
        return BundleReport(case, printable(head.origin), head.size, unasked=bundle.trust.unasked)
    except BundleError:
        return BundleReport(unasked=bundle.trust.unasked)


def _asked(bundle: Bundle, ask: Callable[[Bundle], str]) -> str | BundleError:
    try:
        return ask(bundle)
    except BundleError as fault:
        return fault
    except UNFIT as exc:
        return BundleError("events", f"an event lacks a field of its type: {type(exc).__name__}")


def _note(report: BundleReport, step: VerifyStep, seen: str | BundleError) -> None:
    if isinstance(seen, BundleError):
        report.faults.append(BundleFault(step, seen.file, seen.what))
    else:
        report.passed[step] = seen
