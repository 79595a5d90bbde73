"""Cosignatures of witnesses: made and read as C2SP has them."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import nacl.signing
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit import note
from audit.cosignature import WitnessKey, cosign, cosigned
from audit.note import NoteError, SignatureLine, Verifier

TEXT = "example.com/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
AT = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
W1 = WitnessKey("witness.example/w1", PUBLIC)


def made(text: str = TEXT, at: datetime = AT, key: WitnessKey = W1) -> SignatureLine:
    (line,) = note.read_lines(cosign(text, key, KEY.sign, at))
    return line


class TestKey:
    def test_round_trip(self) -> None:
        """A witness's key in text is that key again."""
        assert WitnessKey.parse(W1.vkey) == W1

    def test_id(self) -> None:
        """The key's id is the one of the specification: name, newline, type 4, key."""
        assert W1.key_id == hashlib.sha256(b"witness.example/w1\n\x04" + PUBLIC).digest()[:4]

    @pytest.mark.parametrize(
        "vkey",
        [
            Verifier("witness.example/w1", PUBLIC).vkey,  # a log's key (type 1) is no witness's
            note.write_vkey("witness.example/w1", 6, bytes(1312)),  # ML-DSA-44
            note.write_vkey("witness.example/w1", 4, bytes(31)),
            W1.vkey.replace("w1+", "w2+"),
            "witness.example/w1",
            "",
        ],
    )
    def test_not_one(self, vkey: str) -> None:
        """Any other key is refused."""
        with pytest.raises(NoteError):
            WitnessKey.parse(vkey)


class TestLine:
    def test_time(self) -> None:
        """A verified line says when the witness signed, to the second."""
        assert W1.verify(made(), TEXT) == AT

    def test_strangers_library(self) -> None:
        """An Ed25519 that is not ours opens the line over the bytes of the specification."""
        signature = made().signature
        seconds = int.from_bytes(signature[:8], "big")
        message = f"cosignature/v1\ntime {seconds}\n{TEXT}".encode()
        nacl.signing.VerifyKey(PUBLIC).verify(message, signature[8:])
        assert seconds == int(AT.timestamp())

    def test_made_by_strangers_library(self) -> None:
        """A line that another library signed is accepted."""
        signed = nacl.signing.SigningKey(bytes(range(32))).sign(f"cosignature/v1\ntime 1\n{TEXT}".encode()).signature
        line = SignatureLine(W1.name, W1.key_id, (1).to_bytes(8, "big") + signed)
        assert W1.verify(line, TEXT) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)

    def test_every_byte(self) -> None:
        """No bit of the time or the signature can change."""
        line = made()
        for place in range(len(line.signature)):
            raw = bytearray(line.signature)
            raw[place] ^= 1
            with pytest.raises(NoteError):
                W1.verify(SignatureLine(line.name, line.key_id, bytes(raw)), TEXT)

    @pytest.mark.parametrize("text", [TEXT.replace("7", "8"), TEXT + "extension\n", TEXT[:-1]])
    def test_other_text(self, text: str) -> None:
        """A line holds for its own checkpoint only."""
        with pytest.raises(NoteError):
            W1.verify(made(), text)

    @pytest.mark.parametrize("seconds", [0, 2**63, 2**64 - 1])
    def test_odd_time(self, seconds: int) -> None:
        """A cosignature without a time, or beyond 2^63, is none."""
        line = SignatureLine(W1.name, W1.key_id, seconds.to_bytes(8, "big") + bytes(64))
        with pytest.raises(NoteError):
            W1.verify(line, TEXT)

    def test_beyond_the_calendar(self) -> None:
        """A time after the year 9999 is refused in words, even if it is signed."""
        seconds = 2**62
        signed = KEY.sign(f"cosignature/v1\ntime {seconds}\n{TEXT}".encode())
        with pytest.raises(NoteError, match="calendar"):
            W1.verify(SignatureLine(W1.name, W1.key_id, seconds.to_bytes(8, "big") + signed), TEXT)


class TestNote:
    def test_strangers_are_left_aside(self) -> None:
        """Lines of other keys do not count and do no harm; a log's own line is not a witness's."""
        other = WitnessKey("witness.example/w2", PUBLIC)
        lines = [made(), SignatureLine("somebody", b"\0\0\0\0", b"x" * 72)]
        assert cosigned(TEXT, lines, [W1, other]) == {W1: AT}

    def test_wrong_line(self) -> None:
        """A known witness's wrong line spoils the note, whoever else signed."""
        wrong = SignatureLine(W1.name, W1.key_id, b"x" * 72)
        with pytest.raises(NoteError):
            cosigned(TEXT, [made(), wrong], [W1])

    def test_log_still_opens(self) -> None:
        """A reader who knows the log's key alone opens the cosigned note."""
        log = Verifier("example.com/log", PUBLIC)
        raw = TEXT + "\n" + note.signature_line(log, KEY.sign(TEXT.encode())) + note.write_line(made())
        opened = note.open_note(raw.encode(), [log])
        assert (opened.signed_by, opened.unknown) == ((log,), (made(),))
        assert base64.b64decode(raw.splitlines()[-1].split()[-1])[:4] == W1.key_id
