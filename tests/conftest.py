"""Settings and fixtures of the whole suite: the slow tests, the wheels, a venv of all of them."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import pytest
from tests import trying, wheelhouse

TESTS = Path(__file__).parent
M_MMAP_THRESHOLD = -3  # of <malloc.h>

# Folders and files whose tests start processes, browsers or servers, or go through hundreds of
# moments. All of them are marked slow; ``-m "not slow"`` doesn't even import them.
SLOW = (
    "benchmarks",
    "docs",
    "examples",
    "faults",
    "scripts",
    "typing",
    "wheels",
    "core/code/test_known_facts.py",
    "core/code/test_of_node.py",
    "core/code/test_sources.py",
    "core/code/test_state.py",
    "core/reuse/test_cells.py",
    "core/reuse/test_combinations.py",
    "core/reuse/test_edits.py",
    "core/reuse/test_kinds_of_edits.py",
    "core/reuse/test_law.py",
    "core/reuse/test_law_of_modules.py",
    "core/reuse/test_libraries_wrappers.py",
    "core/reuse/test_main.py",
    "core/reuse/test_needless_runs.py",
    "core/reuse/test_rename_and_reuse.py",
    "core/reuse/test_versions.py",
    "core/run/test_any_error.py",
    "core/run/test_debugging.py",
    "core/run/test_in_ipython.py",
    "core/run/test_isolation_law.py",
    "core/run/test_map.py",
    "core/run/test_size.py",
    "core/store/test_law.py",
    "core/values/test_content_laws.py",
    "core/values/test_zoo.py",
    "profile/test_accuracy.py",
    "profile/test_memory_profile.py",
    "profile/test_process_tree.py",
    "profile/test_watcher.py",
    "viz/backends/test_plotly_figure.py",
    "viz/backends/test_portable.py",
    "viz/backends/test_timeline.py",
    "viz/page",
    "viz/progress/test_cases.py",
    "viz/progress/test_live_view.py",
    "viz/progress/test_notebook_view.py",
    "viz/progress/test_prompts.py",
    "viz/progress/test_written_output.py",
    "viz/scene/test_arrangement.py",
    "viz/terminal",
    "viz/test_browser.py",
)


def is_slow(path: Path) -> bool:
    inside = path.relative_to(TESTS).as_posix()
    return any(inside == place or inside.startswith(f"{place}/") for place in SLOW)


def pytest_configure(config: pytest.Config) -> None:
    """A quick run tries fewer examples of each property."""
    usual = "quick" if config.option.markexpr == "not slow" else "whole"
    trying.load(config.getoption("--hypothesis-profile") or usual)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A quick run imports no slow test: sklearn, dask and others take seconds."""
    in_tests = collection_path.is_relative_to(TESTS)
    is_left_out = in_tests and config.option.markexpr == "not slow" and is_slow(collection_path)
    return True if is_left_out else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TESTS) and is_slow(item.path):
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """What was imported by now stays: no later garbage collection need walk through it.

    It is some 2 million objects, of sympy, dask and others; many tests collect several times.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every member's sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    wheelhouse.build_all(folder)
    return folder


@pytest.fixture(scope="session")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> wheelhouse.Venv:
    """A venv with ``linepipe[plot,memory]`` from the wheels, not editable."""
    venv = wheelhouse.Venv(tmp_path_factory.mktemp("installed") / "venv")
    venv.install("--find-links", wheels, "linepipe[plot,memory]")
    return venv


@pytest.fixture
def trimmed_heap() -> None:
    """Gives back to the system what other tests have freed.

    An allocator that has pages left takes those: then even a new 40 MiB need no memory, and
    a test of how much a node takes sees nothing. From now on large blocks are always new pages.
    """
    if sys.platform == "linux":
        gc.collect()
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, 2**20)  # else it grows with what is freed
        library.malloc_trim(0)
