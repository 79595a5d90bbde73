"""What must not be found in Prefect."""

import base64
import json

KANJI = "田中 美咲"
ROMAJI = "Tanaka Misaki"
ADDRESS = "misaki.tanaka@hoshizora.example"


def forms(text: str) -> list[bytes]:
    """Return how *text* may lie in a file: as it is, escaped in JSON, and in base64 at each of its three offsets."""
    escaped = json.dumps(text)[1:-1]
    plain = [text.encode(), escaped.encode(), json.dumps(escaped)[1:-1].encode()]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text.encode())
        plain.append(encoded[4 if offset else 0 : -4])
    return plain
