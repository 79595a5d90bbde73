"""What the bytes of a paper show, in whatever way somebody has been at them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509.oid import NameOID

from casework.nda.papers.examination import Examination
from casework.nda.papers.examiner import examine_in_subprocess
from casework.nda.papers.examining import examine, read_roots
from emulators import documents

LONG_AGO = datetime(2020, 1, 6, tzinfo=UTC)
SIGNED = documents.signed("Tanaka Misaki")
TWICE = documents.signed("Sato Ken", body=SIGNED, field="Second", stamped=True)


def look(paper: bytes) -> Examination:
    """Examine with the rehearsals' authority as the only root."""
    return examine(paper, read_roots(documents.pki().roots))


class TestSignatures:
    def test_unbroken(self) -> None:
        """An unbroken signature of a trusted authority verifies; its time is the signer's own word."""
        (one,) = look(SIGNED).signatures
        assert (one.signer, one.intact, one.trusted, one.covers_whole) == ("Tanaka Misaki", True, True, True)
        assert one.claimed_at is not None
        assert one.timestamped_at is None

    def test_two_signers(self) -> None:
        """A second signature does not break the first: both verify, the second with a trusted time."""
        found = look(TWICE)
        assert not found.altered
        assert [(s.signer, s.timestamped_at is not None) for s in found.signatures] == [
            ("Tanaka Misaki", False), ("Sato Ken", True),
        ]  # fmt: skip

    def test_certificate_that_has_ended_since(self) -> None:
        """A certificate that has ended is trusted where a trusted timestamp shows that it was good, else not."""
        signer = documents.pki().signer("Old", datetime(2019, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
        stamped = look(documents.signed("Old", by=signer, at=LONG_AGO, stamped=True))
        unstamped = look(documents.signed("Old", by=signer, at=LONG_AGO))
        assert [found.signatures[0].trusted for found in (stamped, unstamped)] == [True, False]
        assert stamped.signatures[0].timestamped_at == LONG_AGO
        assert not unstamped.altered

    def test_foreign_authority(self) -> None:
        """A signature whose authority nobody trusts is unbroken and proves nobody's identity."""
        forged = documents.signed("Tanaka Misaki", by=documents.SigningAuthority("Somebody").signer("Tanaka Misaki"))
        (one,) = look(forged).signatures
        assert (one.intact, one.trusted) == (True, False)
        assert examine(SIGNED).signatures[0].problem is not None

    def test_certified(self) -> None:
        """A certified document keeps its author's word on what may come after it."""
        certified = documents.signed("Author", certify=True)
        assert not look(certified).altered
        assert look(documents.changed_afterwards(certified)).altered

    def test_beside_a_running_loop(self) -> None:
        """Looking from within a running loop gives the same answer."""

        async def inside() -> Examination:
            return look(SIGNED)

        assert asyncio.run(inside()) == look(SIGNED)


class TestTampering:
    @pytest.mark.parametrize(
        "tamper",
        [
            documents.changed_afterwards,
            documents.bytes_flipped,
            documents.signature_removed,
            lambda paper: paper + b"\n1 0 obj\n<<>>\nendobj\n",
            lambda paper: documents.changed_afterwards(documents.changed_afterwards(paper)),
        ],
        ids=["incremental", "flipped", "removed", "appended", "twice"],
    )
    @pytest.mark.parametrize("paper", [SIGNED, TWICE], ids=["one", "two"])
    def test_is_found(self, paper: bytes, tamper: Callable[[bytes], bytes]) -> None:
        """Whatever was done to it after signing, a paper is altered."""
        found = look(tamper(paper))
        assert found.readable
        assert found.altered

    def test_change_before_the_last_signature(self) -> None:
        """Changed between two signatures, and signed again: the first one says so."""
        assert look(documents.signed("Sato Ken", body=documents.changed_afterwards(SIGNED), field="Second")).altered


COMPANY = "星空商事株式会社"
FORM = documents.form()
BY_HER = documents.signed("Tanaka Misaki", body=FORM)
WHOSE = {
    "a person's": (SIGNED, ["person"], False),
    "a company's, by its name": (documents.signed(COMPANY), ["seal"], False),
    "a service's, by its name": (documents.signed("CloudSign Inc."), ["seal"], False),
    "its organisation's own name": (documents.signed("Hoshizora"), ["seal"], False),
    "a time alone": (documents.time_stamped(documents.plain()), ["timestamp"], False),
    "a person's, then a time": (documents.time_stamped(SIGNED), ["person", "timestamp"], False),
    "a person's, then the company's seal": (documents.signed(COMPANY, body=SIGNED, field="S2"), ["person", "seal"], False),
    "seal and time": (documents.time_stamped(documents.signed(COMPANY)), ["seal", "timestamp"], False),
    "a form, signed": (BY_HER, ["person"], False),
    "a form, signed, then filled in": (documents.filled_in(BY_HER), ["person"], True),
    "… and a time over it": (documents.time_stamped(documents.filled_in(BY_HER)), ["person", "timestamp"], True),
    "… and a seal on it": (documents.signed(COMPANY, body=documents.filled_in(BY_HER), field="S2"), ["person", "seal"], True),
    "… and another person's signature": (
        documents.signed("Sato Ken", body=documents.filled_in(BY_HER), field="S2"), ["person", "person"], False,
    ),
    "… and the signature of somebody whom nobody knows": (
        documents.signed("Nobody", body=documents.filled_in(BY_HER), field="S2", by=documents.SigningAuthority("Nobody").signer("Nobody")), ["person", "person"], True,
    ),
    "other words between two persons": (
        documents.signed("Sato Ken", body=documents.changed_afterwards(SIGNED), field="S2"), ["person", "person"], True,
    ),
    "filled in, then signed": (documents.signed("Tanaka Misaki", body=documents.filled_in(FORM)), ["person"], False),
    "other words under a time": (documents.time_stamped(documents.changed_afterwards(SIGNED)), ["person", "timestamp"], True),
    "words that look like a signature": (documents.plain("/ByteRange [0 1 2 3]"), [], False),
}  # fmt: skip
"""What a paper is, the kinds of its signatures, and whether it was altered."""


class TestWhose:
    @pytest.mark.parametrize("what", WHOSE)
    def test_neither_a_seal_nor_a_time_is_somebody_s_word(self, what: str) -> None:
        """Nor does one launder what was changed after the last person signed."""
        paper, kinds, altered = WHOSE[what]
        found = look(paper)
        assert ([one.kind for one in found.signatures], found.altered) == (kinds, altered), found.text

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            *((name, "seal") for name in (
                "Acme Limited", "Acme Holdings PLC", "Example Company", "Sansan AG", "Hoshizora Incorporated", "Acme Co., Ltd.", "DocuSign, Inc.",
                "㈱星空", "星空(株)", "一般財団法人星空会", "医療法人星空会", "学校法人星空学園", "合資会社星空", "弁護士ドットコムクラウドサイン", "Adobe Sign",
                "Example KABUSHIKI KAISHA", "Acme Trading, Inc.", "Acme Trading (Japan) Co., Ltd.", "Mitsui [Japan] Trading, K.K.",
                "Acme Holdings (Japan), LLC", "Mitsui Bussan [Japan] Trading, K.K.", "Acme Holdings / Seal",
                "GMO Sign", "Dropbox Sign", "freee Sign", "電子印鑑GMOサイン", "マネーフォワード クラウド契約", "人事部", "人事部長", "星空市役所", "株式会社星空 人事部",
                "Human Resources", "官職証明書", "National University Tokyo",
            )),
            *((name, "person") for name in (
                "Tanaka Misaki", "Ko Inoue", "Inoue Kei", "Andrew Seal", "Kk Tanaka", "星 空子", "星 空子（株式会社星空）", "Hanako Sato/DocuSign",
                "Yamada Taro, Acme Co., Ltd.", "Tanaka Misaki (Acme, Inc.)", "Tanaka Misaki (Sales), Acme, Inc.", "法人 太郎", "人事部 山田", "代表取締役 鈴木一郎",
                "服部 半蔵", "長谷部 誠", "Kanri Sato",
            )),
        ],
    )  # fmt: skip
    def test_by_the_certificate_s_name(self, name: str, kind: str) -> None:
        """A company's word counts where only a company's name has it: at the end, or in words that no person is called by."""
        assert [one.kind for one in look(documents.signed(name)).signatures] == [kind]

    @pytest.mark.parametrize(
        ("name", "more", "statement", "kind"),
        [
            ("Atasha Co", ((NameOID.GIVEN_NAME, "Atasha"), (NameOID.SURNAME, "Co")), None, "person"),
            ("Minh Ag", ((NameOID.ORGANIZATION_NAME, "Hoshizora"), (NameOID.TITLE, "Engineer")), None, "person"),
            ("法人 太郎", ((NameOID.PSEUDONYM, "taro"),), None, "person"),
            ("Hoshizora Inc", (), "sign", "person"),
            ("Tanaka Misaki", (), "seal", "seal"),
            ("Hoshi Sora", ((NameOID.ORGANIZATION_IDENTIFIER, "NTRJP-0100"),), None, "seal"),
            ("Acme Trading", ((NameOID.ORGANIZATION_NAME, "Acme Trading, Inc."),), None, "seal"),
            ("星空商事", ((NameOID.ORGANIZATION_NAME, "株式会社星空商事"),), None, "seal"),
            ("Tanaka Misaki", ((NameOID.ORGANIZATION_NAME, "Acme Trading, Inc."),), None, "person"),
        ],
    )
    def test_by_the_certificate_s_structure(
        self, name: str, more: documents.Subject, statement: str | None, kind: str
    ) -> None:
        """What only a person's certificate has (a family name, a title), or only an organisation's, outranks what the name reads like."""
        by = documents.pki().signer(name, more=more, statement=statement)
        assert [one.kind for one in look(documents.signed(name, by=by)).signatures] == [kind]

    def test_says_that_nobody_signed(self) -> None:
        assert "no person signed it" in look(WHOSE["seal and time"][0]).text

    def test_a_picture_around_a_pdf_is_no_scan(self) -> None:
        """Two readers would see two papers."""
        picture = documents.scan_png()
        found = look(picture[:-12] + documents.plain() + picture[-12:])
        assert (found.readable, "a PDF in one" in found.text) == (False, True)


