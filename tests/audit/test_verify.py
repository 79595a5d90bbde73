"""A bundle verified: sound as it was written, broken by any byte that changes, unreadable without trust from elsewhere."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from audit import bundle_paths
from audit.__main__ import main
from audit.fields import Json
from audit.verify import BundleReport, UnreadableBundle, VerifyStep, read_trust, signatures, verify
from audit.verify.folder import open_bundle
from audit.verify.report import BundleError
from tests.audit.house import CASE, EXCHANGES, House, exported

Sound = tuple[House, Path, Path]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return exported(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def copy(sound: Sound, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound[1], tmp_path / "copy"))


def files(bundle: Path) -> list[str]:
    return sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file())


def flipped(path: Path, place: int, bit: int) -> bytes:
    """Flip one bit of the file; return what was there."""
    raw = path.read_bytes()
    changed = bytearray(raw)
    changed[place] ^= 1 << bit
    path.write_bytes(changed)
    return raw


class TestExchanges:
    """What was exchanged with a vendor is bound by a root in the leaf; the list stands in the payload."""

    @pytest.fixture
    def house(self, tmp_path: Path) -> House:
        house = House(tmp_path)
        house.work()
        return house

    def judged(self, house: House, tmp_path: Path) -> list[tuple[VerifyStep, str]]:
        house.anchor()
        house.export(tmp_path / "bundle")
        report = verify(tmp_path / "bundle", house.trust(tmp_path / "trust"))
        return [(fault.step, fault.what) for fault in report.faults]

    def test_other_list(self, house: House, tmp_path: Path) -> None:
        """A payload whose list is not the one that its leaf binds is named, though the leaf commits to that payload."""
        house.see(EXCHANGES, EXCHANGES[:-1])
        ((step, what),) = self.judged(house, tmp_path)
        assert step is VerifyStep.EVIDENCE
        assert "exchanges are not those" in what

    def test_order(self, house: House, tmp_path: Path) -> None:
        """The order of the exchanges is part of what is bound."""
        house.see(EXCHANGES, EXCHANGES[::-1])
        assert [step for step, _ in self.judged(house, tmp_path)] == [VerifyStep.EVIDENCE]

    def test_listed_nowhere(self, house: House, tmp_path: Path) -> None:
        """A root that no payload explains is named: a later event cannot make up for it."""
        house.see(EXCHANGES[:2], None)
        house.see(EXCHANGES[:2], EXCHANGES[:2])
        ((step, what),) = self.judged(house, tmp_path)
        assert (step, "no payload up to here" in what) == (VerifyStep.EVIDENCE, True)

    def test_erased(self, house: House, tmp_path: Path) -> None:
        """After an erasure the lists are gone and the roots stand: nothing is wrong with that."""
        house.see(EXCHANGES[:2], EXCHANGES[:2])
        with house.engine.connect() as connection:
            told = [e.idx for e in house.trail.entries(connection, CASE) if "payload_commit" in e.record]
        house.erase(told)
        house.anchor()
        house.export(tmp_path / "bundle", evidence=False)
        assert verify(tmp_path / "bundle", house.trust(tmp_path / "trust")).sound

    def test_old_form(self, house: House, tmp_path: Path) -> None:
        """Leaves of the first form, which list the digests themselves, verify as before."""
        digests: Json = [{"request_sha256": "ab" * 32, "response_sha256": "cd" * 32, "status": 200}] * 3
        house.tell("observe.seen", state="found", evidence=digests, payload={"exchanges": list(EXCHANGES)})
        assert self.judged(house, tmp_path) == []


class TestGap:
    """A log that was restored from a backup tells of it; what lies in the gap is proved by nobody."""

    def lose(self, house: House) -> None:
        house.tell(
            "trail.epoch", "log", from_size=9, size=44, root="gUtLAtI+J5RxbE6KLvOaeSkcWoLh+LjOJnWzbrcOFhM=",
            checkpoint_sha256="ab" * 32, reason="older",
        )  # fmt: skip

    def test_of_an_older_case(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A case that is older than the gap is sound as far as it goes, and the door does not say plain sound."""
        house = House(tmp_path)
        house.work()
        self.lose(house)
        house.anchor()
        house.export(tmp_path / "bundle")
        report = verify(tmp_path / "bundle", house.trust(tmp_path / "trust"))
        assert (report.sound, report.in_gap, [gap.size for gap in report.gaps]) == (True, True, [44])
        assert main(["verify", str(tmp_path / "bundle"), "--trust", str(tmp_path / "trust")]) == 1
        assert "GAP" in capsys.readouterr().out

    def test_of_a_later_case(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A case that was opened after the gap cannot lie in it: it is sound, and the gap is told all the same."""
        house = House(tmp_path)
        self.lose(house)
        house.work()
        house.export(tmp_path / "bundle")
        report = verify(tmp_path / "bundle", house.trust(tmp_path / "trust"))
        assert (report.sound, report.in_gap, len(report.gaps)) == (True, False, 1)
        assert main(["verify", str(tmp_path / "bundle"), "--trust", str(tmp_path / "trust")]) == 0
        assert "GAP" in capsys.readouterr().out


class TestSound:
    def test_every_step(self, sound: Sound) -> None:
        """All thirteen questions are answered, and none finds anything."""
        _, bundle, trust = sound
        report = verify(bundle, trust)
        assert (report.faults, report.case) == ([], CASE)
        assert set(report.passed) == set(VerifyStep)

    def test_progress(self, sound: Sound) -> None:
        """The last that is told of the log is its end."""
        told: list[tuple[int, int]] = []
        verify(sound[1], sound[2], progress=lambda read, total: told.append((read, total)))
        assert told[-1] == (19, 19)

    def test_from_the_door(self, sound: Sound, capsys: pytest.CaptureFixture[str]) -> None:
        """The auditor's door answers 0, and needs no database; what a rehearsal's outsiders say is not shown by it."""
        assert main(["verify", str(sound[1]), "--trust", str(sound[2])]) == 0
        out = capsys.readouterr().out
        assert "NOT SHOWN: outsiders: authority or witnesses are a rehearsal's" in out
        assert out.endswith(f"{CASE}: sound, as far as it was asked\n")


class TestOneByte:
    def test_of_each_file(self, sound: Sound, copy: Path) -> None:
        """One bit of any byte of any file: broken, and that file is the first that is named."""
        chance = random.Random(3161)
        for name in files(copy):
            path = copy / name
            raw = flipped(path, chance.randrange(path.stat().st_size), chance.randrange(8))
            assert named(verify(copy, sound[2])) == name
            path.write_bytes(raw)

    def test_of_the_certificate(self, sound: Sound, copy: Path) -> None:
        """The certificate, which no list can hold, is held by its own form: sampled bytes of all its parts."""
        size = (copy / bundle_paths.CERTIFICATE).stat().st_size
        chance = random.Random(8785)
        for place in chance.sample(range(size), 120):
            assert certificate_broken(copy, sound[2], place, chance.randrange(8))

    @pytest.mark.chaos
    @pytest.mark.timeout(3600)
    def test_of_everything(self, sound: Sound, copy: Path) -> None:
        """Every byte of the certificate, the list, the head and an anchor, and fifty of each other file."""
        chance = random.Random(6962)
        size = (copy / bundle_paths.CERTIFICATE).stat().st_size
        assert all(certificate_broken(copy, sound[2], place, bit) for place in range(size) for bit in (0, 5))
        for name in files(copy):
            path, whole = copy / name, name in {bundle_paths.SUMS, bundle_paths.CHECKPOINT, bundle_paths.stamped(18)}
            places = range(path.stat().st_size)
            for place in places if whole else chance.sample(places, min(50, len(places))):
                raw = flipped(path, place, chance.randrange(8))
                assert named(verify(copy, sound[2])) == name
                path.write_bytes(raw)


def named(report: BundleReport) -> str | None:
    return report.first.file if report.first is not None else None


def certificate_broken(bundle: Path, trust: Path, place: int, bit: int) -> bool:
    """Flip a bit of the certificate, ask its step, and put the bit back."""
    path = bundle / bundle_paths.CERTIFICATE
    raw = flipped(path, place, bit)
    try:
        signatures.certificate(open_bundle(bundle, read_trust(trust, bundle)))
    except BundleError as fault:
        return fault.file == bundle_paths.CERTIFICATE
    finally:
        path.write_bytes(raw)
    return False


class TestFiles:
    @pytest.mark.parametrize(
        "name", ["README.en.txt", bundle_paths.ENTRIES, bundle_paths.CERTIFICATE, bundle_paths.SUMS, "events/0003.json"]
    )
    def test_missing(self, name: str, sound: Sound, copy: Path) -> None:
        """A file that is gone is named."""
        (copy / name).unlink()
        assert named(verify(copy, sound[2])) == name

    @pytest.mark.parametrize("name", ["notes.txt", "events/0099.json", "log/anchors/00000007.tsr", ".hidden", "a b"])
    def test_that_nobody_lists(self, name: str, sound: Sound, copy: Path) -> None:
        """A file too many is named: it was not vouched for."""
        (copy / name).write_bytes(b"x")
        assert named(verify(copy, sound[2])) == name

    def test_symlink(self, sound: Sound, copy: Path) -> None:
        """A link is no file, even if it leads to the right bytes."""
        target = copy.parent / "elsewhere"
        (copy / "README.en.txt").rename(target)
        (copy / "README.en.txt").symlink_to(target)
        assert named(verify(copy, sound[2])) == "README.en.txt"

    def test_cut_off(self, sound: Sound, copy: Path) -> None:
        """A file of which the end is gone is named."""
        path = copy / bundle_paths.ENTRIES
        path.write_bytes(path.read_bytes()[:-1])
        assert named(verify(copy, sound[2])) == bundle_paths.ENTRIES


class TestTrust:
    def test_inside_the_bundle(self, sound: Sound, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Trust that came with the bundle is none: refused, exit 2."""
        shutil.copytree(sound[2], copy / "trust")
        assert main(["verify", str(copy), "--trust", str(copy / "trust")]) == 2
        assert "inside the bundle" in capsys.readouterr().err

    def test_linked_into_the_bundle(self, sound: Sound, copy: Path, tmp_path: Path) -> None:
        """Neither is a folder that leads there."""
        shutil.copytree(sound[2], copy / "trust")
        (tmp_path / "trust").symlink_to(copy / "trust")
        with pytest.raises(UnreadableBundle, match="inside the bundle"):
            verify(copy, tmp_path / "trust")

    @pytest.mark.parametrize("name", ["log.vkey", "policy", "case.pub.pem"])
    def test_incomplete(self, name: str, sound: Sound, tmp_path: Path) -> None:
        """Without keys or rules nothing can be said; without the authority's roots no stamp is asked for."""
        trust = Path(shutil.copytree(sound[2], tmp_path / "trust"))
        (trust / name).unlink()
        with pytest.raises(UnreadableBundle, match="trust"):
            verify(sound[1], trust)

    def test_of_another_house(self, sound: Sound, tmp_path: Path) -> None:
        """Another company's keys vouch for nothing here."""
        (tmp_path / "other").mkdir()
        other = House(tmp_path / "other").trust(tmp_path / "trust")
        broken = {fault.step for fault in verify(sound[1], other).faults}
        assert broken >= {
            VerifyStep.CERTIFICATE,
            VerifyStep.INCLUSION,
            VerifyStep.HEAD,
            VerifyStep.STAMPS,
            VerifyStep.WHOLE,
        }

    def test_no_bundle(self, sound: Sound, tmp_path: Path) -> None:
        """A folder that is no bundle cannot be read: exit 2, not 1."""
        (tmp_path / "empty").mkdir()
        for folder in (tmp_path / "empty", tmp_path / "nowhere"):
            assert main(["verify", str(folder), "--trust", str(sound[2])]) == 2


class TestLag:
    def test_longer_than_allowed(self, sound: Sound) -> None:
        """What lay unsealed for a day is too old for an auditor who allows an hour."""
        from datetime import timedelta

        report = verify(sound[1], sound[2], longest_lag=timedelta(hours=1))
        assert [fault.step for fault in report.faults] == [VerifyStep.LAG]
