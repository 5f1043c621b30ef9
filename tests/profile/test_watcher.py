"""The process beside this one, its dialogue, and its end."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from typing import Any

import psutil
import pytest
from tests.profile.processes import kill_watching_process, watching_processes

from linepipe_profile.watcher import Watcher, WatcherError


def test_it_samples_this_process_and_not_itself() -> None:
    """Children are counted, but the watcher is none of the node's."""
    others = psutil.Process().children(recursive=True)  # what other tests left
    watcher = Watcher(0.01, include_children=True)
    with_children = watcher.end(watcher.begin()[0])
    watcher.close()
    n_bytes = psutil.Process().memory_info().rss
    n_bytes += sum(other.memory_full_info().uss for other in others)
    assert with_children[0].mib == pytest.approx(n_bytes / 2**20, abs=5)


def test_many_threads_may_ask_at_once() -> None:
    """Each gets its own series."""
    watcher = Watcher(0.001, include_children=False)
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(10):
            samples = watcher.end(watcher.begin()[0])
            if len(samples) < 2 or samples[0].seconds != 0.0:
                wrong.append(samples)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watcher.close()
    assert wrong == []


def test_an_answer_that_nobody_read_confuses_no_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C may come between a question and its answer."""
    started: list[subprocess.Popen[str]] = []

    class Noting(subprocess.Popen[str]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noting)
    watcher = Watcher(0.01, include_children=False)
    pipe = started[0].stdin
    assert pipe is not None
    pipe.write("begin 1000000\n")
    pipe.flush()
    assert len(watcher.end(watcher.begin()[0])) >= 2
    watcher.close()


def test_it_ends_when_it_is_closed_or_dropped() -> None:
    """Without leaving a process or a pipe."""
    gc.collect()
    fds = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    told = Watcher(0.01, include_children=False)
    assert len(watching_processes()) == 1
    told.close()
    told.close()
    dropped = Watcher(0.01, include_children=False)
    del dropped
    assert watching_processes() == []
    if fds:
        assert set(os.listdir("/proc/self/fd")) == fds


def test_its_death_is_an_error_and_not_a_hang() -> None:
    """Somebody may kill it; asking again says so."""
    watcher = Watcher(0.01, include_children=False)
    number, _ = watcher.begin()
    kill_watching_process()
    with pytest.raises(WatcherError, match="has ended"):
        watcher.end(number)
    watcher.close()


@pytest.mark.parametrize("asks", [True, False])
def test_a_dead_one_leaves_no_process_behind(asks: bool) -> None:
    """It is waited for, whether somebody asks it in vain or looks first."""
    watcher = Watcher(0.01, include_children=False)
    assert watcher.is_alive()
    pid = kill_watching_process()
    if asks:
        with pytest.raises(WatcherError):
            watcher.begin()
    assert not watcher.is_alive()
    assert not psutil.pid_exists(pid)


def test_the_first_reading_comes_with_the_beginning() -> None:
    """So that it isn't lost with the process."""
    watcher = Watcher(0.01, include_children=False)
    number, first_mib = watcher.begin()
    assert watcher.end(number)[0].mib == first_mib
    watcher.close()


def test_an_interpreter_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In an embedded interpreter sys.executable may be anything."""
    for executable in ("/nowhere/python", "", None, "/bin/true"):
        monkeypatch.setattr(sys, "executable", executable)
        with pytest.raises(WatcherError):
            Watcher(0.01, include_children=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_forked_child_leaves_its_parents_watcher_alone() -> None:
    """It neither asks it nor ends it."""
    code = (
        "import os\n"
        "from linepipe_profile.watcher import Watcher\n"
        "watcher = Watcher(0.01, False)\n"
        "if os.fork() == 0:\n"
        "    assert not watcher.is_alive()\n"
        "    del watcher\n"
        "    raise SystemExit(0)\n"
        "assert os.wait()[1] == 0\n"
        "assert len(watcher.end(watcher.begin()[0])) >= 2\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
