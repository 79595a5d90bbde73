"""What each local process is told: Prefect's settings, and of ours no more than it needs.  Why: docs/operations.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values  # what pydantic-settings reads `.env` with

from casework.settings import read_settings
from casework.store import parse_url

SETTINGS: Mapping[str, str] = {
    # nothing calls out: neither the server, nor the library, nor the page in the browser (V2's does)
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # a lost address of the API must not make a private database in silence
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    # 0.6 s late at most instead of 10
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_WORKER_PREFETCH_SECONDS": "30",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
    # with the automation of `flows.deploy`: a run whose process died counts as crashed after 90 s
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # else `database is locked` is retried, and lost, without a word
    "PREFECT_SERVER_LOG_RETRYABLE_ERRORS": "true",
    # events and what is left of deleted runs go in the end; runs stay
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    # with the key, which every process has, and `flows.api_server`, which closes what Prefect leaves open
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
}


def environment(home: Path, port: int, extra: Mapping[str, str]) -> dict[str, str]:
    """Return what all processes of a stack under *home* have in common: nothing of the caller's own Prefect, and *extra*."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode each run starts three times as slowly
    address = f"http://127.0.0.1:{port}"
    return {
        **inherited,
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1,localhost", inherited.get("NO_PROXY")])),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": address,
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_UI_URL": address,
        **SETTINGS,
        **extra,
    }


def environment_of(name: str, env: Mapping[str, str]) -> dict[str, str]:
    """
    Return what the child *name* may know of *env*: least privilege by process, whoever reads it there.

    Prefect's server and the one that deploys get no setting of ours, and so no tenant's credential; the watching process gets
    none that revokes (`LASTDAY_…_WRITE_…`); the worker and the serving process, which cut, get all.  Who asks for the key, and
    who brings it, are two variables of Prefect's.
    """
    if name == "server":
        kept = {key: value for key, value in env.items() if not key.startswith("LASTDAY_")}
        kept["PREFECT_SERVER_API_AUTH_STRING"] = kept.pop("PREFECT_API_AUTH_STRING")
        return kept
    if name == "deploy":
        return {key: value for key, value in env.items() if not key.startswith("LASTDAY_")}
    if name == "watch":
        return {key: value for key, value in env.items() if not (key.startswith("LASTDAY_") and "_WRITE_" in key)}
    return dict(env)


def settings_here() -> dict[str, str]:
    """
    Return the settings in force in this folder, `.env` included, with absolute paths.

    The processes work in the checkout: without this they would read another `.env`, and another database.
    """
    settings = read_settings()
    given = {**dotenv_values(".env"), **os.environ}
    here = {name: value for name, value in given.items() if name.startswith("LASTDAY_") and value}
    defaults = {f"LASTDAY_{name.upper()}": value for name, value in settings if isinstance(value, Path)}
    here |= {name: str(value) for name, value in defaults.items()}
    paths = {name: value for name, value in here.items() if name.endswith(("_FILE", "_BUNDLE", "_FOLDER"))}
    here |= {name: str(Path(value).resolve()) for name, value in paths.items()}
    url = parse_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(Path(url.database).resolve()))
    here["LASTDAY_DATABASE_URL"] = url.render_as_string(hide_password=False)
    return here
