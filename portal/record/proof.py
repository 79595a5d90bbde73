"""What proves the record: digests, the log, who stamped it, and how a reader checks it without us."""

from __future__ import annotations

from casework.record.facts import Facts, Proof
from portal.document import Clock, Grid, Section, Tone, cell, mono
from portal.words import said, sentence, titled

COMMANDS = (
    "sha256sum --quiet -c SHA256SUMS",
    (
        "cosign verify-blob-attestation --bundle certificate.sigstore.json --key ../trust/case.pub.pem --new-bundle-format \\\n"
        "  --trusted-root ../trust/trusted_root.json --use-signed-timestamps --insecure-ignore-tlog \\\n"
        "  --type https://lastday.example/audit-record/v1 SHA256SUMS"
    ),
    "lastday verify . --trust ../trust",
)


def proof(facts: Facts, known: Proof, clock: Clock) -> Section:
    """Digests and origins, and what each of them fixes."""
    unknown = facts.view.open_intents
    plans = Grid(
        {"Plan sealed": 18, "Scope": 14, "Steps": 10, "SHA-256: plan, policy": 58},
        tuple(
            (clock(p.sealed_at), cell(p.scope), cell(p.steps), mono(p.sha256, p.policy_sha256))
            for p in facts.view.plans
        ),
        empty=said("No plan was sealed."),
    )
    said_of_it = {
        "Log": mono(facts.origin),
        "Events of this case": cell(len(facts.told)),
        "Digest of the newest event": mono(known.last_event_sha256),
        "Intents without an outcome": cell(unknown, tone=Tone.OPEN if unknown else Tone.GOOD),
        "Log stamped at": clock(known.anchored_at),
        "Events in the stamped log": cell(known.anchor_size),
        "This record is number": cell(known.revision),
        "Certificate of the record before": mono(known.former_sha256),
        "Exported by": cell(known.exported_by),
        "Policy now in force": mono(facts.policy_sha256),
    }
    return Section(*titled("proof"), facts=said_of_it, grids=(plans,))


def verifying() -> Section:
    """How to check the folder without us, what that proves, and what nothing proves."""
    return Section(*titled("verify"), commands=COMMANDS, notes=(sentence("proven"), sentence("not_proven")))
