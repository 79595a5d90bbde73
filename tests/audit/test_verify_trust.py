"""Whom an auditor believes decides what is asked of a bundle: keys that the log gave up, and outsiders that nobody asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import bundle_paths, keys
from audit.__main__ import main
from audit.leaf import LOG_CASE, stamp
from audit.verify import UnreadableBundle, VerifyStep, verify
from tests.audit.attacks import Forgery, true_log
from tests.audit.house import CASE, House, changed, exported
from tests.audit.samples import ORIGIN


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "house").mkdir()
    return House(tmp_path / "house")


def delivered(house: House, folder: Path) -> tuple[Path, Path]:
    """Let the house work, and return the bundle of its case and the trust material."""
    house.work()
    house.export(folder / "bundle")
    return folder / "bundle", house.trust(folder / "trust")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Path, Path]:
    return exported(tmp_path_factory.mktemp("sound"))


def rotated(house: House, folder: Path) -> tuple[keys.FileSigner, keys.FileSigner]:
    """Let the house announce a new key, with which it signs beside its former one; return new and former."""
    new = keys.open_or_create(folder / "log-2.key", ORIGIN)
    house.signers = [new, house.log_key]
    house.tell("log.key_added", LOG_CASE, vkey=new.verifier.vkey)
    return new, house.log_key


class TestKeysOfTheLog:
    def test_either_of_two(self, house: House, tmp_path: Path) -> None:
        """While a key is being changed, a reader of either one finds the signature that he knows."""
        new, _ = rotated(house, tmp_path)
        bundle, trust = delivered(house, tmp_path)
        assert verify(bundle, trust).faults == []
        (trust / "policy").write_text(f"witness w1 {house.witness and house.witness.public.vkey}\nquorum w1\n")
        (trust / "log.vkey").write_text(f"{new.verifier.vkey}\n")
        assert verify(bundle, trust).faults == []

    def test_retired(self, house: House, tmp_path: Path) -> None:
        """Once a key is retired it proves nothing about later heads, and still what it proved before."""
        new, old = rotated(house, tmp_path)
        house.anchor()
        house.tell("log.key_retired", LOG_CASE, vkey=old.verifier.vkey)
        house.signers = [new]
        bundle, trust = delivered(house, tmp_path)
        (trust / "log.vkey").write_text(f"{new.verifier.vkey}\n{old.verifier.vkey}\n")
        assert verify(bundle, trust).faults == []
        house.signers = [old]
        house.tell("case.reopened", payload=changed(state="deprovisioned"))
        house.anchor()
        house.export(tmp_path / "later")
        (fault,) = verify(tmp_path / "later", trust).faults
        assert (fault.step, fault.file) == (VerifyStep.WHOLE, bundle_paths.CHECKPOINT)
        assert "retired by entry" in fault.what

    def test_stolen(self, house: House, tmp_path: Path) -> None:
        """
        A head that a stolen key alone has signed is refused.  Under a new key the record is sound again: what was anchored
        between the theft and its discovery rests on the new head, and that is said.
        """
        house.tell("case.opened")
        house.anchor()
        house.clock.move(hours=1)
        since = stamp(house.clock())
        bundle, trust = delivered(house, tmp_path)
        assert verify(bundle, trust).faults == []
        house.tell("log.key_compromised", LOG_CASE, vkey=house.log_key.verifier.vkey, since_at=since)
        house.anchor()
        house.export(tmp_path / "found-out")
        (fault,) = verify(tmp_path / "found-out", trust).faults
        assert (fault.step, fault.file) == (VerifyStep.WHOLE, bundle_paths.CHECKPOINT)
        assert "compromised since" in fault.what
        new, old = rotated(house, tmp_path)
        house.anchor()
        house.export(tmp_path / "recovered")
        (trust / "log.vkey").write_text(f"{new.verifier.vkey}\n{old.verifier.vkey}\n")
        report = verify(tmp_path / "recovered", trust)
        assert report.faults == []
        assert "5 anchors signed by a lost key alone" in report.passed[VerifyStep.WHOLE]

    def test_added_by_a_stranger(self, house: House, tmp_path: Path) -> None:
        """That the log tells of a key makes nobody trust it: trust comes from outside."""
        stranger, _ = rotated(house, tmp_path)
        house.signers = [stranger]
        bundle, trust = delivered(house, tmp_path)
        assert {fault.step for fault in verify(bundle, trust).faults} >= {
            VerifyStep.INCLUSION,
            VerifyStep.HEAD,
            VerifyStep.WHOLE,
        }


class TestUnasked:
    @pytest.mark.parametrize(("lacks", "words"), [("witness", "quorum none"), ("stamps", "tsa-ca.pem")])
    def test_said_aloud(self, lacks: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A house with a witness alone, or an authority alone, delivers bundles; what they cannot show is said."""
        house = House(tmp_path, stamps=lacks != "stamps")
        house.witness = None if lacks == "witness" else house.witness
        bundle, trust = delivered(house, tmp_path)
        report = verify(bundle, trust)
        assert report.faults == []
        said, *others = report.unasked
        assert words in said
        assert all("a rehearsal's" in one for one in others)
        assert main(["verify", str(bundle), "--trust", str(trust)]) == 0
        out = capsys.readouterr().out
        assert f"NOT SHOWN: {said}" in out
        assert not out.endswith(": sound\n")

    @pytest.mark.parametrize("lacks", ["witness", "stamps"])
    def test_auditor_asks_for_more(self, lacks: str, house: House, tmp_path: Path) -> None:
        """The bundle has no say: an auditor who asks for a witness or a stamp refuses one that has none."""
        trust = house.trust(tmp_path / "trust")
        kept, house.stamps = house.witness, lacks != "stamps"
        house.witness = None if lacks == "witness" else kept
        bundle, _ = delivered(house, tmp_path / "poor")
        noticed = {fault.step for fault in verify(bundle, trust).faults}
        assert noticed >= (
            {VerifyStep.HEAD} if lacks == "witness" else {VerifyStep.CERTIFICATE, VerifyStep.STAMPS, VerifyStep.LAG}
        )

    def test_stamp_taken_out(self, house: House, tmp_path: Path) -> None:
        """A certificate whose stamp was removed is refused, wherever stamps are asked for."""
        import json

        from audit.leaf import canonical

        bundle, trust = delivered(house, tmp_path)
        path = bundle / bundle_paths.CERTIFICATE
        told = json.loads(path.read_bytes())
        del told["verificationMaterial"]["timestampVerificationData"]
        path.write_bytes(canonical(told))
        first = verify(bundle, trust).first
        assert first is not None
        assert (first.step, first.file, first.what) == (
            VerifyStep.CERTIFICATE,
            bundle_paths.CERTIFICATE,
            "it has no time stamp",
        )


