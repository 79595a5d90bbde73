"""The demo's expectations: each is a rule in words, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.verify import verify
from emulators.company import person
from emulators.tenants import Company
from rehearsal.environment import HOARDER, LEAVERS, NAMESAKE
from stack.processes import Stack


@dataclass(frozen=True, slots=True)
class Expectation:
    """One rule, whether it held, and what was seen."""

    rule: str
    held: bool
    seen: str


def of_cases(shown: Mapping[str, Mapping[str, Any]]) -> Iterator[Expectation]:
    """Check the four cases, given by employee number as `lastday show --json` prints them."""
    for number, words in (
        ("E1001", "the plain leaver"),
        ("E1002", "the one with a namesake"),
        ("E1010", "the dismissed one"),
    ):
        case = shown[number]
        services = {a["service"] for a in case["accounts"] if _observed(a)}
        yield Expectation(
            f"{number}, {words}: closed, seen closed in three services",
            case["state"] == "closed" and len(services) == 3 and not case["findings"],
            f"{case['state']}, {len(services)} services, {len(case['findings'])} findings",
        )
    synced = shown["E1004"]
    kinds = sorted({finding["kind"] for finding in synced["findings"]})
    yield Expectation(
        "E1004, synced from on-premises: not closed, and the finding says why",
        synced["state"] != "closed" and "mastered_elsewhere" in kinds,
        f"{synced['state']}, findings: {', '.join(kinds) or 'none'}",
    )
    late = [a["service"] for a in shown["E1010"]["accounts"] if not _cut_first(a)]
    yield Expectation("E1010, dismissed: blocked before anything else was asked for", not late, f"late in {len(late)}")
    asked = [a for a in shown["E1002"]["accounts"] if a["service"] == "slack" and a["decided_by"] is not None]
    yield Expectation(
        "E1002: a person decided whose the Slack account is", bool(asked), f"{len(asked)} candidates decided"
    )


def _observed(account: Mapping[str, Any]) -> bool:
    rows = account["entitlements"]
    return any(row["kind"] == "sign_in" and row["state"] == "observed_closed" for row in rows)


def _cut_first(account: Mapping[str, Any]) -> bool:
    """Whether the block was commanded before any other revocation of the account."""
    rows = account["entitlements"]
    block = [row["commanded_at"] for row in rows if row["kind"] == "sign_in" and row["commanded_at"] is not None]
    rest = [row["commanded_at"] for row in rows if row["kind"] != "sign_in" and row["commanded_at"] is not None]
    return bool(block) and all(max(block) <= moment for moment in rest)


def of_downloads(shown: Mapping[str, Mapping[str, Any]]) -> Iterator[Expectation]:
    """Check the downloads: the leaver who took many files is found and explained, and each log that was read has a statement."""
    taken = shown[HOARDER]["downloads"]
    drive = [row for row in taken["sources"] if row["source"] == "drive" and row["records"] > 37_000]
    said = [sentence["text"] for sentence in taken["summary"]]
    yield Expectation(
        f"{HOARDER}: 37,000 files taken before leaving are found, explained in three sentences, and counted by day",
        bool(drive) and len(said) == 3 and taken["verdict"] == "unusual" and max(taken["days"]["counts"]) > 100,
        said[0] if said else f"{taken['state']}, nothing is said",
    )
    read = {number: len(case["downloads"]["sources"]) for number, case in shown.items()}
    told = ", ".join(f"{number}: {count}" for number, count in read.items())
    yield Expectation("Every leaver: each log that was read has its statement", all(read.values()), told)


def of_papers(shown: Mapping[str, Mapping[str, Any]]) -> Iterator[Expectation]:
    """Check the confidentiality papers of the four cases, given as `lastday show --json` prints them."""
    for number, words, wanted in (
        ("E1001", "both pledges signed, their signatures verified", {"entry_pledge": "signed verified", "exit_pledge": "signed verified"}),
        ("E1002", "a scan, and a namesake's pledge not accepted", {"entry_pledge": "signed none", "exit_pledge": "missing -"}),
        ("E1004", "a pledge that was changed after it was signed", {"entry_pledge": "signed verified", "exit_pledge": "altered broken"}),
        ("E1010", "a pledge at entry that has run out", {"entry_pledge": "expired verified", "exit_pledge": "missing -"}),
    ):  # fmt: skip
        papers = shown[number]["nda"]["papers"]
        seen = {p["kind"]: f"{p['state']} {p['signature'] or '-'}" for p in papers if p["kind"] in wanted}
        told = ", ".join(f"{kind}: {state}" for kind, state in sorted(seen.items())) or "nothing"
        yield Expectation(f"{number}, papers: {words}", seen == wanted, told)
    strangers = [p["signer"] for p in shown["E1002"]["nda"]["not_accepted"]]
    yield Expectation(
        f"{NAMESAKE}'s pledge is shown with E1002, and not accepted",
        strangers == [person(NAMESAKE).name],
        f"{len(strangers)} not accepted",
    )


def of_tenants(company: Company) -> Iterator[Expectation]:
    """Check in the tenants whose accounts were changed, and in their journals which accounts received a write."""
    for name, truth in company.truths.items():
        theirs = {truth.of(number)["account"] for number in LEAVERS}
        strays = truth.changed() - theirs
        yield Expectation(f"{name}: nobody but the leavers was changed", not strays, f"{len(strays)} others changed")
    written = [name for name, truth in company.truths.items() if _written(company, name, truth.account_id(NAMESAKE))]
    untouched = not any(truth.of(NAMESAKE)["changed"] for truth in company.truths.values())
    yield Expectation(
        f"{NAMESAKE}, the namesake: untouched",
        untouched and not written,
        f"{len(written)} services received a write about them",
    )


def _written(company: Company, service: str, account: str) -> bool:
    return any(
        account in request.path and request.method not in {"GET", "HEAD"}
        for request in list(company.stages[service].journal)
    )


def of_prefect(stack: Stack, case_id: str) -> Iterator[Expectation]:
    """Check in Prefect how the cuts of the synced leaver ended.  No run is right too: the serving process cut without Prefect."""
    cuts = {"name": {"any_": ["offboard", "offboard-many"]}}
    with stack.client() as client:
        token = client.get("/csrf-token", params={"client": "rehearsal"}).raise_for_status().json()["token"]
        client.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "rehearsal"})
        asked = {"flows": cuts, "flow_runs": {"tags": {"all_": [f"case:{case_id}"]}}}
        runs = client.post("/flow_runs/filter", json=asked).raise_for_status().json()
    states = sorted(run["state_type"] for run in runs)
    yield Expectation("E1004's run is not green", "COMPLETED" not in states, ", ".join(states) or "none")


def of_privacy(database: Path) -> Iterator[Expectation]:
    """Search Prefect's database, with its write-ahead log, for the leavers' names and addresses."""
    files = [database, *database.parent.glob(f"{database.name}-wal")]
    raw = b"".join(file.read_bytes() for file in files)
    people = [person(number) for number in (*LEAVERS, NAMESAKE)]
    words = {word for p in people for word in (p.name, p.kana, p.email, p.romaji)}
    found = sum(word.encode() in raw or word.encode("unicode_escape") in raw for word in words)
    yield Expectation("Prefect's database holds no name and no address", found == 0, f"{found} of {len(words)} found")


def of_records(folders: Sequence[Path], trust: Path) -> Iterator[Expectation]:
    """Verify each bundle as `lastday verify` does, with the trust material from its own folder."""
    for folder in folders:
        report = verify(folder, trust)
        seen = (
            str(report.faults[0])
            if report.faults
            else f"{len(report.passed)} questions answered, {report.size} entries"
        )
        yield Expectation(f"{folder.name}: the record proves itself offline", report.sound, seen)


def of_trail(checked: Mapping[str, Any]) -> Iterator[Expectation]:
    """Check the output of `lastday trail check --json`."""
    yield Expectation(
        "the trail is sound, no intent is without outcome, and the tables say what was sealed",
        bool(checked["sound"]) and checked["open_intents"] == 0 and not checked["differences"],
        f"{checked['entries']} entries, {checked['open_intents']} open intents, {len(checked['differences'])} differences",
    )
