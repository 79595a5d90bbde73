"""`python -m casework.view > docs/case.schema.json`: the shape of `lastday show CASE --json`, as JSON Schema."""

from __future__ import annotations

import json
import sys

from pydantic.json_schema import GenerateJsonSchema

from casework.view.case import CaseView


def schema() -> str:
    """Return the schema as the file has it."""
    made = CaseView.model_json_schema(mode="serialization")
    return json.dumps({"$schema": GenerateJsonSchema.schema_dialect, **made}, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
