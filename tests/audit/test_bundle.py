"""The bundle as it is written: whole or not at all, and each certificate naming the one before it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from audit import bundle, bundle_paths
from audit.bundle import BoundFile, BundleContents, BundleRefused, CertificateParties
from audit.bundle import folder as folders
from audit.certificate import CERTIFIED, read_claim
from audit.verify import VerifyStep, verify
from tests.audit.house import CASE, DOWNLOADS, OTHERS, PAGES, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.work()
    yield house
    house.engine.dispose()


def beside(folder: Path) -> list[str]:
    """What lies beside the bundle and is neither it nor the house's own."""
    return [path.name for path in folder.iterdir() if ".part" in path.name or ".former" in path.name]


class TestAgain:
    def test_names_the_former(self, house: House, tmp_path: Path) -> None:
        """A later certificate has the next number and names the former's digest; the log tells of both."""
        first = house.export(tmp_path / "bundle")
        house.anchor()
        second = house.export(tmp_path / "bundle")
        assert (first.claim.revision, second.claim.revision) == (1, 2)
        assert second.claim.former is not None
        assert second.claim.former.sha256 == hashlib.sha256(first.raw).hexdigest()
        assert verify(tmp_path / "bundle", house.trust(tmp_path / "trust")).sound
        with house.engine.begin() as connection:
            told = [
                entry.record["revision"]
                for entry in house.trail.entries(connection, CASE)
                if entry.record["type"] == CERTIFIED
            ]
        assert told == [1, 2]

    def test_without_an_anchor_between(self, house: House, tmp_path: Path) -> None:
        """Two certificates under one head would bear one number: the second waits for an anchor."""
        house.export(tmp_path / "bundle")
        with pytest.raises(BundleRefused, match="anchor"):
            house.export(tmp_path / "again")
        assert not (tmp_path / "again").exists()

    def test_after_erasure(self, house: House, tmp_path: Path) -> None:
        """What was erased is absent, the log tells of it, every proof holds, and the new certificate names the former."""
        house.export(tmp_path / "first")
        house.erase([0, 15])
        house.anchor()
        issued = house.export(tmp_path / "second", evidence=False)
        report = verify(tmp_path / "second", house.trust(tmp_path / "trust"))
        assert (report.faults, issued.claim.revision) == ([], 2)
        assert "2 payloads erased" in report.passed[VerifyStep.CHAIN]
        assert not (tmp_path / "second" / bundle_paths.payload(0)).exists()


class TestFolder:
    def test_of_another_case(self, house: House, tmp_path: Path) -> None:
        """A folder that holds another case's bundle is left as it is."""
        house.export(tmp_path / "bundle")
        kept = (tmp_path / "bundle" / bundle_paths.CERTIFICATE).read_bytes()
        house.anchor()
        with pytest.raises(BundleRefused, match="another case"):
            house.export(tmp_path / "bundle", OTHERS[1], evidence=False)
        assert (tmp_path / "bundle" / bundle_paths.CERTIFICATE).read_bytes() == kept

    def test_of_something_else(self, house: House, tmp_path: Path) -> None:
        """So is a folder that holds anything else."""
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters/mother.txt").write_text("dear")
        with pytest.raises(BundleRefused, match="something else"):
            house.export(tmp_path / "letters")
        assert (tmp_path / "letters/mother.txt").read_text() == "dear"

    def test_killed(self, house: House, tmp_path: Path) -> None:
        """What a killed export left beside the folder goes with the next one; what another is writing stays."""
        left, written = (tmp_path / f".bundle.{n * 16}.part" for n in "ab")
        former = tmp_path / f".bundle.{'c' * 16}.former"
        for path in (left, former):
            path.mkdir()
            (path / "in-the-clear").write_bytes(b"x")
        written.mkdir()
        with folders._held(written):
            house.export(tmp_path / "bundle")
            assert left.exists()
        former.rename(tmp_path / f".other.{'c' * 16}.former")
        house.anchor()
        house.export(tmp_path / "bundle")
        assert sorted(path.name for path in tmp_path.iterdir() if "bundle" in path.name) == ["bundle"]
        (tmp_path / "bundle").rename(former)
        folders._clear_abandoned(tmp_path / "bundle")
        assert (tmp_path / "bundle" / bundle_paths.CERTIFICATE).exists()

    @pytest.mark.parametrize("when", ["stamp", "announce"])
    def test_failure(self, when: str, house: House, tmp_path: Path) -> None:
        """An authority or a log that fails at the end leaves nothing behind."""

        def fail(_: object) -> bytes:
            raise OSError("down")

        seal = CertificateParties(house.case_key, fail if when == "stamp" else house.stamped, quorum=True)
        deferred = house.engine.connect().execution_options(sqlite_begin="DEFERRED")
        with deferred as reader, reader.begin(), pytest.raises(OSError, match="down"):
            bundle.write(reader, tmp_path / "bundle", contents(), seal, fail)
        assert not (tmp_path / "bundle").exists()
        assert beside(tmp_path) == []


