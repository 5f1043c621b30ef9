"""The parts of a function's fingerprint: what it reaches, and how each part counts."""

# the tables of edits hold a module's source in a line

from __future__ import annotations

import dis
import random
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.code.written import changed, fingerprint, module, named
from tests.core.values.processes import in_processes

from linepipe_core import create_named_partial_function
from linepipe_core._code.dependencies import Reader
from linepipe_core._code.fingerprint import code_fingerprint
from linepipe_core._code.parts import PartKey, combined

TWIN = """
    import functools
    X = {n}
    def clean(x): return {n}
    def get(x): return X
    kept = functools.lru_cache(clean)
    class K:
        v = {n}
    """

TWINS = {
    "function": "clean",
    "what a function of the same code reads": "get",
    "global": "X",
    "class": "K",
    "function below lru_cache": "kept",
}


@pytest.mark.parametrize("case", TWINS, ids=str)
def test_things_of_one_name_are_not_taken_for_each_other(case: str) -> None:
    """Both are reached before and after; a helper goes from one to the other."""
    a, b = (module(TWIN.replace("{n}", n), name) for n, name in (("1", "twin_a"), ("2", "twin_b")))
    prints = []
    for one in "aba":
        flow = module(
            f"def both(): return a.{TWINS[case]}, b.{TWINS[case]}, a.clean, b.clean\n"
            f"def helper(): return {one}.{TWINS[case]}\n"
            "def node(x): return both(), helper()",
            a=a,
            b=b,
        )
        prints.append(combined(code_fingerprint(Reader(), flow.node).parts))
    assert prints[0] == prints[2] != prints[1]


def test_functions_of_one_name_in_a_dict_are_distinguished() -> None:
    """As handlers often are; what the dict's order is doesn't matter to them."""
    a, b = (module(TWIN.replace("{n}", n), name) for n, name in (("1", "twin_a"), ("2", "twin_b")))
    flow = module("def node(x): return first, table")
    prints = []
    for table in (
        {"p": a.clean, "q": b.clean},
        {"p": b.clean, "q": a.clean},
        {"p": a.clean, "q": b.clean},
    ):
        vars(flow).update(first=[a.clean, b.clean], table=table)
        prints.append(combined(code_fingerprint(Reader(), flow.node).parts))
    assert prints[0] == prints[2] != prints[1]


def test_code_written_by_exec_can_be_read() -> None:
    """As in a notebook: no file, no source."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def helper(x): return x\ndef node(x): return helper(x)", space)
    before = named(code_fingerprint(Reader(), space["node"]).parts)
    exec("def helper(x): return -x", space)
    after = named(code_fingerprint(Reader(), space["node"]).parts)
    assert {key for key in before if before[key] != after[key]} == {"code helper"}


def test_functions_that_call_each_other_come_to_an_end() -> None:
    """Cycles through globals, closures, containers and defaults."""
    parts = fingerprint(
        """
        R = {}
        def a(x): return b(x) + R['a'](x)
        def b(x): return a(x)
        R['a'] = a
        R['self'] = R
        def outer():
            def inner(n, k=[R]): return n and inner(n - 1)
            return inner
        f = outer()
        class Node:
            def parent(self): return Node
        Node.child = Node
        def node(x): return a(x) + f(x) + Node().parent()
        """
    ).parts
    assert {"code a", "code b", "code outer.<locals>.inner", "code Node.parent"} <= {*named(parts)}


def test_a_module_that_loads_on_demand_is_not_asked() -> None:
    """PEP 562: looking would import; its source counts instead."""
    asked: list[str] = []
    lazy = module("", "lazy_module_under_test")
    vars(lazy)["__getattr__"] = asked.append
    flow = module("def node(x): return lazy.thing(x)")
    vars(flow)["lazy"] = lazy
    sys.modules[lazy.__name__] = lazy
    try:
        code_fingerprint(Reader(), flow.node)
    finally:
        del sys.modules[lazy.__name__]
    assert asked == []


def test_nothing_is_imported_for_a_fingerprint(tmp_path: Path) -> None:
    """A function that imports inside counts by that module's source, and by those it imports."""
    (tmp_path / "late_a.py").write_text("from late_b import k\ndef f(): return k\n")
    (tmp_path / "late_b.py").write_text("k = 1\n")
    source = "def node(x):\n    from late_a import f\n    return f()"
    sys.path.insert(0, str(tmp_path))
    try:
        before = named(fingerprint(source).parts)
        assert not {"late_a", "late_b"} & set(sys.modules)
        (tmp_path / "late_b.py").write_text("k = 23\n")
        after = named(fingerprint(source).parts)
    finally:
        sys.path.remove(str(tmp_path))
    assert {key for key in before if before[key] != after[key]} == {"module late_b"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(x): return max(x)", "def f(x): return min(x)"),
        ("A, B = 1, 2\ndef f(x): return A", "A, B = 1, 2\ndef f(x): return B"),
        ("import math\ndef f(x): return math.sin(x)", "import math\ndef f(x): return math.cos(x)"),
    ],
)
def test_a_module_that_is_imported_late_counts(tmp_path: Path, before: str, after: str) -> None:
    """Also where nothing but the name of a global changes."""
    source = "def node(x):\n    import late_c\n    return late_c.f(x)"
    late = tmp_path / "late_c.py"
    sys.path.insert(0, str(tmp_path))
    try:
        late.write_text(before)
        old = named(fingerprint(source).parts)
        late.write_text(after + "  # of another length: bytecode is cached by size and time")
        new = named(fingerprint(source).parts)
    finally:
        sys.path.remove(str(tmp_path))
    assert {key for key in old if old[key] != new[key]} == {"module late_c"}


