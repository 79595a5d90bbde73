"""
Whom the risk sentences find, and whom they accuse wrongly, in companies with planted leaks: `python -m tests.bench_planted [SEED ...]`.

`--docs` writes docs/planted.md anew, of the seeds that nothing was tuned on.  Beside it stands what one fixed threshold, any day of more
takes than that, finds and accuses in the same companies: one at 500, and the best that there is for them.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from tests.bench_process import ROOT, Figures
from tests.planted.company import Company, Weighed

SEEDS = ("E", "F", "G")
"""Nothing was looked at in them while the rules were made; that was done on others."""
PAGE = ROOT / "docs" / "planted.md"
_NAIVE = 500
_HEAD = """# Planted leaks: what is found, and who is accused

Written by `python -m tests.bench_planted --docs`; the company is made by `tests/planted`, from a seed: {people:,} people over 200 days, each weighed as a
leaver, {leaks} of whom leak in ten ways, from plain to hard. Every other person is honest, and much happens to them that looks like a leak.
One person in ten has logs that show only takes, sign-ins and ways out. The rules were made with other seeds. The company is invented: the figures
compare rules with each other, and say nothing about your company.

*Found*: called unusual. *True*: found, and the first sentence names what was planted, with its figures. *Accused*: honest, and
called unusual. *Cannot say*: honest, and the summary says what nobody can know from the logs. Beside it: people who took more than {naive} files on
any day, and the same with the number of files that best separates the leaks from the honest in these very companies ({best}).
"""


def weighed(company: Company) -> list[Weighed]:
    """Weigh everybody, on all cores."""
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        return pool.map(company.weigh, range(company.people), chunksize=8)


def best_threshold(people: Sequence[Weighed]) -> int:
    """Return the fixed number of takes a day that parts leaks from honest people best (Youden's J)."""
    leaks, honest = ([one.peak for one in people if one.leaks is leaking] for leaking in (True, False))

    def parts(threshold: int) -> float:
        return _over(leaks, threshold) / max(len(leaks), 1) - _over(honest, threshold) / max(len(honest), 1)

    return max(sorted(set(leaks)), key=parts, default=0)


def _over(peaks: Sequence[int], threshold: int) -> int:
    return sum(peak > threshold for peak in peaks)


def tables(people: Sequence[Weighed]) -> Iterator[str]:
    """Yield the two confusion tables as Markdown, line by line."""
    best = best_threshold(people)
    yield f"| leak | planted | found | true | over {_NAIVE} a day | over {best:,} a day |"
    yield "|---|--:|--:|--:|--:|--:|"
    yield from (_row(word, group, best) for word, group in _groups(people, leaks=True))
    yield ""
    yield f"| honest | people | accused | cannot say | over {_NAIVE} a day | over {best:,} a day |"
    yield "|---|--:|--:|--:|--:|--:|"
    yield from (_row(word, group, best) for word, group in _groups(people, leaks=False))


def _groups(people: Sequence[Weighed], *, leaks: bool) -> list[tuple[str, list[Weighed]]]:
    groups: dict[str, list[Weighed]] = defaultdict(list)
    for one in people:
        if one.leaks is leaks:
            groups[one.word.replace("_", " ")].append(one)
    return [
        *sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])),
        ("**all**", [one for one in people if one.leaks is leaks]),
    ]


def _row(word: str, group: Sequence[Weighed], best: int) -> str:
    accused, peaks = sum(one.is_accused for one in group), [one.peak for one in group]
    second = sum(one.is_accused and one.true if one.leaks else one.verdict == "cannot_say" for one in group)
    return f"| {word} | {len(group)} | {accused} | {second} | {_over(peaks, _NAIVE)} | {_over(peaks, best)} |"


def figures_of(company: Company, people: Sequence[Weighed]) -> Figures:
    """Return one company's sums for `make bench`."""
    leaks, honest = ([one for one in people if one.leaks is leaking] for leaking in (True, False))
    found, true, accused = (
        sum(one.is_accused for one in leaks), sum(one.is_accused and one.true for one in leaks), sum(one.is_accused for one in honest)
    )  # fmt: skip
    unsaid, best = sum(one.verdict == "cannot_say" for one in honest), best_threshold(people)
    naive = ", ".join(
        f"over {limit:,} a day: {_over([one.peak for one in leaks], limit)} and {_over([one.peak for one in honest], limit)}"
        for limit in (_NAIVE, best)
    )
    what = f"risk: planted company {company.seed}"
    return [
        (f"{what}: leaks found, first sentence true", f"{found} and {true} of {len(leaks)}"),
        (f"{what}: honest people accused, cannot say", f"{accused} and {unsaid} of {len(honest)}"),
        (f"{what}: naive, leaks and honest people", naive),
    ]


def bench(*, full: bool = False) -> Figures:
    """One company, or with *full* three, of a thousand people."""
    companies = [Company(seed) for seed in (SEEDS if full else SEEDS[:1])]
    return [figure for company in companies for figure in figures_of(company, weighed(company))]


def page(found: Sequence[tuple[Company, list[Weighed]]]) -> str:
    """Return docs/planted.md."""
    everybody = [one for _, people in found for one in people]
    company = found[0][0]
    head = _HEAD.format(people=company.people, leaks=company.leaks, naive=_NAIVE, best=f"{best_threshold(everybody):,}")
    parts = [head, "## All seeds\n", *tables(everybody), ""]
    for one, people in found:
        parts += [f"## Seed {one.seed}\n", *tables(people), ""]
    return "\n".join(parts)


def main(words: Sequence[str]) -> None:
    """Print the tables of each seed; write the page if asked to."""
    seeds = [word for word in words if not word.startswith("--")] or list(SEEDS)
    found = [(company, weighed(company)) for company in map(Company, seeds)]
    text = page(found)
    if "--docs" in words:
        Path(PAGE).write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
