"""`lastday migrate`: the database gets the schema that this version needs."""

from __future__ import annotations

from cli.errors import DONE
from cli.options import As, AsJson
from cli.terminal import Terminal, say


def migrate(as_json: AsJson = False, actor: As = None) -> int:
    """Bring the database to the newest schema and make the trail's key if there is none.  Twice is safe."""
    from audit import keys
    from casework import schema
    from casework.desk import open_store
    from casework.settings import read_settings

    terminal = Terminal.of(as_json=as_json, actor=actor)
    settings = read_settings()
    store = open_store(settings, check=False)
    try:
        before = schema.current(store.engine)
        schema.migrate(store.engine)
        after = schema.current(store.engine)
    finally:
        store.engine.dispose()
    settings.audit_key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    signer = keys.open_or_create(settings.audit_key_file, settings.audit_origin)
    payload = {"before": before, "schema": after, "trail_key": signer.verifier.vkey}
    told = say(
        f"schema {after}; the trail's public key: {signer.verifier.vkey}",
        f"スキーマ {after}。記録の公開鍵: {signer.verifier.vkey}",
    )
    terminal.answer(payload, told)
    return DONE
