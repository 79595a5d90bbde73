"""Signed notes and checkpoints, against the Go project's own example and against forgers."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from audit import checkpoint, note
from audit.checkpoint import Checkpoint
from audit.keys import FileSigner, open_or_create
from audit.note import NoteError, Verifier
from tests.audit.samples import ORIGIN

# golang.org/x/mod/sumdb/note, its documentation's example
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
HEAD = Checkpoint(ORIGIN, 7, hashlib.sha256(b"root").digest())


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return open_or_create(tmp_path / "log.key", ORIGIN)


@pytest.fixture
def stranger(tmp_path: Path) -> FileSigner:
    """Another key under the same name."""
    return open_or_create(tmp_path / "stranger.key", ORIGIN)


class TestVkey:
    def test_round_trip(self) -> None:
        """A vkey of another implementation is read and written the same."""
        assert Verifier.parse(VKEY + "\n").vkey == VKEY

    @pytest.mark.parametrize(
        "spoiled",
        ["", "name", "name+c74f20a3", VKEY.replace("c74f", "0000"), VKEY.replace("Peter", "Pater"), VKEY[:-4], "a+b+?",
         "x+00000000+" + base64.b64encode(b"\x04" + bytes(32)).decode(), "a b" + VKEY],
    )  # fmt: skip
    def test_spoiled(self, spoiled: str) -> None:
        """A vkey whose parts do not belong together, or of a kind that we cannot check, is refused."""
        with pytest.raises(NoteError):
            Verifier.parse(spoiled)


class TestOpen:
    def test_of_another_implementation(self) -> None:
        """A note signed by Go's code opens."""
        opened = note.open_note((TEXT + "\n" + LINE).encode(), [Verifier.parse(VKEY)])
        assert opened.text == TEXT
        assert [verifier.name for verifier in opened.signed_by] == ["PeterNeumann"]

    def test_unknown_lines(self, signer: FileSigner, stranger: FileSigner) -> None:
        """Signatures of keys that we do not know are left aside and reported; ours still counts."""
        raw = note.sign(HEAD.text, [stranger, signer])
        opened = note.open_note(raw, [signer.verifier])
        assert opened.signed_by == (signer.verifier,)
        assert [line.key_id for line in opened.unknown] == [stranger.verifier.key_id]

    def test_unknown_type(self, signer: FileSigner) -> None:
        """A line of a longer, later kind of signature does not keep the note from opening."""
        later = "— witness.example " + base64.b64encode(b"abcd" + bytes(2420)).decode() + "\n"
        opened = note.open_note(note.sign(HEAD.text, [signer]) + later.encode(), [signer.verifier])
        assert opened.unknown[0].name == "witness.example"

    def test_old_and_new_key(self, signer: FileSigner, stranger: FileSigner) -> None:
        """While a key is exchanged, the holder of either opens the note."""
        raw = note.sign(HEAD.text, [signer, stranger])
        for key in (signer, stranger):
            assert note.open_note(raw, [key.verifier]).text == HEAD.text

    def test_only_strangers(self, signer: FileSigner, stranger: FileSigner) -> None:
        """A note that none of our keys has signed does not open."""
        with pytest.raises(NoteError, match="no known key"):
            note.open_note(note.sign(HEAD.text, [stranger]), [signer.verifier])

    def test_wrong_signature(self, signer: FileSigner) -> None:
        """One bad signature of a known key refuses the note, even beside a good one."""
        raw = note.sign(HEAD.text, [signer])
        bad = note.signature_line(signer.verifier, bytes(64)).encode()
        with pytest.raises(NoteError, match="wrong"):
            note.open_note(raw + bad, [signer.verifier])
        with pytest.raises(NoteError, match="wrong"):
            note.open_note(raw.replace(b"\n7\n", b"\n8\n"), [signer.verifier])

    @pytest.mark.parametrize(
        "raw",
        [b"", b"\xff\n\n", b"text\n", b"text\n\n", b"text\n\nno dash AAAAAAAAAA==\n", b"te\x01xt\n\n" + LINE.encode(),
         b"text\n\n" + LINE.strip().encode(), "text\n\n— name ????\n".encode(), "text\n\n— name AAAA\n".encode(),
         "text\n\n—  AAAAAAAA\n".encode(), ("text\n\n" + LINE * 101).encode()],
    )  # fmt: skip
    def test_not_a_note(self, raw: bytes) -> None:
        """Other bytes are refused with a reason, not with a traceback of another kind."""
        with pytest.raises(NoteError):
            note.open_note(raw, [Verifier.parse(VKEY)])


class TestSign:
    @pytest.mark.parametrize("text", ["no newline", "", "bell\x07\n"])
    def test_text(self, signer: FileSigner, text: str) -> None:
        """What could not be opened again is not signed."""
        with pytest.raises(NoteError):
            note.sign(text, [signer])

    def test_nobody(self) -> None:
        """A note without a signature is not one."""
        with pytest.raises(NoteError):
            note.sign("text\n", [])

    @pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\x00"])
    def test_name(self, name: str) -> None:
        """Names that would break the line are refused, wide spaces included."""
        with pytest.raises(NoteError):
            Verifier(name, bytes(32))

    def test_short_key(self) -> None:
        """A key has 32 bytes."""
        with pytest.raises(NoteError):
            Verifier("name", bytes(31))


class TestCheckpoint:
    def test_text(self, signer: FileSigner) -> None:
        """Three lines: origin, size, root; and the log's own signature over them."""
        raw = checkpoint.sign(HEAD, [signer])
        lines = raw.decode().split("\n")
        assert lines[:4] == [ORIGIN, "7", base64.b64encode(HEAD.root).decode(), ""]
        assert checkpoint.open_checkpoint(raw, signer.verifier) == HEAD

    def test_other_name(self, tmp_path: Path) -> None:
        """A key that bears another name does not sign this log's head."""
        other = open_or_create(tmp_path / "other.key", "other.example/log")
        with pytest.raises(NoteError, match="name"):
            checkpoint.sign(HEAD, [other])

    def test_other_log(self, signer: FileSigner) -> None:
        """A head of another log is refused even under this log's signature."""
        raw = note.sign(Checkpoint("other.example/log", 7, HEAD.root).text, [signer])
        with pytest.raises(NoteError, match="another log"):
            checkpoint.open_checkpoint(raw, signer.verifier)

    def test_extension(self) -> None:
        """Lines after the third do not keep us from reading the three."""
        assert Checkpoint.parse(HEAD.text + "extension\n") == HEAD

    @pytest.mark.parametrize("size", ["07", "-7", "+7", "7.0", "", "７"])
    def test_size(self, size: str) -> None:
        """A size has one spelling."""
        with pytest.raises(NoteError):
            Checkpoint.parse(HEAD.text.replace("\n7\n", f"\n{size}\n"))

    @pytest.mark.parametrize("root", ["????", "AAAA", ""])
    def test_root(self, root: str) -> None:
        """A root is 32 bytes of base64."""
        with pytest.raises(NoteError):
            Checkpoint.parse(f"{ORIGIN}\n7\n{root}\n")