def test_a_huge_global_is_hashed_once_a_reading() -> None:
    """However many functions read it."""
    flow = module("BIG = list(range(300_000))\ndef a(x): return BIG\ndef node(x): return a(BIG)")
    reader = Reader()
    first = named(code_fingerprint(reader, flow.node).parts)["global BIG"]
    flow.BIG.append(1)  # a second look would see this
    assert named(code_fingerprint(reader, flow.node).parts)["global BIG"] == first
    assert named(code_fingerprint(Reader(), flow.node).parts)["global BIG"] != first


def test_installed_packages_count_by_name_and_version() -> None:
    """Not by their code, which is not followed."""
    parts = named(fingerprint("import numpy as np\ndef node(x): return np.sqrt(x)").parts)
    assert parts["package numpy"].text == np.__version__
    assert set(parts) == {"python", "function", "package numpy", "statement flow_under_test"}


FOREIGN = """
    def bare(f, k=None):
        def wrapper(*args): return f(*args)
        return wrapper
    """

BELOW = {
    "body": ("@bare\ndef helper(x): return 1", "@bare\ndef helper(x): return 2"),
    "decorated twice": (
        "@bare\n@bare\ndef helper(x): return 1",
        "@bare\n@bare\ndef helper(x): return 2",
    ),
    "bound method": (
        "class M:\n    def a(self, x): return 1\nhelper = bare(M().a)",
        "class M:\n    def a(self, x): return 2\nhelper = bare(M().a)",
    ),
    "two that change places": (
        "def f(x): return 1\ndef g(x): return 2\nhelper, other = bare(f), bare(g)",
        "def f(x): return 1\ndef g(x): return 2\nhelper, other = bare(g), bare(f)",
    ),
}


@pytest.mark.parametrize("case", BELOW, ids=str)
@pytest.mark.parametrize("node", ["node = helper", "def node(x): return helper(x), other"])
def test_own_code_below_an_installed_decorator_counts(case: str, node: str) -> None:
    """Also where the decorator doesn't say by ``wraps`` what it wraps."""
    bare = module(FOREIGN, "foreign", "/venv/lib/site-packages").bare
    one, other = (
        code_fingerprint(Reader(), module(f"other = 0\n{source}\n{node}", bare=bare).node)
        for source in BELOW[case]
    )
    assert combined(one.parts) != combined(other.parts)


CHECKING = """
    def checked(f):
        scope = {"f": f}
        source = "def checker(*args): return f(*args)"
        exec(compile(source, "<written by a library>", "exec"), scope)
        scope["checker"].__wrapped__ = f
        return scope["checker"]
    """

HINTS = {
    "of a parameter": ("x: int", "int"),
    "of what is returned": ("x: object", "float"),
    "that a text names": ("x: 'Row'", "int"),
    "that is a class of one's own": ("x: Row", "int"),
}


