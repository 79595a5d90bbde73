"""
The outside parties that sign anchors, emulated on this machine: a time-stamping authority and a witness.

Only for rehearsals: worthless against the operator, who has both keys here.  Both names contain "rehearsal".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emulators.fault_proxy import FaultProxy, served
from emulators.timestamping import Authority
from emulators.timestamping.certificates import kept
from emulators.witness import Witness

WITNESS_NAME = "REHEARSAL-witness-worthless-against-the-operator"

_POLICY = """\
# REHEARSAL: worthless against the operator, who runs this witness himself.
witness {name} {vkey} {url}
quorum {name}
"""


@dataclass(frozen=True, slots=True)
class Outsiders:
    """Both, open.  *env*: the settings for a client."""

    authority: Authority
    witness: Witness
    authority_stage: FaultProxy
    witness_stage: FaultProxy
    env: dict[str, str]


@contextlib.contextmanager
def outsiders(directory: Path, trust: Path | None = None, *, port: int = 0) -> Iterator[Outsiders]:
    """
    Open both.  Their keys and the witness's state stay in *directory*, so that a later rehearsal goes on with them.

    *port*: of the authority, the witness's is the next one; 0 takes free ones.  *trust*: where the witness finds its logs.
    """
    authority = Authority(kept(directory / "timestamping"), order="openssl")
    witness = Witness(directory / "witness", logs_folder=trust)
    stages = FaultProxy(authority.app), FaultProxy(witness.app)
    with contextlib.ExitStack() as doors:
        urls = [doors.enter_context(served(stage, port=port + n if port else 0)) for n, stage in enumerate(stages)]
        roots, policy = directory / "tsa-ca.pem", directory / "policy"
        roots.write_bytes(authority.papers.root_pem)
        policy.write_text(_POLICY.format(name=WITNESS_NAME, vkey=witness.vkey, url=urls[1]), "utf-8")
        env = {
            "LASTDAY_TIMESTAMP_URLS": f"{urls[0]}/",
            "LASTDAY_TIMESTAMP_ROOTS_FILE": str(roots.resolve()),
            "LASTDAY_WITNESS_POLICY_FILE": str(policy.resolve()),
        }
        if trust is not None:
            env["LASTDAY_TRUST_FOLDER"] = str(trust.resolve())
        yield Outsiders(authority, witness, *stages, env)