class TestUnderSeals:
    @pytest.mark.parametrize("page", [documents.plain(), SIGNED, FORM], ids=["print", "signed", "form"])
    def test_is_the_same_however_often_it_is_sealed(self, page: bytes) -> None:
        """Two seals, and a time stamp upon one, lie over the same bytes; over other words they do not."""
        once, again = (documents.signed(COMPANY, body=page, field="Seal", stamped=stamped) for stamped in (False, True))
        other = documents.signed(COMPANY, body=documents.signed("Sato Ken", body=page, field="S2"), field="Seal")
        under = [under_seals(paper) for paper in (once, again, documents.time_stamped(once), other)]
        assert under[0] is not None
        assert under[0] == under[1] == under[2] != under[3]

    @pytest.mark.parametrize(
        "paper",
        [
            documents.plain(), SIGNED, documents.signed("Sato Ken", body=documents.signed(COMPANY), field="S2"),
            documents.bytes_flipped(documents.signed(COMPANY, body=SIGNED, field="S2")), documents.signed(COMPANY, body=documents.changed_afterwards(SIGNED), field="S2"),
            documents.sealed_with_other_words(), documents.sealed_and_filled_in(),
        ],
        ids=["unsigned", "a person last", "a person upon a seal", "broken", "altered", "other words with the seal", "filled in with the seal"],
    )  # fmt: skip
    def test_is_nothing(self, paper: bytes) -> None:
        """Without seals that stand last, unbroken, and came alone, there is only the file."""
        assert under_seals(paper) is None


