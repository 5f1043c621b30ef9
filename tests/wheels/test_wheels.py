"""The wheels, installed in fresh venvs, one over another, without and with extras."""

from __future__ import annotations

import base64
import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.wheelhouse import MEMBERS, ROOT, VERSION, Venv, build, run

RUNS = """
from linepipe_core import Node, Pipeline
print(Pipeline([Node(len, ["text"], ["n"])], text="four").run()["n"])
"""


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    return Venv(tmp_path / "venv")


def pip_install(venv: Venv, *arguments: str | Path, cwd: Path | None = None) -> None:
    pip: list[str | Path] = [venv.python, "-m", "pip", "--disable-pip-version-check", "install"]
    run(*pip, "--quiet", *arguments, cwd=cwd)


def modules(member: str) -> set[str]:
    """The files of a member's import package, relative to its ``src``."""
    source = ROOT / "packages" / member / "src"
    return {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("member", MEMBERS)
def test_a_wheel_holds_the_package_and_nothing_else(member: str, wheels: Path) -> None:
    """Every source file, ``py.typed``, the license and the metadata."""
    name = member.replace("-", "_")
    with zipfile.ZipFile(next(wheels.glob(f"{name}-{VERSION}-*.whl"))) as wheel:
        names = set(wheel.namelist())
    info = f"{name}-{VERSION}.dist-info"
    assert {f for f in names if not f.startswith(info)} == modules(member)
    assert f"{name}/py.typed" in names
    assert f"{info}/licenses/LICENSE" in names


@pytest.mark.parametrize("member", MEMBERS)
def test_an_sdist_holds_what_a_wheel_needs(member: str, wheels: Path) -> None:
    """And no tests, caches or other members."""
    name = member.replace("-", "_")
    with tarfile.open(next(wheels.glob(f"{name}-{VERSION}.tar.gz"))) as sdist:
        names = {entry.partition("/")[2] for entry in sdist.getnames()}
    own = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert names == own | {f"src/{path}" for path in modules(member)}


def test_a_wheel_from_the_checkout_is_the_wheel_from_the_sdist(
    wheels: Path, tmp_path: Path
) -> None:
    """``hatch build`` and ``pip install <sdist>`` give the same files."""
    for member in MEMBERS:
        build(ROOT / "packages" / member, "wheel", tmp_path)
    for wheel in tmp_path.glob("*.whl"):
        with zipfile.ZipFile(wheel) as mine, zipfile.ZipFile(wheels / wheel.name) as theirs:
            assert {i.filename: i.CRC for i in mine.infolist()} == {
                i.filename: i.CRC for i in theirs.infolist()
            }


def test_core_alone_needs_no_index(wheels: Path, venv: Venv) -> None:
    """It has no dependency, and runs a pipeline."""
    venv.install("--no-index", "--find-links", wheels, "linepipe-core")
    assert venv.execute(RUNS) == "4\n"
    assert venv.execute("import importlib.util as u; print(u.find_spec('linepipe'))") == "None\n"


EVERY_NAME = """
import linepipe, linepipe_core, linepipe_viz, linepipe_profile
import linepipe.node, linepipe.pipeline, linepipe.registry, linepipe.viz, linepipe.profile
for module in (linepipe, linepipe_core, linepipe_viz, linepipe_profile, linepipe.node,
               linepipe.pipeline, linepipe.registry, linepipe.viz, linepipe.profile):
    assert "site-packages" in (module.__file__ or ""), module
    for name in module.__all__:
        getattr(module, name)
import plotly, rich, memory_profiler, psutil
print(linepipe.__version__)
"""


def test_every_public_name_imports(installed: Venv) -> None:
    """From the wheels, with both extras."""
    assert installed.execute(EVERY_NAME) == f"{VERSION}\n"
    assert installed.execute(RUNS) == "4\n"


def test_pip_installs_as_the_readme_says(wheels: Path, tmp_path: Path, venv: Venv) -> None:
    """pip itself, with the wheels in ``dist``, and our version rather than the index's older."""
    venv.install("pip")
    (tmp_path / "dist").symlink_to(wheels)
    pip_install(venv, "--find-links", "dist", "linepipe", cwd=tmp_path)
    assert venv.execute("import linepipe; print(linepipe.__version__)") == f"{VERSION}\n"


WITHOUT_EXTRAS = """
import linepipe
from linepipe import MissingExtraError, Node, Pipeline
pipeline = Pipeline([Node(len, ["text"], ["n"])], text="four")
print(linepipe.viz.draw_ascii_pipeline(pipeline).splitlines()[0])
for ask in (lambda: linepipe.profile, lambda: linepipe.viz.plot_pipeline(pipeline)):
    try:
        ask()
    except MissingExtraError as error:
        print(error.install)
"""


def test_without_extras_the_error_names_the_install_command(wheels: Path, venv: Venv) -> None:
    """The parts that need none work; the others name their extra."""
    venv.install("--find-links", wheels, "linepipe")
    assert venv.execute(WITHOUT_EXTRAS) == (
        'Pipeline (1 nodes)\npip install "linepipe[memory]"\npip install "linepipe[plot]"\n'
    )


@pytest.mark.parametrize("order", [["linepipe-core", "linepipe"], ["linepipe", "linepipe-core"]])
def test_core_and_facade_install_in_both_orders(order: list[str], wheels: Path, venv: Venv) -> None:
    """Neither takes files of the other away, also when installed again."""
    for name in order:
        venv.install("--find-links", wheels, "--reinstall-package", name, name)
    assert venv.execute("import linepipe, linepipe_core; " + RUNS) == "4\n"
    assert modules("linepipe") | modules("linepipe-core") <= files(venv)


def files(venv: Venv) -> set[str]:
    return {path.relative_to(venv.packages).as_posix() for path in venv.packages.rglob("*.*")}


OLDER_MODULES = ("__init__", "node", "pipeline", "registry", "viz")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A stand-in for the index's linepipe 1.0.0: a wheel with the same module files."""
    contents = {f"linepipe/{name}.py": f"OLDER = {name!r}\n" for name in OLDER_MODULES}
    info = "linepipe-1.0.0.dist-info"
    contents[f"{info}/METADATA"] = "Metadata-Version: 2.1\nName: linepipe\nVersion: 1.0.0\n"
    contents[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = "".join(f"{path},{digest(text)},{len(text)}\n" for path, text in contents.items())
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    wheel = tmp_path / "linepipe-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return wheel


def digest(text: str) -> str:
    value = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256={value.rstrip('=')}"


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_it_installs_over_the_older_linepipe(
    installer: str, older: Path, wheels: Path, venv: Venv
) -> None:
    """In place: no file of 1.0.0 is left, and none of ours is lost."""
    venv.install(older)
    assert venv.execute("import linepipe.viz; print(linepipe.viz.OLDER)") == "viz\n"
    if installer == "uv":
        venv.install("--find-links", wheels, "--upgrade", "linepipe")
    else:
        venv.install("pip")
        pip_install(venv, "--find-links", wheels, "--upgrade", "linepipe")
    assert venv.execute("import linepipe; " + RUNS) == "4\n"
    assert modules("linepipe") | modules("linepipe-core") <= files(venv)
    for path in venv.packages.glob("linepipe/*.py"):
        assert "OLDER" not in path.read_text(encoding="utf-8")
    assert not list(venv.packages.glob("linepipe-1*"))
