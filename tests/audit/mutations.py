"""
What can be done to a bundle, as a table: each file of each sort, and each field of the certificate, in every way that leaves a bundle.

`MUTATIONS` are done by anybody, `recertified` makes each one's list and certificate anew, as the holder of the certificate's key can.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from audit import bundle_paths, certificate
from audit.certificate import EarlierCertificate, read_claim
from audit.leaf import canonical
from tests.audit.house import CASE, House

Change = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Mutation:
    """*make* changes the bundle's folder; *file* is the one that it changes, empty for the certificate's claim."""

    name: str
    file: str
    make: Change


def _delete(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _double(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


def _swap(path: Path) -> None:
    """Put another file of its sort in its place, or its own bytes turned round where there is none."""
    others = sorted(
        one
        for one in path.parent.glob(f"*{''.join(path.suffixes)}")
        if one.is_file() and one != path and one.read_bytes() != path.read_bytes()
    )
    path.write_bytes(others[0].read_bytes() if others else path.read_bytes()[::-1])


def _beside(path: Path) -> None:
    """Lay a second file beside it whose name differs by its case, or its number."""
    shutil.copy(path, path.with_name(path.name.upper() if path.name != path.name.upper() else path.name.lower()))


_WAYS: Mapping[str, Change] = {
    "deleted": _delete, "emptied": _empty, "cut": _cut, "longer": _lengthen, "doubled": _double, "swapped": _swap, "beside": _beside,
}  # fmt: skip


def files_of(bundle: Path) -> list[str]:
    """Return one or more files of every sort: the first, one in the middle and the last."""
    found: dict[str, list[str]] = {}
    for path in sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()):
        if path not in {bundle_paths.SUMS, bundle_paths.CERTIFICATE}:
            folder, _, name = path.rpartition("/")
            found.setdefault(f"{folder}/*{''.join(Path(name).suffixes)}" if folder else path, []).append(path)
    return sorted({paths[n] for paths in found.values() for n in (0, len(paths) // 2, -1)})


def of_files(bundle: Path) -> Iterator[Mutation]:
    for file in files_of(bundle):
        for way, change in _WAYS.items():
            yield Mutation(f"{file} {way}", file, partial(_at, file, change))
    for file in _STRANGERS:
        yield Mutation(f"{file} added", file, partial(_at, file, partial(_write, b"{}")))


_STRANGERS = (
    "events/0099.json", "payloads/0099.json", "payloads/0000.txt", "evidence/more.jsonl", "log/anchors/00000001.checkpoint", "record.txt",
)  # fmt: skip


def _at(file: str, change: Change, folder: Path) -> None:
    change(folder / file)


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def of_payloads(bundle: Path) -> Iterator[Mutation]:
    """Change what a payload carries of the tables, with its salt left: nobody can make the event's commitment fit."""
    for path in sorted((bundle / "payloads").glob("*.json")):
        said = json.loads(path.read_bytes())
        if said.get("changed", {}).get("offboarding_case", {}).get(CASE, {}).get("state") == "closed":
            continue
        name = path.relative_to(bundle).as_posix()
        changed = canonical(said | {"changed": {"offboarding_case": {CASE: {"state": "closed"}}}})
        yield Mutation(f"{name} closes the case", name, partial(_at, name, partial(_write, changed)))


_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "case": {"case": "case-0000000000000000"}, "revision": {"revision": 2}, "former": {"former": EarlierCertificate(1, "0" * 64)}, "log": {"log": "lastday.example/other"},
    "size": {"size": 1}, "root": {"root": "A" * 43 + "="}, "events": {"events": 1}, "files": {"files": 1}, "checkpoint": {"checkpoint": "0" * 64},
    "sums": {"sums": "0" * 64},
}  # fmt: skip
FIELDS = tuple(_FIELDS)


def recertified(house: House, folder: Path, field: str | None = None) -> None:
    """List the folder anew and certify that, with one *field* of the claim changed."""
    claim = read_claim((folder / bundle_paths.CERTIFICATE).read_bytes())
    for name in (bundle_paths.SUMS, bundle_paths.CERTIFICATE):
        (folder / name).unlink()
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{hashlib.sha256((folder / path).read_bytes()).hexdigest()}  {path}\n" for path in paths).encode()
    (folder / bundle_paths.SUMS).write_bytes(sums)
    note = folder / bundle_paths.CHECKPOINT
    checkpoint = hashlib.sha256(note.read_bytes()).hexdigest() if note.exists() else claim.checkpoint
    claim = replace(claim, sums=hashlib.sha256(sums).hexdigest(), files=len(paths), checkpoint=checkpoint)
    made = certificate.issue(replace(claim, **_FIELDS[field] if field else {}), house.case_key, house.stamped)
    (folder / bundle_paths.CERTIFICATE).write_bytes(made.raw)