def under_seals(paper: bytes) -> str | None:
    return next((one.over_sha256 for one in look(paper).signatures if one.over_sha256 is not None), None)


class TestWithoutSignature:
    @pytest.mark.parametrize("scan", [documents.scan_pdf(), documents.scan_png(), documents.plain()])
    def test_says_so(self, scan: bytes) -> None:
        """A scan is readable, has no signature, and says that it proves nothing by itself."""
        found = look(scan)
        assert (found.readable, found.altered, found.signatures) == (True, False, ())
        assert "proves nothing by itself" in found.text


class TestUnreadable:
    @pytest.mark.parametrize(
        "paper",
        [
            b"", b"<html>", b"%PDF-1.7\n", documents.encrypted(), documents.truncated(SIGNED), documents.scan_png()[:-6],
            b"%PDF-1.7\n" + b"[" * 50_000, b"%PDF-1.7\ntrailer<</Root 1 0 R/Prev 0>>\nstartxref\n0\n%%EOF", b"\xff\xd8\xff\xe0",
        ],
    )  # fmt: skip
    def test_has_its_reason(self, paper: bytes) -> None:
        """What cannot be opened is unreadable with a reason, and never raises."""
        found = look(paper)
        assert not found.readable
        assert not found.altered
        assert found.text

    def test_empty_password_is_none(self) -> None:
        """A paper that opens for everybody is read, encrypted or not."""
        assert look(documents.encrypted(password="")).readable


