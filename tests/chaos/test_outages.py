"""What is away, silent or wrong while ten leavers are cut: the same end."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest

from tests.chaos.conftest import Record
from tests.chaos.ending import blocked_everywhere, ended, mid_cut
from tests.chaos.production import SERVICES, WORKERS, Production
from tests.chaos.tenants import ADMINISTRATORS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.xdist_group("production")]

_SHIFT = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long off(void) { const char *by = getenv("CLOCK_OFF_BY"); return by ? atol(by) : 0; }
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, at);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += off();
    return failed;
}
time_t time(time_t *told) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (told) *told = at.tv_sec;
    return at.tv_sec;
}
int gettimeofday(struct timeval *restrict told, void *restrict zone) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    told->tv_sec = at.tv_sec;
    told->tv_usec = at.tv_nsec / 1000;
    return 0;
}
"""
"""A C library whose clock is so many seconds off: a whole process, its runs included, is on a machine whose clock is wrong."""


class TestAway:
    def test_database_for_twenty_seconds(self, made: Production, record: Record) -> None:
        """The database is stopped in mid-cut: nothing is begun without it, and all goes on when it is back."""
        cases = made.report(*[40.0] * 10)
        made.make_runs()
        mid_cut(made, cases)
        stopped = time.time()
        made.stop_database()
        time.sleep(20)
        made.start_database()
        ending = ended(made, cases)
        record("database stopped for 20 s in mid-cut", *ending.since(stopped))
        assert ending.lost == []

    def test_prefect_for_a_minute(self, made: Production, record: Record) -> None:
        """Prefect's server is killed in mid-cut: who carries the cases carries them on."""
        cases = made.report(*[40.0] * 10)
        made.make_runs()
        mid_cut(made, cases)
        stopped = time.time()
        with made.without("server"):
            time.sleep(60)
        ending = ended(made, cases)
        record("Prefect's server killed for 60 s in mid-cut", *ending.since(stopped))
        assert ending.lost == []


class TestWrong:
    @pytest.mark.skipif(shutil.which("cc") is None, reason="the clock is set by a library that is compiled here")
    def test_clocks(self, made: Production, record: Record) -> None:
        """One worker's clock is six seconds behind, the other's and the serving process's as much ahead: all cut at the instant."""
        library = made.folder / "clock.so"
        command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"]
        subprocess.run(command, input=_SHIFT.encode(), check=True)
        off = {WORKERS[0]: "-6", WORKERS[1]: "6", "serve": "6"}
        for name, seconds in off.items():
            made.restart(name, LD_PRELOAD=str(library), CLOCK_OFF_BY=seconds)
        try:
            cases = made.report(*(40.0 + 2 * (n % 2) for n in range(10)))
            made.make_runs()
            ending = ended(made, cases)
            due = max(row["due_at"].timestamp() for row in made.cases(cases).values())
            record("clocks 6 s behind and ahead", *ending.since(due))
            assert ending.lost == []
        finally:
            for name in off:
                made.restart(name)


class TestVendors:
    def test_one_silent_one_busy(self, made: Production, record: Record) -> None:
        """Slack takes connections and never answers, Google says Retry-After: 1800: Microsoft is cut in time, they once they are well."""
        made.fault("slack", match=".", delay=300, times=None)
        made.fault("google_workspace", match="/admin/", status=429, headers={"Retry-After": "1800"}, times=None)
        cases = made.report(*[30.0] * 3)
        made.make_runs()
        due = max(row["due_at"].timestamp() for row in made.cases(cases).values())
        at = blocked_everywhere(made, cases, within=60, services=["microsoft365"])
        time.sleep(30)
        assert all(row["state"] != "closed" for row in made.cases(cases).values())
        for service in ("slack", "google_workspace"):
            made.well(service)
        well = time.time()
        ending = ended(made, cases)
        record("Slack silent, Google says Retry-After: 1800: Microsoft's block, from the instant", at - due, None, 0)
        record("Slack silent, Google says Retry-After: 1800: from their being well", *ending.since(well))
        assert ending.lost == []


class TestAdministrators:
    def test_two_at_once(self, made: Production, record: Record) -> None:
        """The only two administrators leave at once, by two processes: one is cut, the other keeps Microsoft alone and is told of."""
        with made.without("serve", *WORKERS):
            cases = made.report(-60.0, -60.0, people=ADMINISTRATORS)
            began = time.time()
            runs = [made.run_by_hand(case) for case in cases]
            told = [json.loads(run.communicate(timeout=240)[0]) for run in runs]
        left = [case for case, shown in zip(cases, told, strict=True) if _guarded(shown)]
        ending = ended(made, cases, open_still=left)
        record("two administrators at once, by two processes", *ending.since(began))
        assert len(left) == 1
        assert ending.lost == []
        made.read_journals()
        blocked = [{name for name in SERVICES if (name, made.account(name, case)) in made.blocked} for case in cases]
        assert sorted(map(sorted, blocked)) == sorted(map(sorted, [{*SERVICES}, {*SERVICES} - {"microsoft365"}]))


def _guarded(shown: dict[str, object]) -> bool:
    findings = shown["findings"]
    assert isinstance(findings, list)
    return any(one["kind"] == "guarded" for one in findings)
