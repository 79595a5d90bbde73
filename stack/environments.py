"""The environment of each local process: Prefect's settings, and only those of ours that it needs.  Why: docs/operations.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values  # what pydantic-settings reads `.env` with

from casework.settings import read_settings
from casework.store import parse_url

SETTINGS: Mapping[str, str] = {
    # no calls to the internet, from the server, the library or the page in the browser (the V2 page makes them)
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # else a missing API address makes a private database without an error
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    # runs start at most 0.6 s late, instead of 10 s
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_WORKER_PREFETCH_SECONDS": "30",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
    # with the automation of `flows.deploy`: a run whose process died counts as crashed after 90 s
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # else `database is locked` is retried, and given up, without a log line
    "PREFECT_SERVER_LOG_RETRYABLE_ERRORS": "true",
    # old events and the remains of deleted runs are removed; runs stay
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    # together with the key, which every process has, and the checks of `flows.api_server`
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
}


def environment(home: Path, port: int, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of all processes of a stack under *home*: without the caller's own Prefect settings, with *extra*."""
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
    Return the part of *env* that the child *name* gets: least privilege for each process.

    Prefect's server and the deploying process get no setting of ours, and so no tenant's credential.  The watching process gets no
    revoking credential (`LASTDAY_…_WRITE_…`).  The worker and the serving process, which cut, get all.  Prefect's server reads the
    key from another variable than its clients.
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

    The processes run in the checkout: with relative paths they would read another `.env` and another database.
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
