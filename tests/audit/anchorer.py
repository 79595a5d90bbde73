"""An anchor job in a process of its own that kills itself after a step: `python -m tests.audit.anchorer STEP FOLDER URL`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from sqlalchemy import create_engine

from audit import anchoring, anchors, keys, policy, tables
from audit.anchor_config import AnchorConfig
from audit.anchor_files import AnchorFiles
from audit.cosigning import gather
from audit.trail import Trail
from tests.audit.samples import ORIGIN


def _then_die(work: Callable[..., Any]) -> Callable[..., Any]:
    def last(*args: Any, **named: Any) -> Any:
        work(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return last


def main() -> None:
    step, folder, url = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    mirror = AnchorFiles(folder / "anchors", ORIGIN)
    match step:
        case "cosigned":
            vars(anchoring)["gather"] = _then_die(gather)
        case "frozen":  # committed, and mirrored
            AnchorFiles.keep = _then_die(AnchorFiles.keep)  # type: ignore[method-assign]  # the process dies of it, and with it the change
        case _:  # stamped, the stamp committed, and the log about to tell of it
            anchors.record = _then_die(anchors.record)
    engine = tables.prepare(create_engine(f"sqlite:///{folder / 'trail.db'}"))
    berth = AnchorConfig(
        engine,
        Trail(ORIGIN, skew=None),
        [keys.open_key(folder / "log.key", ORIGIN)],
        mirror,
        lambda: httpx.Client(trust_env=False, timeout=10),
        policy.read((folder / "rules").read_text()),
        [url],
        x509.load_pem_x509_certificates((folder / "roots.pem").read_bytes()),
    )
    raise AssertionError(anchoring.anchor(berth).problems)


if __name__ == "__main__":
    main()
