"""Time stamps of RFC 3161: asked for on a real socket, verified as of their own time, cross-checked with OpenSSL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response

from audit import timestamp
from audit.timestamp import AuthorityUnreachable, Stamp, StampRefused
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.timestamping import Authority
from emulators.timestamping.certificates import DAY, CertificateChain, issue
from emulators.timestamping.tokens import POLICY

CONTENT = b"the frozen note of an anchor\n"


@dataclass(frozen=True, slots=True)
class Open:
    """An open authority and the way to it."""

    authority: Authority
    stage: FaultProxy
    url: str
    client: httpx.Client

    def ask(self) -> tuple[bytes, Stamp]:
        return timestamp.ask(self.client, self.url, CONTENT, [self.authority.papers.root])


@contextmanager
def opened(authority: Authority, timeout: float = 10.0) -> Iterator[Open]:
    stage = FaultProxy(authority.app)
    with served(stage) as root, httpx.Client(trust_env=False, timeout=timeout) as client:
        yield Open(authority, stage, f"{root}/", client)


@pytest.fixture
def there() -> Iterator[Open]:
    with opened(Authority()) as place:
        yield place


def stamped(authority: Authority) -> bytes:
    return authority.answer(TimestampRequestBuilder(data=CONTENT).build().as_bytes())


def openssl(
    folder: Path, response: bytes, papers: CertificateChain, content: bytes = CONTENT, at: datetime | None = None
) -> bool:
    """Let `openssl ts -verify` judge; it is part of every image that this is tested on, and its absence fails the test."""
    for name, raw in (("content", content), ("tsr", response), ("ca.pem", papers.root_pem)):
        (folder / name).write_bytes(raw)
    attime = [] if at is None else ["-attime", str(int(at.timestamp()))]
    command = ["openssl", "ts", "-verify", "-data", "content", "-in", "tsr", "-CAfile", "ca.pem", *attime]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=30).returncode == 0


class TestAsking:
    def test_granted(self, there: Open, tmp_path: Path) -> None:
        """The answer is kept as it came; it says when, by which policy, which number and who; OpenSSL agrees."""
        before = datetime.now(UTC) - timedelta(seconds=1)
        answer, stamp = there.ask()
        assert before <= stamp.gen_time <= datetime.now(UTC)
        assert (stamp.policy, stamp.signer.partition(",")[0]) == (POLICY, "CN=stamper")
        assert "worthless against the operator" in stamp.signer
        assert timestamp.verify(answer, CONTENT, [there.authority.papers.root]) == stamp
        assert openssl(tmp_path, answer, there.authority.papers)

    def test_each_its_number(self, there: Open) -> None:
        """Two stamps have two numbers."""
        assert there.ask()[1].serial != there.ask()[1].serial

    def test_other_nonce(self, there: Open) -> None:
        """An answer to somebody else's question is refused, and given back for a person to look at."""
        there.authority.wrong_nonce = True
        with pytest.raises(StampRefused, match="Nonce") as refused:
            there.ask()
        assert decode_timestamp_response(refused.value.response).status == 0

    def test_refusal(self, there: Open) -> None:
        """A rejection is no stamp."""
        there.authority.refuses = "time_not_available"
        with pytest.raises(StampRefused):
            there.ask()

    def test_garbage(self, there: Open) -> None:
        """Bytes that are no response are no stamp."""
        there.authority.garbage = True
        with pytest.raises(StampRefused):
            there.ask()

    def test_other_content(self, there: Open) -> None:
        """A stamp over something else is refused."""
        there.authority.wrong_content = True
        with pytest.raises(StampRefused):
            there.ask()

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("POST", status=503),
            Fault("POST", status=200, body="<html>", headers={"content-type": "text/html"}),
            Fault("POST", status=302, headers={"location": "http://127.0.0.1:1/"}),
            Fault("POST", drop=True),
            Fault("POST", drop=True, after=True),
        ],
        ids=["503", "a page", "elsewhere", "dropped", "dropped after"],
    )
    def test_down(self, there: Open, fault: Fault) -> None:
        """An authority that is down, or a proxy in its stead, is a reason to ask again."""
        there.stage.faults.append(fault)
        with pytest.raises(AuthorityUnreachable):
            there.ask()
        assert there.ask()[1].policy == POLICY

    def test_slow(self) -> None:
        """Patience ends."""
        with opened(Authority(), timeout=0.05) as place:
            place.stage.faults.append(Fault("POST", delay=0.5))
            with pytest.raises(AuthorityUnreachable):
                place.ask()

    def test_endless(self, there: Open) -> None:
        """An answer longer than any stamp is not read to its end."""
        there.stage.faults.append(
            Fault("POST", status=200, body="x" * (timestamp.LARGEST + 1), headers={"content-type": timestamp.REPLY})
        )
        with pytest.raises(StampRefused, match="longer"):
            there.ask()

    def test_no_address_in_words(self, there: Open) -> None:
        """What goes wrong is told without the authority's address."""
        with pytest.raises(AuthorityUnreachable) as told:
            timestamp.ask(there.client, "http://127.0.0.1:1/", CONTENT, [there.authority.papers.root])
        assert "127.0.0.1" not in str(told.value)


