"""Every way of spoiling a bundle that is in the table is noticed, by anybody's hand and by the certificate's key: no traceback, no hang."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from audit import bundle_paths
from audit.verify import verify
from tests.audit.house import House, exported
from tests.audit.mutations import FIELDS, Mutation, of_files, of_payloads, recertified

HARMLESS = {bundle_paths.PRINTED, *bundle_paths.READMES}
"""Files of which the bundle's own steps ask no more than that they are there: `lastday verify` makes them again (docs/verify.md)."""
ADDED_TO = bundle_paths.PAGE
"""The page bears the digest of record.json: what is added to it, or cut off its end, is seen by who makes it again alone."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Path, Path]:
    return exported(tmp_path_factory.mktemp("house"))


def table(bundle: Path) -> list[Mutation]:
    return [*of_files(bundle), *of_payloads(bundle)]


def harmless(one: Mutation) -> bool:
    pages = one.file in HARMLESS or one.file == ADDED_TO
    kept = one.name.endswith((" longer", " doubled", " cut")) or one.file in HARMLESS
    return pages and kept and not one.name.endswith((" deleted", " beside"))


class TestMutations:
    def test_by_anybody(self, sound: tuple[House, Path, Path], tmp_path: Path) -> None:
        """Whatever is done to the files is noticed, and the list or the file is named."""
        _, bundle, trust = sound
        silent = []
        for one in table(bundle):
            folder = _copied(bundle, tmp_path)
            one.make(folder)
            silent += [one.name] if verify(folder, trust).sound else []
        assert silent == []

    def test_by_the_holder_of_the_certificates_key(self, sound: tuple[House, Path, Path], tmp_path: Path) -> None:
        """Listed and certified anew, too; but for what the table of the harmless has."""
        house, bundle, trust = sound
        silent = set()
        for one in table(bundle):
            folder = _copied(bundle, tmp_path)
            one.make(folder)
            recertified(house, folder)
            silent |= {one.name} if verify(folder, trust).sound else set()
        assert silent == {one.name for one in table(bundle) if harmless(one)}

    def test_four_hundred_bits(self, sound: tuple[House, Path, Path], tmp_path: Path) -> None:
        """One bit of any byte of any file, by anybody's hand and certified anew: noticed each time, but for the words of the pages."""
        house, bundle, trust = sound
        chance = random.Random(400)
        paths = sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file())
        silent = set()
        for number in range(400):
            folder, name, again = _copied(bundle, tmp_path), chance.choice(paths), number % 4 == 0
            raw = bytearray((folder / name).read_bytes())
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            (folder / name).write_bytes(raw)
            if again and name not in {bundle_paths.SUMS, bundle_paths.CERTIFICATE}:
                recertified(house, folder)
            silent |= {(name, again)} if verify(folder, trust).sound else set()
        assert silent <= {(name, True) for name in (*HARMLESS, ADDED_TO)}

    @pytest.mark.parametrize("field", FIELDS)
    def test_what_the_certificate_claims(self, sound: tuple[House, Path, Path], tmp_path: Path, field: str) -> None:
        """Each field of the claim is held against the bundle."""
        house, bundle, trust = sound
        folder = _copied(bundle, tmp_path)
        recertified(house, folder)
        assert verify(folder, trust).faults == []
        recertified(house, folder, field)
        assert verify(folder, trust).faults != []


def _copied(bundle: Path, tmp_path: Path) -> Path:
    shutil.rmtree(tmp_path / "bundle", ignore_errors=True)
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))
