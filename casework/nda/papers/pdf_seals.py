"""
Classify a signature by its certificate: a person's, or the seal of a company, an office or a service.

The certificate's structure outranks its name.  If neither shows a company, an office or a service, it counts as a person's.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypeAlias

from asn1crypto.x509 import Certificate

Kind: TypeAlias = Literal["person", "seal", "timestamp"]

_FOR_SIGNING, _FOR_SEALING = bytes.fromhex("060704008e46010601"), bytes.fromhex("060704008e46010602")
"""The statements id-etsi-qct-esign and -eseal (0.4.0.1862.1.6.1 and .2, ETSI EN 319 412-5) in a certificate."""
_OF_A_PERSON = frozenset({"given_name", "surname", "title", "pseudonym", "initials", "generation_qualifier"})
_OF_A_COMPANY = frozenset({"organization_identifier", "business_category", "incorporation_country"})
"""Attributes of a subject (RFC 5280; ETSI EN 319 412-2 and -3; CA/Browser Forum's of organisations)."""

_UNIT = r"(?:人事|総務|労務|法務|経理|財務|管理|業務|営業|開発|企画|経営企画|広報|購買|調達|製造|生産|技術|品質保証|監査|秘書|情報システム|システム|事業|人事総務|総務人事|経営管理)+"
OFFICE = re.compile(
    rf"(?:{_UNIT}(?:本部|部|課|室|局|グループ|チーム|センター)?(?:長|次長|課長|担当|主任|係)?(?:代理|代行|補佐|心得)?|代表取締役(?:社長|会長)?|取締役|社長|会長|理事長|"
    r"(?:本|支|次|副)?(?:部|課|室|局|所|署|工場|支店|校|院|市|町|村|区)長(?:代理|代行|補佐|心得)?|知事|\w*(?:市|区|町|村)役(?:所|場)|\w*(?:支店|支社|本社|本店|事業所|営業所|研究所|事務所|事務局|委員会)|"
    r"human resources|personnel|general affairs|legal|hr|president|director|manager|ceo|coo|cfo)",
)
"""A folded word that names an office and not a person; in front of a person's name it is that person's office."""
GLUED_OFFICE = re.compile(rf"^{_UNIT}(?:本部|部|課|室|局)(?:長|次長|課長)?(?:代理|補佐)?(?=\w)")
"""An office written before a name without a space: 人事部月影子."""
_OF_AN_OFFICE = re.compile(
    rf"(?:^|\W){OFFICE.pattern}$|\w{_UNIT}(?:本部|部|課|室)長?$|(?:^|\W)(?:department|dept\.?|division|office|headquarters|city hall|ministry|agency|holdings|group|association|foundation)$"
)
_SUFFIX = r"(?:inc|incorporated|ltd|limited|llc|llp|plc|corp|corporation|company|gmbh|ag|pte|k\.?k|co)\.?"
_COMPANY = re.compile(
    r"株式会社|有限会社|合同会社|合資会社|合名会社|(?<=\w)法人|組合|協会|大学|電子印|社印|角印|"
    r"(?:^|\W)(?:kabushiki kaisha|university|electronic seal|e-seal|docusign|cloudsign)(?:\W|$)|"
    r"(?<=\w)\s*サイン$|\W(?:sign|sign\.jp)$|クラウドサイン|クラウド契約|電子契約|電子署名|証明書|"
    rf"\W{_SUFFIX}$"
)
"""Words that occur only in names of companies and services.  A suffix counts only at the end, after another word."""
_SERVICE = re.compile(
    r"docusign|ドキュサイン|cloudsign|クラウドサイン|弁護士ドットコム|bengo4|gmo|adobe|acrobat sign|dropbox sign|hellosign|freee|マネーフォワード|money forward|"
    r"クラウド契約|電子契約|電子署名サービス|jinjerサイン|zoho sign|pandadoc|signnow|contracthub|docyou|wingarc|ウイングアーク"
)
_LONGEST = 200  # letters of a name; X.520 allows 64
_SHORT_FORM = re.compile(r"\((株|有|同|資|名|財|社|医|学)\)")
_BRACKETED = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*")
_BEFORE_THE_SUFFIX = re.compile(rf",\s*(?=(?:{_SUFFIX}[,\s]*)+$)")
"""The comma of "Acme, Inc.": what precedes it is not a person."""
_SEAL_ALONE = re.compile(r"(?:seal|e-?seal|stamp|印)")


def kind_of(certificate: Certificate) -> Kind:
    """Return whose signature *certificate* is for.  May raise any exception for a damaged certificate."""
    subject, whole = certificate.subject.native, certificate.dump()
    if _FOR_SEALING in whole:
        return "seal"
    if _FOR_SIGNING in whole or _OF_A_PERSON & subject.keys():
        return "person"
    name, company = (_folded(subject.get(part)) for part in ("common_name", "organization_name"))
    if _OF_A_COMPANY & subject.keys() or (company and _bare(name) in {"", _bare(company)}):
        return "seal"
    return "seal" if _is_no_persons(name) else "person"


def is_of_a_provider(name: str) -> bool:
    """Whether a seal's *name* is that of a signing service.  An unknown service counts as the seal of a company or an office."""
    return _SERVICE.search(_folded(name)) is not None


def _folded(text: object) -> str:
    return unicodedata.normalize("NFKC", str(text or "")).casefold().strip()[:_LONGEST]


def _bare(name: str) -> str:
    """Return a company's name without its legal form."""
    return re.sub(
        rf"(?:[,\s]+{_SUFFIX})+$|^(?:株式会社|有限会社|合同会社)\s*|\s*(?:株式会社|有限会社|合同会社)$", "", name
    )


def _is_no_persons(name: str) -> bool:
    """Whether *name* is a company's or an office's.  A person's name comes before the bracket, slash or comma that its company follows."""
    if _SHORT_FORM.match(name) or re.search(rf"{_SHORT_FORM.pattern}$", name):
        return True
    outside = _BEFORE_THE_SUFFIX.sub(" ", _BRACKETED.sub(" ", name).strip() or name).strip()
    first, *others = (part.strip() for part in re.split(r"[,/]", outside))
    if any(_SEAL_ALONE.fullmatch(part) for part in others):
        return True
    said = first if len(first.split()) > 1 or not others or not first.isascii() else outside
    return _COMPANY.search(said) is not None or _OF_AN_OFFICE.search(said) is not None
