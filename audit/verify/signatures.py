"""Steps 1, 2, 4 and 5: the list of files, the certificate, the log's head and its witnesses, the stamps."""

from __future__ import annotations

import re

from audit import bundle_paths
from audit.canonical_stamp import pinned
from audit.certificate import (
    CERTIFIED,
    CertificateError,
    CertificateStatement,
    EarlierCertificate,
    VerifiedCertificate,
    former_of,
    open_certificate,
)
from audit.note import NoteError
from audit.timestamp import StampRefused
from audit.timestamp import verify as verify_stamp
from audit.verify.folder import Bundle
from audit.verify.report import BundleError

_LINE = re.compile(r"([0-9a-f]{64})  (.+)", re.ASCII)


def sums(bundle: Bundle) -> str:
    """Compare each file with the list.  If the certificate does not sign this list, the fault names the list."""
    try:
        listed = _listed(bundle)
        _same_names(bundle, listed)
        _same_bytes(bundle, listed)
    except BundleError as fault:
        if fault.file != bundle_paths.SUMS and not _vouched(bundle):
            raise BundleError(bundle_paths.SUMS, "it is not the list that the certificate vouches for") from fault
        raise
    return f"{len(listed)} files"


def _vouched(bundle: Bundle) -> bool:
    """Whether the list is the certificate's.  True without a trusted certificate: the fault then stays with the file."""
    return bundle.certificate is None or bundle.certificate.claim.sums == bundle.sha256(bundle_paths.SUMS)


def _listed(bundle: Bundle) -> dict[str, str]:
    lines = [_LINE.fullmatch(line) for line in _text(bundle).split("\n")[:-1]]
    listed = {line[2]: line[1] for line in lines if line is not None}
    again = "".join(f"{digest}  {path}\n" for path, digest in sorted(listed.items()))
    if again != _text(bundle) or not all(bundle_paths.PLAIN.fullmatch(path) for path in listed):
        raise BundleError(bundle_paths.SUMS, "it is not a sorted list of digests and plain paths")
    return listed


def _text(bundle: Bundle) -> str:
    try:
        return bundle.whole(bundle_paths.SUMS, 1 << 28).decode("ascii")
    except UnicodeDecodeError as exc:
        raise BundleError(bundle_paths.SUMS, "it is not a list of digests and paths") from exc


def _same_bytes(bundle: Bundle, listed: dict[str, str]) -> None:
    for path, digest in listed.items():
        if bundle.sha256(path) != digest:
            raise BundleError(path, f"it is not the file that {bundle_paths.SUMS} lists")


def _same_names(bundle: Bundle, listed: dict[str, str]) -> None:
    if bundle.odd:
        raise BundleError(bundle.odd[0], "it is not a plain file with a plain name")
    there = bundle.paths - {bundle_paths.SUMS, bundle_paths.CERTIFICATE}
    for path in sorted(listed.keys() - there):
        raise BundleError(path, "it is missing")
    for path in sorted(there - listed.keys()):
        raise BundleError(path, f"{bundle_paths.SUMS} does not list it")
    for path in sorted(listed):
        if not bundle_paths.belongs(path):
            raise BundleError(path, "it has no place in a bundle")
    for path in sorted((bundle_paths.REQUIRED | {bundle_paths.CERTIFICATE}) - bundle.paths):
        raise BundleError(path, "it is missing")


def certificate(bundle: Bundle) -> str:
    """Open the certificate, verify its stamp as of the stamp's own time, and compare its claim with the bundle."""
    path = bundle_paths.CERTIFICATE
    try:
        opened = open_certificate(bundle.whole(path), bundle.trust.keys)
        when = _stamp_of(bundle, opened)
    except (CertificateError, StampRefused) as exc:
        raise BundleError(path, str(exc)) from exc
    for file, digest in ((bundle_paths.SUMS, opened.claim.sums), (bundle_paths.CHECKPOINT, opened.claim.checkpoint)):
        if bundle.sha256(file) != digest:
            raise BundleError(file, "it is not the file that the certificate vouches for")
    _tells_of_this(bundle, opened.claim)
    former = opened.claim.former
    after = f", after {former.sha256[:16]}…" if former is not None else ""
    return f"revision {opened.claim.revision}{after}, {when}"


