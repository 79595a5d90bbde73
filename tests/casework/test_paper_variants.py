"""
Who signed, what was changed after, which stamp: the state that HR's lawyer would give to a paper by its bytes (by its record: test_paper_filings.py).

Each paper is a real PDF in a real folder.  Pages are drawn by three programs, since each lays out its file in another way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
import typst
from cryptography.x509.oid import NameOID
from pyhanko.sign.fields import MDPPerm

from emulators import documents
from tests.casework.registers import EXIT, SIGNED_AT, Hire

HER = "星 空子"
BOSS = "月 影子"
COMPANY = "星空商事株式会社"
SERVICE = "DocuSign, Inc."
PROGRAMS = ("pyHanko", "typst", "PDFium")
NOBODY = documents.SigningAuthority("Nobody")
LATIN = {"romaji": "Hoshi Sorako", "kana": "ホシ ソラコ"}
OLD = datetime(2019, 3, 1, 3, tzinfo=UTC)
Made = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Variant:
    """*paper* is made of a page; *row* and *notice* are what the register and HR say, beside the exit pledge that E1 signed on the 27th of November."""

    paper: Made
    state: str
    proof: str | None
    row: dict[str, str] = field(default_factory=dict)
    notice: dict[str, str] = field(default_factory=dict)


@cache
def page(program: str) -> bytes:
    """A page of a pledge, as *program* writes it."""
    if program == "pyHanko":
        return documents.plain()
    printed = typst.compile(b"#set page(width: 210mm, height: 297mm)\nI keep the company's secrets.", format="pdf")
    return bytes(printed) if program == "typst" else saved(bytes(printed))


def saved(paper: bytes) -> bytes:
    """*paper* as PDFium writes it: opened and saved anew."""
    out = BytesIO()
    with pypdfium2.PdfDocument(paper) as document:
        document.save(out)
    return out.getvalue()


def signs(name: str = HER, *, then: Made | None = None, **how: Any) -> Made:
    """Somebody signs the page, on the 27th of November unless *how* says otherwise; *then* follows."""

    def made(body: bytes) -> bytes:
        paper = documents.signed(name, body=body, **{"at": SIGNED_AT, **how})
        return then(paper) if then is not None else paper

    return made


def also(name: str, **how: Any) -> Made:
    """A second signature."""
    return signs(name, field="S2", **how)


def stamp(at: datetime = SIGNED_AT, *, by: documents.SigningAuthority | None = None, then: Made | None = None) -> Made:
    def made(body: bytes) -> bytes:
        paper = documents.time_stamped(body, at, by=by)
        return then(paper) if then is not None else paper

    return made


def form(then: Made) -> Made:
    return lambda _: then(documents.form())


def filled(then: Made = bytes) -> Made:
    return lambda paper: then(documents.filled_in(paper, "100,000,000 yen"))


def around(body: bytes) -> bytes:
    picture = documents.scan_png()
    return picture[:-12] + body + picture[-12:]


def certified(name: str, then: Made, allow: MDPPerm = MDPPerm.FILL_FORMS) -> Made:
    return signs(name, certify=True, allow=allow, then=then)


WHO = {
    "she signed": Variant(signs(), "signed", "verified"),
    "she signed, with a trusted time": Variant(signs(stamped=True), "signed", "verified"),
    "she signed, by an authority that nobody trusts": Variant(signs(by=NOBODY.signer(HER)), "signed", "untrusted"),
    "her name has a stamp behind it": Variant(signs("星 空子 印"), "signed", "verified"),
    "her name has a number behind it": Variant(signs("星空子 20240101"), "signed", "verified"),
    "her name has her section before it": Variant(signs("営業部 星 空子"), "signed", "verified"),
    "her former name stands in brackets": Variant(signs("佐藤（星）空子"), "signed", "verified"),
    "her name in Latin letters in one word": Variant(signs("HOSHISORAKO"), "signed", "verified", notice=LATIN),
    "her name in Latin letters with a line": Variant(signs("hoshi_sorako"), "signed", "verified", notice=LATIN),
    "her name and the company's": Variant(signs("Sorako Hoshi, Acme Trading, Inc."), "signed", "verified", notice=LATIN),
    "her address": Variant(signs("E1@example.test"), "signed", "verified"),
    "a name in letters that HR did not give": Variant(signs("Kageko Tsuki"), "signed", "unnamed"),
    "a serial number": Variant(signs("20240101ABCDEF"), "signed", "unnamed"),
    "her given name with another family name": Variant(signs("月 空子"), "signed", "unnamed"),
    "her family name alone": Variant(signs("星"), "signed", "unnamed"),
    "somebody signed for her": Variant(signs("月 影子（星 空子 代理）"), "unsigned", "unnamed"),
    "somebody signed for her, by an authority that nobody trusts": Variant(
        signs("星 空子 代理", by=NOBODY.signer("星 空子 代理")), "unsigned", "untrusted"
    ),
    "her given name with another family name, in one word": Variant(signs("佐藤空子"), "signed", "unnamed"),
    "another person signed, with a number": Variant(signs("月 影子 20240101"), "unsigned", "unnamed"),
    "another address at the company": Variant(signs("kageko.tsuki@example.test"), "unsigned", "unnamed"),
    "she signed in Latin letters by an unknown authority, her superior by ours": Variant(
        signs("Sorako Hoshi", by=NOBODY.signer("Sorako Hoshi"), then=also(BOSS)), "signed", "unnamed"
    ),
    "another person signed": Variant(signs(BOSS), "unsigned", "unnamed"),
    "a superior of her family name signed": Variant(signs("星 一郎"), "unsigned", "unnamed"),
    "a superior of her family name signed, in Latin letters": Variant(signs("Ichiro Hoshi"), "unsigned", "unnamed", notice=LATIN),
    "another person signed, and the company sealed": Variant(signs(BOSS, then=also(COMPANY)), "unsigned", "unnamed"),
    "another person signed, by an authority that nobody trusts": Variant(signs(BOSS, by=NOBODY.signer(BOSS)), "unsigned", "untrusted"),
    "a name in other letters, by an authority that nobody trusts": Variant(
        signs("Kageko Tsuki", by=NOBODY.signer("Kageko Tsuki")), "signed", "untrusted"
    ),
    "she and her superior signed": Variant(signs(then=also(BOSS)), "signed", "verified"),
    "her superior signed first": Variant(signs(BOSS, then=also(HER)), "signed", "verified"),
    "she signed by an unknown authority, her superior by ours": Variant(
        signs(by=NOBODY.signer(HER), then=also(BOSS)), "signed", "untrusted"
    ),
    "she signed by ours, her superior by an unknown one": Variant(
        signs(then=also(BOSS, by=NOBODY.signer(BOSS))), "signed", "verified"
    ),
    "her name is a company's by its sound": Variant(signs("Atasha Co"), "signed", "verified", notice={"name": "Atasha Co"}),
    "the company sealed": Variant(signs(COMPANY), "unsigned", "sealed"),
    "a company with a bracket in its name sealed": Variant(signs("Mitsui Bussan [Japan] Trading, K.K."), "unsigned", "sealed"),
    "a service sealed": Variant(signs("電子印鑑GMOサイン"), "signed", "sealed"),
    "a service sealed, in Latin letters": Variant(signs("Dropbox Sign"), "signed", "sealed"),
    "a superior's own seal": Variant(signs("月 影子 人事部長"), "unsigned", "sealed"),
    "the company and a service sealed": Variant(signs(COMPANY, then=also(SERVICE)), "signed", "sealed"),
    "an office sealed": Variant(signs("人事部長"), "unsigned", "sealed"),
    "a seal by its certificate's statement": Variant(
        signs(BOSS, by=documents.pki().signer(BOSS, statement="seal")), "unsigned", "sealed"
    ),
    "another person whose certificate has a family name": Variant(
        signs("Acme Trading Co", by=documents.pki().signer("Acme Trading Co", more=((NameOID.SURNAME, "Co"),))),
        "unsigned", "unnamed", notice=LATIN,
    ),
    "a time stamp alone": Variant(stamp(), "signed", "stamped"),
    "a print that nobody signed": Variant(bytes, "signed", "none"),
    "words that look like a signature": Variant(lambda _: documents.plain("/ByteRange [0 1 2 3]"), "signed", "none"),
    "a line that looks like a signature": Variant(lambda body: body + b"\n% /ByteRange [0 1 2 3]\n", "signed", "none"),
    "a form that a program has enabled": Variant(documents.with_usage_rights, "signed", "none"),
}  # fmt: skip

CHANGED = {
    "other words, after she signed": Variant(signs(then=documents.changed_afterwards), "altered", "broken"),
    "other words, after somebody unknown signed": Variant(
        signs(by=NOBODY.signer(HER), then=documents.changed_afterwards), "altered", "broken"
    ),
    "one byte of what she signed": Variant(signs(then=lambda paper: documents.bytes_flipped(paper, b"/Contents")), "altered", "broken"),
    "her signature was taken out": Variant(signs(then=documents.signature_removed), "altered", "broken"),
    "her signature was taken out, and a program's seal named that there is not": Variant(
        signs(then=lambda paper: documents.with_empty_rights(documents.signature_removed(paper))), "altered", "broken"
    ),
    "her signature was taken out, and named as a program's seal": Variant(
        signs(then=documents.signature_named_as_rights), "altered", "broken"
    ),
    "something was appended": Variant(signs(then=lambda paper: paper + b"\n1 0 obj\n<<>>\nendobj\n"), "altered", "broken"),
    "opened and saved by another program": Variant(signs(then=saved), "altered", "broken"),
    "other words, then the company's seal": Variant(
        signs(then=lambda paper: also(COMPANY)(documents.changed_afterwards(paper))), "altered", "broken"
    ),
    "other words, then a time stamp": Variant(signs(then=lambda paper: stamp()(documents.changed_afterwards(paper))), "altered", "broken"),
    "other words, then her superior's signature": Variant(
        signs(then=lambda paper: also(BOSS)(documents.changed_afterwards(paper))), "altered", "broken"
    ),
    "other words under the company's seal alone": Variant(signs(COMPANY, then=documents.changed_afterwards), "altered", "broken"),
    "a sum was filled in": Variant(form(signs(then=filled())), "altered", "broken"),
    "a sum was filled in, then the company's seal": Variant(form(signs(then=filled(also(COMPANY)))), "altered", "broken"),
    "a sum was filled in, then a seal with a comma in its name": Variant(
        form(signs(then=filled(also("Acme Trading, Inc.")))), "altered", "broken"
    ),
    "a sum was filled in, then an office's seal": Variant(form(signs(then=filled(also("人事部")))), "altered", "broken"),
    "a sum was filled in, then a time stamp": Variant(form(signs(then=filled(stamp()))), "altered", "broken"),
    "a sum was filled in, then a signature of nobody we know": Variant(
        form(signs(then=filled(also(BOSS, by=NOBODY.signer(BOSS))))), "altered", "broken"
    ),
    "a date was filled in, then her superior's signature": Variant(form(signs(then=filled(also(BOSS)))), "altered", "verified"),
    "she filled in the form that her superior had signed, and signed it": Variant(
        form(signs(BOSS, then=filled(also(HER)))), "signed", "verified"
    ),
    "filled in before she signed": Variant(form(filled(signs())), "signed", "verified"),
    "the company certified the form, and she signed it": Variant(certified(COMPANY, also(HER)), "signed", "verified"),
    "the company certified that nothing may follow, and she signed": Variant(
        certified(COMPANY, also(HER), MDPPerm.NO_CHANGES), "altered", "broken"
    ),
    "she certified, and the company sealed": Variant(certified(HER, also(COMPANY)), "signed", "verified"),
    "she certified that nothing may follow, and a time stamp came": Variant(
        certified(HER, stamp(), MDPPerm.NO_CHANGES), "signed", "verified"
    ),
    "the company's seal upon her signature": Variant(signs(then=also(COMPANY)), "signed", "verified"),
    "a time stamp upon her signature": Variant(signs(then=stamp()), "signed", "verified"),
    "a time stamp of an unknown authority upon her signature": Variant(signs(then=stamp(by=NOBODY)), "signed", "verified"),
    "the company's seal, and an archive's stamp": Variant(signs(COMPANY, then=stamp()), "unsigned", "sealed"),
    "other bytes than were registered": Variant(bytes, "altered", "none", {"sha256": "0" * 64}),
    "locked with a password": Variant(lambda _: documents.encrypted(), "unreadable", None),
    "torn": Variant(signs(then=documents.truncated), "unreadable", None),
    "an empty file": Variant(lambda _: b"", "unreadable", None),
    "a picture around a PDF": Variant(around, "unreadable", None),
}  # fmt: skip

TIMES = {
    "stamped long ago, registered last week": Variant(signs(at=OLD, stamped=True), "expired", "verified"),
    "stamped last week, registered long ago": Variant(signs(stamped=True), "signed", "verified", {"signed_on": "2019-03-01"}),
    "she says last week, registered long ago": Variant(signs(), "expired", "verified", {"signed_on": "2019-03-01"}),
    "stamped by an authority that nobody trusts": Variant(signs(at=OLD, stamped=NOBODY), "signed", "verified"),
    "an unknown authority's certificate, stamped long ago": Variant(
        signs(by=NOBODY.signer(HER), at=OLD, stamped=True), "expired", "untrusted"
    ),
    "an unknown authority's certificate, stamped last week, registered long ago": Variant(
        signs(by=NOBODY.signer(HER), stamped=True), "expired", "untrusted", {"signed_on": "2019-03-01"}
    ),
    "the director signed the form long ago, she last week": Variant(
        signs(BOSS, at=OLD, stamped=True, then=also(HER, stamped=True)), "signed", "verified"
    ),
    "the director signed the form long ago, she without a stamp": Variant(
        signs(BOSS, at=OLD, stamped=True, then=also(HER)), "signed", "verified"
    ),
    "she signed long ago, the director last week": Variant(
        signs(at=OLD, then=also(BOSS, stamped=True)), "expired", "verified", {"signed_on": "2019-03-01"}
    ),
    "one of two nameless signers signed long ago": Variant(
        signs("Kageko Tsuki", at=OLD, stamped=True, then=also("Sorako Hoshi")), "signed", "unnamed"
    ),
    "a seal of long ago upon her signature": Variant(signs(then=also(COMPANY, at=OLD, stamped=True)), "expired", "verified"),
    "a blank form that was stamped long ago": Variant(stamp(OLD, then=signs()), "signed", "verified"),
    "sealed long ago, registered last week": Variant(signs(SERVICE, at=OLD, stamped=True), "expired", "sealed"),
    "sealed long ago, of no day": Variant(signs(SERVICE, at=OLD, stamped=True), "expired", "sealed", {"signed_on": ""}),
    "an entry pledge of no day, sealed when it was fetched after the last day": Variant(
        signs(SERVICE, at=datetime(2026, 12, 20, tzinfo=UTC), stamped=True), "signed", "sealed", {"kind": "entry_pledge", "signed_on": ""}
    ),
    "an exit pledge of no day, in an archive a year later": Variant(
        signs(SERVICE, at=datetime(2027, 12, 20, tzinfo=UTC), stamped=True), "signed", "sealed", {"signed_on": ""}
    ),
    "signed long ago, sealed when it was fetched": Variant(
        signs("DocuSign, Inc.", stamped=True), "expired", "sealed", {"signed_on": "2019-03-01"}
    ),
    "an archive's stamp of later": Variant(signs(then=stamp(datetime(2026, 11, 29, tzinfo=UTC))), "signed", "verified", {"signed_on": ""}),
    "her certificate has ended since, and a stamp shows that it was good": Variant(
        signs(by=documents.pki().signer(HER, until=datetime(2026, 11, 28, tzinfo=UTC)), stamped=True), "signed", "verified"
    ),
    "her certificate had ended, and nothing shows when she signed": Variant(
        signs(by=documents.pki().signer(HER, until=datetime(2026, 11, 28, tzinfo=UTC))), "signed", "untrusted"
    ),
}  # fmt: skip


class TestSignedPapers:
    @pytest.mark.parametrize("what", [*WHO, *CHANGED, *TIMES])
    async def test_its_bytes_decide(self, hire: Hire, what: str) -> None:
        """Whose the signature is, what was changed after it and when it was made decide, whichever program drew the page."""
        variant = (WHO | CHANGED | TIMES)[what]
        house = hire()
        programs = PROGRAMS if what in CHANGED else PROGRAMS[1:2]  # a name does not meet the file's layout
        files = {f"{program}.pdf": variant.paper(page(program)) for program in programs}
        house.file([EXIT | {"id": name, "file": name} | variant.row for name in files], files)
        nda = await house.check(house.office.report(**variant.notice))
        judged = {one["paper"]: (one["state"], one["signature"]) for one in nda["papers"] if one["paper"]}
        assert judged == {f"folder:{name}": (variant.state, variant.proof) for name in files}
