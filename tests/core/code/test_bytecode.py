"""The part of a code object that is behaviour: laws, on the standard library's functions."""

from __future__ import annotations

import ast
import fractions
import gc
import statistics
import string
import textwrap
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trying import examples

from linepipe_core._code.bytecode import Import, NormalCode, normalise

MODULES = (fractions, statistics, string, textwrap)
TREES = {m.__name__: ast.parse(Path(str(m.__file__)).read_text(encoding="utf-8")) for m in MODULES}


def functions(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from functions(constant)


def code_of(source: str) -> CodeType:
    """The code of the source's first function."""
    module = compile(textwrap.dedent(source), "f.py", "exec", dont_inherit=True)
    return next(functions(module))


def normal(source: str) -> NormalCode:
    return normalise(code_of(source))


class Cosmetics(ast.NodeTransformer):
    """Other docstrings and type hints."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            arg.annotation = ast.Constant("a hint")
        node.returns = ast.Name("object", ast.Load())
        if ast.get_docstring(node) is not None:
            node.body[0] = ast.Expr(ast.Constant("Another docstring."))
        return node


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_reformatted_documented_and_hinted_code_is_the_same(module: ModuleType) -> None:
    """Whole modules, printed anew by ast.unparse: other lines, other parentheses."""
    tree = TREES[module.__name__]
    before = compile(tree, "before.py", "exec", dont_inherit=True)
    edited = ast.fix_missing_locations(Cosmetics().visit(ast.parse(ast.unparse(tree))))
    after = compile("\n\n\n" + ast.unparse(edited), "after.py", "exec", dont_inherit=True)
    pairs = list(zip(functions(before), functions(after), strict=True))
    assert len(pairs) > 5
    # What their texts say depends on the docstrings of classes in them.
    differing = [a.co_qualname for a, b in pairs if normalise(a)[:7] != normalise(b)[:7]]
    assert differing == []


def test_functions_that_do_something_else_differ() -> None:
    """All functions of these modules, but for those that are alike."""
    seen: dict[str, tuple[bytes, ...]] = {}
    for tree in TREES.values():
        for code in functions(compile(tree, "f.py", "exec", dont_inherit=True)):
            shape = (
                code.co_code,
                repr([c for c in code.co_consts if c != code.co_consts[0]]).encode(),
            )
            key = normalise(code).digest + repr(normalise(code).references)
            assert len(seen.setdefault(key, shape)[0]) == len(code.co_code)
    assert len(seen) > 150


class Edit(ast.NodeTransformer):
    """Changes the behaviour at one place, counted from 0."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.n_places = 0

    def is_here(self) -> bool:
        self.n_places += 1
        return self.n_places == self.place + 1

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if type(node.value) is int and self.is_here():
            return ast.Constant(node.value + 17)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        self.generic_visit(node)
        if self.is_here():
            node.attr += "_other"
        return node

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        if self.is_here():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        self.generic_visit(node)
        if self.is_here():
            node.op = ast.FloorDiv() if isinstance(node.op, ast.MatMult) else ast.MatMult()
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        if self.is_here():
            node.ops[0] = ast.Is() if isinstance(node.ops[0], ast.NotIn) else ast.NotIn()
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.BoolOp:
        self.generic_visit(node)
        if self.is_here():
            node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if len(node.args) > 1 and self.is_here():
            node.args[:2] = reversed(node.args[:2])
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if isinstance(node.ctx, ast.Load) and self.is_here():
            node.id += "_other"
        return node

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        self.generic_visit(node)
        if self.is_here():
            node.lower, node.upper = node.upper, node.lower
        return node

    def visit_Break(self, node: ast.Break) -> ast.stmt:
        return ast.Continue() if self.is_here() else node

    def visit_Continue(self, node: ast.Continue) -> ast.stmt:
        return ast.Break() if self.is_here() else node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        self.generic_visit(node)
        if node.arg is not None and self.is_here():
            node.arg += "_other"
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.FormattedValue:
        self.generic_visit(node)
        if self.is_here():
            node.conversion = ord("a") if node.conversion == ord("r") else ord("r")
        return node

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        self.generic_visit(node)
        if node.value is not None and self.is_here():
            return ast.Expr(node.value)
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        if not node.orelse and self.is_here():
            node.orelse = [ast.Return(ast.Constant("after all"))]
        return node

    def visit_Try(self, node: ast.Try) -> ast.Try:
        self.generic_visit(node)
        if not node.finalbody and self.is_here():
            node.finalbody = [ast.Expr(ast.Call(ast.Name("finally_", ast.Load()), [], []))]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        if self.is_here():
            node.arg += "_other"
        return node


FUNCTIONS = [  # without those that don't compile alone, or have code that never runs
    ast.unparse(node)
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef)
    and not node.decorator_list
    and not any(isinstance(inner, ast.Nonlocal) for inner in ast.walk(node))
    and "if 0 " not in ast.unparse(node)
]


@examples(300)
@given(st.sampled_from(FUNCTIONS), st.integers(0, 60))
def test_every_edit_of_behaviour_is_seen(source: str, place: int) -> None:
    """A constant, an attribute, a condition, an operator, a keyword, anywhere in a function."""
    edit = Edit(place)
    edited = ast.fix_missing_locations(edit.visit(ast.parse(source)))
    if edit.n_places <= place:
        return
    one = normalise(code_of(source))
    other = normalise(next(functions(compile(edited, "f.py", "exec", dont_inherit=True))))
    is_seen = (one.digest, one.references) != (other.digest, other.references)
    assert is_seen or is_folded(source, ast.unparse(edited))


def is_folded(source: str, edited: str) -> bool:
    """Return True if the compiler makes the same of both, as of ``while 1``."""
    one, other = code_of(source), code_of(edited)
    facts = ("co_code", "co_consts", "co_names", "co_varnames")
    return all(getattr(one, fact) == getattr(other, fact) for fact in facts)


def test_references_are_the_globals_with_what_is_read_from_them_at_once() -> None:
    """In order of first use, those of nested functions too."""
    found = normal(
        "def f(x):\n    return [helpers.clean(T) for y in x] + other(lambda: helpers.sub.g)"
    )
    assert set(found.references) == {
        ("helpers", "clean"),
        ("T",),
        ("other",),
        ("helpers", "sub", "g"),
    }


def test_imports_and_assigned_globals_are_listed() -> None:
    """Which is all that can be told of them without running the code."""
    found = normal(
        """
        def f():
            global counter
            counter = 1
            import a.b
            from ..c import d, e
        """
    )
    assert found.writes == {"counter"}
    assert found.imports == (Import("a.b", 0, ()), Import("c", 2, ("d", "e")))


def test_a_name_of_a_global_is_no_behaviour() -> None:
    """The object that it names is, and that is looked up elsewhere."""
    one, other = normal("def f(): return a(b)"), normal("def f(): return c(d)")
    assert one.digest == other.digest
    assert one.references != other.references


def test_what_runs_without_end_comes_to_an_end() -> None:
    """Empty endless loops, and loops in loops."""
    source = "def f():\n    while True:\n        pass"
    assert normal(source) == normal("def f():\n    while True: pass")
    assert normal(source) != normal("def f():\n    while True:\n        while True: f()")


def test_a_code_object_that_is_gone_is_not_remembered() -> None:
    """Nothing is kept for good."""
    code = code_of("def f(): return 'only here'")
    normalise(code)
    reference = weakref.ref(code)
    del code
    gc.collect()
    assert reference() is None