class TestHostile:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda folder: (folder / bundle_paths.CHECKPOINT).write_text(f"{ORIGIN}\n{'9' * 5000}\n{'A' * 43}=\n\n— x AAAAAAA=\n"),
            lambda folder: (folder / "events/\x1b[2Jsound").write_bytes(b""),
            lambda folder: (folder / "events/\udcff").write_bytes(b""),
            lambda folder: (folder / bundle_paths.event(0)).write_text('{"case":' * 20_000),
            lambda folder: (folder / bundle_paths.ENTRIES).write_bytes(b"[" * 60_000 + b"\n"),
        ],
        ids=["endless number", "terminal codes", "no text", "deep event", "deep line"],
    )  # fmt: skip
    def test_no_crash(
        self,
        spoil: Callable[[Path], object],
        sound: tuple[House, Path, Path],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Whatever lies in the folder: broken, exit 1, and nothing that a terminal would obey."""
        copy = Path(shutil.copytree(sound[1], tmp_path / "copy"))
        spoil(copy)
        assert main(["verify", str(copy), "--trust", str(sound[2])]) == 1
        captured = capsys.readouterr()
        assert all(c.isprintable() or c == "\n" for c in captured.out + captured.err)

    def test_loop(self, sound: tuple[House, Path, Path], tmp_path: Path) -> None:
        """A link that leads to itself is no bundle and no trust."""
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        for bundle, trust in ((tmp_path / "loop", sound[2]), (sound[1], tmp_path / "loop")):
            with pytest.raises(UnreadableBundle):
                verify(bundle, trust)


class TestDates:
    """The operator forges with all his own keys; looked at is the step that holds times against stamps."""

    @pytest.fixture
    def late(self, house: House, tmp_path: Path) -> tuple[House, Path, Path]:
        """An event at noon, an anchor two hours later, and the record of both."""
        house.tell("case.opened")
        house.clock.move(hours=2)
        house.anchor()
        house.export(tmp_path / "bundle", evidence=False)
        return house, tmp_path / "bundle", house.trust(tmp_path / "trust")

    def test_in_another_zone(self, late: tuple[House, Path, Path]) -> None:
        """A time of another form, which sorts behind the stamp and means a moment long before it, is refused."""
        house, bundle, trust = late
        leaves = true_log(house)
        forged = leaves[-1] | {"type": "case.noted", "case": CASE}
        forged = {name: forged[name] for name in ("actor", "case", "log", "time", "type", "v")}
        forged["time"] = str(forged["time"]).replace("Z", "+14:00")
        Forgery(house, bundle, [*leaves, forged], keep_anchors=True).seal()
        assert "not of the one form" in dated(bundle, trust)

    def test_anchor_told_again(self, late: tuple[House, Path, Path]) -> None:
        """Neither an anchor's own row, nor what follows an older anchor told again, may be dated before its stamp."""
        house, bundle, trust = late
        leaves = true_log(house)
        noon, row = leaves[0], leaves[1]
        Forgery(house, bundle, [noon, row | {"time": noon["time"]}], keep_anchors=True).seal()
        assert "before the anchor" in dated(bundle, trust)

    def test_anchor_told_without_its_stamp(self, late: tuple[House, Path, Path]) -> None:
        """A log that keeps an anchor's stamp to itself binds nothing to its time: refused, if the stamp lies in the bundle."""
        house, bundle, trust = late
        noon, row, *_ = true_log(house)
        bare = {name: value for name, value in row.items() if name not in {"tsr_sha256", "tsa_time"}}
        Forgery(house, bundle, [noon, bare], keep_anchors=True).seal()
        found = {fault.step: fault.file for fault in verify(bundle, trust).faults}
        assert found[VerifyStep.WHOLE] == bundle_paths.stamped(1)


def dated(bundle: Path, trust: Path) -> str:
    """Return what the step that looks at dates found broken."""
    return next(fault.what for fault in verify(bundle, trust).faults if fault.step is VerifyStep.DATES)