class TestForms:
    @pytest.mark.parametrize("order", ["der", "openssl"])
    def test_order_of_the_chain(self, order: str, tmp_path: Path) -> None:
        """A chain in its authority's own order is as good as one in DER's."""
        authority = Authority(order=order)
        answer = stamped(authority)
        assert timestamp.verify(answer, CONTENT, [authority.papers.root]).policy == POLICY
        assert openssl(tmp_path, answer, authority.papers)

    def test_strict_reader_refuses_that_order(self) -> None:
        """The rule above is not empty: the strict parser alone refuses it."""
        with pytest.raises(ValueError, match="SetOrdering"):
            decode_timestamp_response(stamped(Authority(order="openssl")))

    @pytest.mark.parametrize("raw", [b"", b"0", b"\x30\x80", b"\x30\x00", bytes(100)])
    def test_no_response(self, raw: bytes) -> None:
        """Anything else is refused, never a crash."""
        with pytest.raises(StampRefused):
            timestamp.verify(raw, CONTENT, [issue().root])


class TestTrust:
    def test_other_content(self, tmp_path: Path) -> None:
        """A stamp holds for its own bytes only."""
        authority = Authority()
        answer = stamped(authority)
        with pytest.raises(StampRefused):
            timestamp.verify(answer, CONTENT + b" ", [authority.papers.root])
        assert not openssl(tmp_path, answer, authority.papers, CONTENT + b" ")

    @pytest.mark.parametrize("order", ["der", "openssl"])
    def test_every_byte_of_what_is_signed(self, order: str) -> None:
        """A changed byte never makes another stamp: it is refused, or what the stamp says stays the same."""
        authority = Authority(order=order)
        answer = stamped(authority)
        told = timestamp.verify(answer, CONTENT, [authority.papers.root])
        for place in range(0, len(answer), 7):
            changed = answer[:place] + bytes([answer[place] ^ 0x20]) + answer[place + 1 :]
            try:
                assert timestamp.verify(changed, CONTENT, [authority.papers.root]) == told
            except StampRefused:
                continue

    def test_stranger(self) -> None:
        """An authority that is not trusted is refused, whatever it calls itself."""
        with pytest.raises(StampRefused):
            timestamp.verify(stamped(Authority()), CONTENT, [issue().root])

    def test_no_roots(self) -> None:
        """Without a root nobody is trusted."""
        with pytest.raises(StampRefused):
            timestamp.verify(stamped(Authority()), CONTENT, [])

    def test_certificate_expired_since(self, tmp_path: Path) -> None:
        """Years later the stamp still holds, as of its own time; OpenSSL says so when it is told that time."""
        then = datetime.now(UTC) - 400 * DAY
        authority = Authority(issue(life=10 * DAY, now=then), clock=lambda: then)
        answer = stamped(authority)
        stamp = timestamp.verify(answer, CONTENT, [authority.papers.root])
        assert stamp.gen_time == then.replace(microsecond=0)
        assert not openssl(tmp_path, answer, authority.papers)
        assert openssl(tmp_path, answer, authority.papers, at=stamp.gen_time)

    def test_certificate_expired_before(self) -> None:
        """A stamp of a time at which its certificate had expired is refused."""
        then = datetime.now(UTC) - 400 * DAY
        authority = Authority(issue(life=10 * DAY, now=then))
        with pytest.raises(StampRefused):
            timestamp.verify(stamped(authority), CONTENT, [authority.papers.root])

    def test_purpose_not_critical(self) -> None:
        """A certificate that is not for time stamps alone is refused (RFC 3161, 2.3)."""
        authority = Authority(issue(critical=False))
        with pytest.raises(StampRefused):
            timestamp.verify(stamped(authority), CONTENT, [authority.papers.root])

    def test_without_its_chain(self) -> None:
        """A stamp that does not bring the certificate between its signer and the root cannot be verified."""
        authority = Authority(order="alone")
        with pytest.raises(StampRefused):
            timestamp.verify(stamped(authority), CONTENT, [authority.papers.root])

    def test_root_as_read_from_pem(self) -> None:
        """Roots are ordinary certificates in PEM."""
        authority = Authority()
        roots = x509.load_pem_x509_certificates(authority.papers.root.public_bytes(Encoding.PEM))
        assert timestamp.verify(stamped(authority), CONTENT, roots).serial > 0