class TestForms:
    def test_usage_rights_are_no_lost_signature(self) -> None:
        """A form that Adobe's program has enabled bears a seal of its own: nobody has removed a signature."""
        found = look(documents.with_usage_rights(documents.plain()))
        assert (found.readable, found.altered, found.signatures) == (True, False, ())


SHOWING_LIMITS = """
import json, resource, sys
from casework.nda.papers import examiner, examining
from casework.nda.papers.examination import Examination

def examine(paper, roots):
    limits = [resource.getrlimit(getattr(resource, kind)) for kind in sys.argv[1:]]
    return Examination("", 0, readable=True, altered=False, signatures=(), text=json.dumps(limits))

examining.examine = examine
examiner.main(["31"])
"""


def instead_of_python(directory: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Let subprocesses be started by a shell that runs *line*."""
    shell = directory / "python"
    shell.write_text(f"#!/bin/sh\n{line}\n")
    shell.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(shell))


class TestApart:
    async def test_same_answer(self, tmp_path: Path) -> None:
        """The process apart says what the function says."""
        roots = tmp_path / "roots.pem"
        roots.write_bytes(documents.pki().roots)
        assert await examine_in_subprocess(TWICE, roots) == look(TWICE)

    async def test_time_is_bounded(self) -> None:
        """A paper that takes too long is unreadable, and says so."""
        found = await examine_in_subprocess(SIGNED, seconds=0.05)
        assert (found.readable, found.sha256) == (False, look(SIGNED).sha256)
        assert "within 0 seconds" in found.text

    @pytest.mark.chaos
    async def test_memory_is_bounded(self) -> None:
        """A table that swells to gigabytes when it is opened bursts its own process, not ours."""
        packer = zlib.compressobj(1)
        swollen = b"".join(packer.compress(bytes(1 << 24)) for _ in range(100)) + packer.flush()
        table = b"1 0 obj<</Type/XRef/W[1 2 1]/Size 9/Root 2 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(swollen)
        bomb = b"%PDF-1.7\n" + table + swollen + b"\nendstream endobj\nstartxref\n9\n%%EOF"
        found = await examine_in_subprocess(bomb)
        assert (found.readable, found.size) == (False, len(bomb))

    def test_limits(self) -> None:
        """A gigabyte of memory, the seconds of the processor that it was given, and no image of what burst: set before the paper is read."""
        kinds = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_CORE")
        shown = subprocess.run(
            [sys.executable, "-c", SHOWING_LIMITS, *kinds], input=b"", stdout=subprocess.PIPE, check=True
        )
        assert json.loads(json.loads(shown.stdout)["text"]) == [[2**30, 2**30], [31, 31], [0, 0]]

    async def test_nothing_of_ours_to_be_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The process apart has no environment of ours: who bursts the reader finds no secrets in there."""
        monkeypatch.setenv("LASTDAY_CLOUDSIGN_CLIENT_ID", "sesame")
        seen = tmp_path / "environment"
        instead_of_python(tmp_path, monkeypatch, f'cat /proc/$$/environ > "{seen}"; exec "{sys.executable}" "$@"')
        assert (await examine_in_subprocess(SIGNED)).readable
        assert seen.read_bytes() == b"LANG=C.UTF-8\0"

    @pytest.mark.parametrize("whole", [True, False])
    async def test_of_other_bytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
        """What the process apart says counts for the bytes that it was given, and for no others."""
        read = "cat" if whole else "head --bytes=-1"
        instead_of_python(tmp_path, monkeypatch, f'{read} | "{sys.executable}" "$@"')
        found = await examine_in_subprocess(SIGNED)
        assert (found.sha256, found.size) == (look(SIGNED).sha256, len(SIGNED))
        assert (found.readable, "lost bytes" in found.text) == (whole, not whole)

    async def test_roots_that_cannot_be_read(self, tmp_path: Path) -> None:
        """A wrong setting of ours is not the paper's fault, and is named."""
        (tmp_path / "empty.pem").write_bytes(b"")
        for roots in (tmp_path / "none.pem", tmp_path / "empty.pem"):
            found = await examine_in_subprocess(SIGNED, roots)
            assert (found.readable, found.altered) == (False, False)
            assert "LASTDAY_NDA_ROOTS_FILE" in found.text

    async def test_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond the largest size a paper is not looked into."""
        monkeypatch.setattr("casework.nda.papers.examiner.LARGEST", 1000)
        assert "larger than" in (await examine_in_subprocess(SIGNED)).text