@pytest.mark.parametrize("case", [each for each in HINTS if each != "of a parameter"], ids=str)
def test_hints_count_where_a_wrapper_that_a_library_wrote_checks_them(case: str) -> None:
    """As beartype's does: with other hints the same call may be refused."""
    checked = module(CHECKING, "foreign", "/venv/lib/site-packages").checked

    def found(hints: tuple[str, str], field: str = "a: int = 1") -> str:
        source = "class Row:\n    %s\n@checked\ndef node(%s) -> %s: return 1"
        flow = module(source % (field, *hints), checked=checked)
        return combined(code_fingerprint(Reader(), flow.node).parts)

    plain = HINTS["of a parameter"]
    assert found(plain) == found(plain)
    assert found(plain) != found(HINTS[case])
    is_own = case == "that is a class of one's own"
    assert (found(HINTS[case]) != found(HINTS[case], "a: int = 2")) is is_own


def test_a_package_counts_once_however_it_is_reached() -> None:
    """As a module, by a class, imported late, and by another top-level module of it."""
    source = """
        import numpy
        import pytest, _pytest
        from numpy import ndarray
        def node(x):
            from numpy import linalg
            return numpy, ndarray, pytest, _pytest
        """
    packages = {key.name for key in fingerprint(source).parts if key.kind == "package"}
    assert packages == {"numpy", "pytest"}


@pytest.mark.slow
def test_a_package_of_another_name_than_its_module_is_found() -> None:
    """The distribution scikit-learn brings the module sklearn."""
    import sklearn.linear_model  # noqa: F401  # loaded, as it is in a flow that uses it

    parts = named(fingerprint("import sklearn\ndef node(x): return sklearn.linear_model").parts)
    assert "package scikit-learn" in parts


def test_a_global_that_the_node_assigns_is_state() -> None:
    """What a counter begins as counts; that the node counts it up can't make it stale."""
    found = fingerprint(
        "n = 0\ndef count():\n    global n\n    n += 1\ndef node(x): count(); return x"
    )
    assert "global n" in named(found.parts)
    assert found.changed() == []


def test_changes_made_by_a_run_are_detected() -> None:
    """A memo differs after the run; what it didn't touch doesn't."""
    flow = module("memo, T = {}, 3\ndef node(x): memo[x] = T; return x")
    found = code_fingerprint(Reader(), flow.node)
    assert "global memo" in named(found.parts)
    flow.node(1)
    assert found.changed() == [PartKey("global", "memo")]


def test_parts_show_short_values_and_no_long_or_secret_ones() -> None:
    """For reasons such as ``global T changed: 3 -> 4``."""
    parts = fingerprint(
        "T, U, L = 3, 'postgres://me:secret@host', list(range(99))\ndef node(x): return T, U, L"
    ).parts
    assert [parts[PartKey("global", name)].text for name in "TUL"] == ["3", "", ""]


def test_arguments_of_named_partials_count() -> None:
    """Of create_named_partial_function, the bound arguments and the function count."""
    save = module("def save(x, table): return table").save
    a = create_named_partial_function(save, "save_a", table="a")
    b = create_named_partial_function(save, "save_b", table="b")
    old, new = (named(code_fingerprint(Reader(), func).parts) for func in (a, b))
    assert {key for key in old if old[key] != new[key]} == {"argument table"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("{1: 'a'}.get", "{1: 'b'}.get"), ("'a{}'.format", "'b{}'.format"),
     ("re.compile('1').match", "re.compile('2').match")],
)  # fmt: skip
def test_the_object_of_a_c_method_counts(one: str, other: str) -> None:
    """As a global, in a container, as a bound argument and as a constant."""
    for source in (
        "import re\nG = {}\ndef node(x): return G(x)",
        "import re\nG = [{}]\ndef node(x): return G[0](x)",
        "import re, functools\ndef f(g, x): return g(x)\nnode = functools.partial(f, {})",
        "import re\nnode = {}",
    ):
        kinds = [source.replace("{}", each) for each in (one, one, other)]
        first, same, another = [combined(fingerprint(kind).parts) for kind in kinds]
        assert first == same != another
    values = [Reader().value(eval(each, {"re": re})).digest for each in (one, one, other)]
    assert values[0] == values[1] != values[2]