def _stamp_of(bundle: Bundle, opened: VerifiedCertificate) -> str:
    """Return when the signature was stamped, as text.  Raises `StampRefused` for no stamp or a bad one, if stamps are asked for."""
    if opened.stamp is not None and pinned(opened.stamp) != opened.stamp:
        raise StampRefused("its stamp is not in the one form that it has")
    if not bundle.trust.roots:
        return "no stamp is asked for"
    if opened.stamp is None:
        raise StampRefused("it has no time stamp")
    stamp = verify_stamp(opened.stamp, opened.signature, bundle.trust.roots)
    return f"stamped {stamp.gen_time:%Y-%m-%d %H:%M:%S} UTC by {stamp.signer}"


def _tells_of_this(bundle: Bundle, claim: CertificateStatement) -> None:
    head, count = bundle.head(), bundle.events
    if (claim.log, claim.size, claim.root) != (head.origin, head.size, head.text.split("\n")[2]):
        raise BundleError(bundle_paths.CERTIFICATE, f"it speaks of another head than {bundle_paths.CHECKPOINT}")
    if claim.events != count:
        raise BundleError(bundle_paths.event(min(count, claim.events)), f"the certificate counts {claim.events} events")
    if claim.files != len(_listed(bundle)):
        raise BundleError(bundle_paths.SUMS, f"the certificate counts {claim.files} files")
    if claim.case != bundle.event(0)["case"]:
        raise BundleError(bundle_paths.event(0), "the certificate is another case's")
    former = _former(bundle, count)
    if claim.former != former or claim.revision != (1 if former is None else former.revision + 1):
        raise BundleError(bundle_paths.CERTIFICATE, "it does not name the certificate before it that the log records")


def _former(bundle: Bundle, count: int) -> EarlierCertificate | None:
    """Return the last certificate that the events record, None if there is none."""
    for seq in reversed(range(count)):
        said = bundle.event(seq)
        if said["type"] == CERTIFIED:
            return former_of(said)
    return None


def head(bundle: Bundle) -> str:
    """Verify the log's signature and the witnesses' quorum on the head, and the signatures of each earlier anchor."""
    path = bundle_paths.CHECKPOINT
    signed = bundle.signed(path)
    seen = _cosigned(bundle, path)
    if not bundle.trust.policy.satisfied(seen):
        raise BundleError(path, "the witnesses that the policy asks for have not cosigned it")
    for size in bundle.sizes:
        anchored = bundle_paths.anchored(size)
        if bundle.signed(anchored).size != size:
            raise BundleError(anchored, "its head has another size than its name")
        _cosigned(bundle, anchored)
    newest = bundle_paths.anchored(signed.size)
    if bundle.whole(newest) != bundle.whole(path):
        raise BundleError(newest, f"it is not {path}")
    return f"{signed.origin}, {signed.size} entries, witnesses: {', '.join(sorted(seen)) or 'none asked for'}"


def _cosigned(bundle: Bundle, path: str) -> set[str]:
    try:
        return set(bundle.trust.policy.cosigned_by(bundle.whole(path)))
    except NoteError as exc:
        raise BundleError(path, str(exc)) from exc


def stamps(bundle: Bundle) -> str:
    """Verify each anchor's stamp as of its own time, and keep the times for later steps."""
    sizes = bundle.sizes
    if not bundle.trust.roots:
        return "no stamp is asked for"
    for size in sizes:
        path = bundle_paths.stamped(size)
        try:
            bundle.stamps[size] = verify_stamp(
                bundle.whole(path), bundle.whole(bundle_paths.anchored(size)), bundle.trust.roots
            )
        except StampRefused as exc:
            raise BundleError(path, str(exc)) from exc
    newest = bundle.head().size
    if newest not in bundle.stamps:
        raise BundleError(bundle_paths.stamped(newest), "the head is under no stamp")
    last = bundle.stamps[newest]
    return f"{len(sizes)} anchors, the last {last.gen_time:%Y-%m-%d %H:%M:%S} UTC by {last.signer}"