class TestModes:
    @pytest.mark.parametrize("umask", [0, 0o022])
    def test_of_its_owner_alone(
        self, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
    ) -> None:
        """
        A record holds people's data in the clear: its folders are 0700 and its files 0600, whatever the umask, while it is
        written and when it is there; so is the folder made for it.
        """
        seen: list[int] = []
        add = folders.BundleDraft.add

        def watched(draft: folders.BundleDraft, path: str, parts: Iterable[bytes]) -> str:
            digest = add(draft, path, parts)
            seen.extend(modes(draft.root))
            return digest

        monkeypatch.setattr(folders.BundleDraft, "add", watched)
        before = os.umask(umask)
        try:
            house.export(tmp_path / "records" / "bundle")
        finally:
            os.umask(before)
        assert set(modes(tmp_path / "records")) == set(seen) == {0o700, 0o600}
        assert all(path.is_dir() == (mode == 0o700) for path, mode in by_path(tmp_path / "records"))


def by_path(root: Path) -> list[tuple[Path, int]]:
    return [(path, stat.S_IMODE(path.stat().st_mode)) for path in (root, *root.rglob("*"))]


def modes(root: Path) -> list[int]:
    return [mode for _, mode in by_path(root)]


class TestEvidence:
    def test_missing(self, house: House, tmp_path: Path) -> None:
        """Evidence that an event binds must be there."""
        with pytest.raises(BundleRefused, match="missing"):
            house.export(tmp_path / "bundle", evidence=False)

    def test_altered(self, house: House, tmp_path: Path) -> None:
        """A file that is not the one which was bound does not leave the house under its name."""
        altered = BoundFile("evidence/downloads.jsonl.zst", [DOWNLOADS])
        with house.engine.connect() as reader, reader.begin(), pytest.raises(BundleRefused, match="not the file"):
            bundle.write(
                reader,
                tmp_path / "bundle",
                contents(altered),
                CertificateParties(house.case_key, house.stamped, quorum=True),
            )

    def test_unknown(self, house: House, tmp_path: Path) -> None:
        """Nor does one that no event has bound."""
        unknown = contents(BoundFile("evidence/other.jsonl", [b"x"]))
        with house.engine.connect() as reader, reader.begin(), pytest.raises(BundleRefused, match="no event"):
            bundle.write(
                reader, tmp_path / "bundle", unknown, CertificateParties(house.case_key, house.stamped, quorum=True)
            )


def contents(*evidence: BoundFile) -> BundleContents:
    import zstandard

    packed = zstandard.compress(DOWNLOADS)
    return BundleContents(CASE, PAGES, evidence or [BoundFile("evidence/downloads.jsonl.zst", [packed])])


class TestPages:
    @pytest.mark.parametrize("pages", [{}, {**PAGES, "notes.txt": b""}, {**PAGES, "../x": b""}])
    def test_others(self, pages: dict[str, bytes], house: House, tmp_path: Path) -> None:
        """The readmes and the record, no more and no less."""
        with house.engine.connect() as reader, reader.begin(), pytest.raises(BundleRefused, match="pages"):
            bundle.write(
                reader,
                tmp_path / "bundle",
                BundleContents(CASE, pages),
                CertificateParties(house.case_key, house.stamped, quorum=True),
            )


class TestClaim:
    def test_counts(self, house: House, tmp_path: Path) -> None:
        """The certificate tells the case, its head, its events and how many files are listed."""
        house.export(tmp_path / "bundle")
        claim = read_claim((tmp_path / "bundle" / bundle_paths.CERTIFICATE).read_bytes())
        assert (claim.case, claim.size, claim.events, claim.former) == (CASE, 19, 10, None)
        assert claim.files == len((tmp_path / "bundle" / bundle_paths.SUMS).read_text().splitlines())