def test_a_librarys_function_that_is_a_method_counts_by_name() -> None:
    """The seed that ``random`` starts with is another in each process."""
    hashes = []
    for seed in (1, 2):
        random.seed(seed)
        flow = fingerprint("from random import random\ndef node(x): return random()")
        hashes.append(combined(flow.parts))
    assert hashes[0] == hashes[1]


@pytest.mark.slow
def test_fingerprints_are_the_same_in_every_process() -> None:
    """Whatever PYTHONHASHSEED is."""
    script = textwrap.dedent(
        """
        from linepipe_core._code.dependencies import Reader
        from linepipe_core._code.fingerprint import code_fingerprint
        from linepipe_core._code.parts import combined
        D = {"a": {"x", "y"}, "b": [lambda x: x in {"p", "q", "r"}]}
        class M:
            words = {"u", "v", "w"}
            def a(self): return D
        def node(x, k=frozenset({"m", "n"})): return M().a() if x in {"s", "t"} else k
        print(combined(code_fingerprint(Reader(), node).parts))
        """
    )
    assert len(in_processes(script)) == 1


def test_the_hash_of_all_parts_changes_with_any_part() -> None:
    """It stands for an object that has no content of its own."""
    one, same, other = (
        combined(fingerprint(source).parts)
        for source in ("def node(x): return 1", "def node(x): return 1", "def node(x): return 2")
    )
    assert one == same != other


def test_attributes_of_an_object_are_parts_of_their_own() -> None:
    """A change that the node makes to one of them doesn't hide a change of another."""
    source = """
        class Settings: pass
        class Scaler:
            def __init__(self, k):
                self.k = k
                self.settings = Settings()
                self.settings.deep = k
                self.n_calls = 0
            def __call__(self, x):
                self.n_calls += 1
                self.newest = x
                return self.k * x
        node = Scaler({k})
        def other(x): return node(x)
        """
    flow = module(source.replace("{k}", "2"))
    found = code_fingerprint(Reader(), flow.node)
    assert named(found.parts)["object Scaler.k"].text == "2"
    assert "object Scaler.settings.deep" in named(found.parts)
    flow.node(1)
    assert sorted(map(str, found.changed())) == ["object Scaler.n_calls", "object Scaler.newest"]
    other = code_fingerprint(Reader(), flow.other)
    assert {"global node.k", "code Scaler.__call__"} <= {*named(other.parts)}


ALIASES = ["A = TypeAliasType('A', {})"]

if sys.version_info >= (3, 12):
    ALIASES.append("type A = {}")


@pytest.mark.parametrize("alias", ALIASES)
def test_the_meaning_of_a_type_alias_counts(alias: str) -> None:
    """Its pickle is but its name. One that stands for itself, or for nothing yet, counts too."""
    source = f"from typing_extensions import TypeAliasType\n{alias}\ndef node(x): return A"
    edits = [source.format(meaning) for meaning in ("int | str", "int | bytes", "int | str")]
    assert changed(edits[0], edits[1]) == {"global A"}
    assert changed(edits[0], edits[2]) == set()
    if alias.startswith("type"):
        circle = [source.format(meaning) for meaning in ("list[A] | int", "set[A] | int")]
        assert changed(*circle) == {"global A"}
        untracked = fingerprint(source.format("missing")).untracked  # it has no content yet
        assert untracked == ("global A (typing.TypeAliasType)",)


def test_what_cannot_be_read_counts_as_changed() -> None:
    """A wrapper with more defaults than parameters; bytecode that dis can't read."""
    flow = module(
        "def wide(x=1): return x\ndef broken(x): return x\ndef node(x): return wide, broken"
    )
    flow.wide.__defaults__ = (1, 2, 3)
    code = flow.broken.__code__
    flow.broken.__code__ = code.replace(
        co_code=bytes([dis.opmap["LOAD_CONST"], 250]) + code.co_code
    )
    one, other = (code_fingerprint(Reader(), flow.node) for _ in range(2))
    assert "default x of wide" in named(one.parts)
    assert one.notes == ("broken can't be read (IndexError) and counts as changed",)
    assert named(one.parts)["code broken"] == named(other.parts)["code broken"]  # in one process
