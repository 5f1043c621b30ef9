"""The release check, in one command: ``hatch run release-check``.

Builds the four distributions into ``dist/`` and checks those very files: their metadata with
twine, then an installation of them on each supported Python, with all extras and with the core
alone, that runs a pipeline with everything on. Then the docs and the examples. Ends with the
first check that fails; what is in ``dist/`` after a success may be uploaded.

The tests check the same things and more, on one Python and with wheels of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

__all__: list[str] = []

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PYTHONS = ("3.11", "3.12", "3.13")
N_DISTRIBUTIONS = 4

# Run from an empty folder: one pipeline with the cache, reuse, pictures and a memory profile.
SMOKE_TEST = """
import linepipe
from linepipe import Node, Pipeline
from linepipe.profile import MemoryProfile
from linepipe.viz import draw_ascii_pipeline, draw_svg_pipeline, plot_pipeline

def numbers(n):
    return list(range(n))

def total(numbers):
    return sum(numbers)

nodes = [Node(numbers, ["config.n"], ["numbers"]), Node(total, ["numbers"], ["total"])]
pipeline = Pipeline(nodes, config={"n": 5}, use_persistent_cache=True, cache_storage_path="shelf")
result = pipeline.run(hooks=[MemoryProfile()])
assert result["total"] == 10, result
assert all(step.memory is not None for step in result.steps), result
assert [step.status for step in pipeline.run(reuse=True).steps] == ["reused", "reused"]
assert "total" in draw_ascii_pipeline(pipeline)
assert draw_svg_pipeline(pipeline, result=result).startswith("<svg")
plot_pipeline(pipeline)
print("linepipe", linepipe.__version__)
"""
CORE_ALONE = """
from importlib.metadata import distributions
from linepipe_core import Node, Pipeline
assert Pipeline([Node(len, ["text"], ["n"])], text="four").run()["n"] == 4
others = {one.name for one in distributions()} - {"linepipe-core"}
assert not others, others
"""
TIMED_IMPORT = """
from time import process_time
start = process_time()
import linepipe_core
print(process_time() - start)
"""


class CheckError(Exception):
    """A check failed; the message says which."""


def main() -> None:
    """Run all checks, in order of their cost."""
    start = perf_counter()
    try:
        interpreters = [find_python(version) for version in PYTHONS]
        files = build()
        step("twine")
        run(sys.executable, "-m", "twine", "check", "--strict", *files)
        with tempfile.TemporaryDirectory() as folder:
            for version, interpreter in zip(PYTHONS, interpreters, strict=True):
                check_installation(version, interpreter, Path(folder) / version)
        step("docs, warnings as errors")
        run("hatch", "run", "docs")
        step("examples")
        run("hatch", "run", "flights")
        run("hatch", "run", "etl")
        run("hatch", "run", "dask")
        run("hatch", "run", "service:load-test", "--requests", "40", "--turns", "1")
    except CheckError as error:
        sys.exit(f"\nnot ready: {error}")
    print(f"\nready, in {perf_counter() - start:.0f} s: upload {DIST}/linepipe*")


def step(name: str) -> None:
    """Print the name of the next check."""
    print(f"\n=== {name}", flush=True)


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return its standard output.

    PYTHONPATH is left out: an installation must be found without it.

    Raises:
        CheckError: it failed; its output has been printed.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n")
        raise CheckError(f"exit code {done.returncode} of {' '.join(words[:6])}")
    return done.stdout


def find_python(version: str) -> str:
    """Return the interpreter of a version, from the PATH or from pyenv.

    Raises:
        CheckError: there is none.
    """
    candidates = [f"python{version}"]
    root = os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")
    candidates += map(str, Path(root, "versions").glob(f"{version}.*/bin/python"))
    for candidate in candidates:
        try:
            done = subprocess.run([candidate, "-c", ""], capture_output=True)
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    raise CheckError(f"there is no Python {version} here; install it, or put it on the PATH")


def build() -> list[Path]:
    """Build all distributions into ``dist/``, which then has no others of linepipe.

    Raises:
        CheckError: a build failed.
    """
    step(f"build into {DIST}")
    for older in DIST.glob("linepipe*"):
        older.unlink()
    run("hatch", "build", "--all")
    files = sorted(DIST.glob("linepipe*"))
    if len(files) != 2 * N_DISTRIBUTIONS:
        raise CheckError(f"{len(files)} files in {DIST}, not a wheel and an sdist of each")
    return files


def check_installation(version: str, interpreter: str, folder: Path) -> None:
    """Install the wheels into fresh environments of one Python and run a pipeline there.

    Raises:
        CheckError: it doesn't install, or the pipeline doesn't run.
    """
    step(f"install and run on Python {version}")
    whole, slim = folder / "whole", folder / "slim"
    for environment in (whole, slim):
        run("uv", "venv", "--quiet", "--python", interpreter, environment)
    install(whole, ["--find-links", str(DIST), "linepipe[plot,memory]"])
    install(slim, ["--no-index", "--find-links", str(DIST), "linepipe-core"])
    empty = folder / "empty"
    empty.mkdir()
    print(run(python_of(whole), "-c", SMOKE_TEST, cwd=empty).strip())
    print(run(python_of(whole), "-m", "linepipe", cwd=empty).strip())
    run(python_of(slim), "-c", CORE_ALONE, cwd=empty)
    print(core_figures(python_of(slim)))


def python_of(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    names = ("Scripts/python.exe", "bin/python")
    return next(path for path in map(environment.joinpath, names) if path.exists())


def install(environment: Path, arguments: Iterable[str]) -> None:
    """Install into a virtual environment what is in ``dist/``, not an older build of it."""
    names = [f"linepipe{part}" for part in ("", "-core", "-viz", "-profile")]
    refresh = [f"--refresh-package={name}" for name in names]
    target = ["--python", str(python_of(environment))]
    run("uv", "pip", "install", "--quiet", "--compile-bytecode", *refresh, *target, *arguments)


def core_figures(python: Path) -> str:
    """Return a line with the size of linepipe-core and the processor time of its import."""
    (wheel,) = DIST.glob("linepipe_core-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        n_bytes = sum(entry.file_size for entry in archive.infolist())
    # The shortest: what other processes take from it is no property of ours.
    seconds = min(float(run(python, "-c", TIMED_IMPORT)) for _ in range(20))
    return (
        f"linepipe-core alone: wheel {wheel.stat().st_size / 1024:.0f} KiB, "
        f"installed {n_bytes / 1024:.0f} KiB, import {1000 * seconds:.0f} ms of processor time"
    )


if __name__ == "__main__":
    if shutil.which("hatch") is None or shutil.which("uv") is None:
        sys.exit("hatch and uv must be on the PATH: run `hatch run release-check`")
    main()
