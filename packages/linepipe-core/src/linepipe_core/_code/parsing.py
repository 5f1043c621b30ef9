"""Finds the statements at the top level of a source. They are parsed and never run.

Function bodies are left alone: code counts by its bytecode. Nothing of the syntax tree is kept:
of a large project it is a million objects, which each garbage collection would look at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

from linepipe_core._code.literal_reads import Reads, literal_reads
from linepipe_core._code.parts import digest_of
from linepipe_core._code.statements import ClassStatement, ModuleStatements, Statement
from linepipe_core._values.garbage import no_collection

__all__ = ["read_statements"]

# Names of functions that may read the world outside: files, the clock, the network, arguments.
_READERS: Final = re.compile(
    r"(load|read|open|fetch|download|connect|getenv|from_(file|env|pretrained|json|yaml|toml|path)"
    r"|safe_load|urlopen|request|get_data|glob|rglob|listdir|iterdir|scandir|walk|now|today|utcnow"
    r"|time|monotonic|perf_counter|uuid|parse_args|getuser|input|token_|urandom|popen|check_output)"
)
_READ_ATTRIBUTES: Final = frozenset({"environ", "argv", "stdin"})
# Without a seed these give something else in each process.
_SEEDED: Final = frozenset(
    {"default_rng", "Random", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "Philox"}
    | {"MT19937", "SFC64", "Generator"}
)
_HUGE: Final = 1 << 4096  # Python refuses to write larger ints as text
_Body = list[ast.stmt]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_ASSIGNMENTS: Final = (
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete),
    *(ast.For, ast.AsyncFor, ast.With, ast.AsyncWith),
)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def read_statements(source: str, is_main: bool = False) -> ModuleStatements | None:
    """The statements of a source; None if it can't be parsed.

    Args:
        source: the module's text.
        is_main: True if ``if __name__ == "__main__"`` holds.
    """
    try:
        with no_collection():
            reading = _Reading(is_main)
            reading.read_module(ast.parse(source).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return reading.module


class _Reading:
    """Flattens a module's body into simple statements."""

    def __init__(self, is_main: bool) -> None:
        self.module = ModuleStatements()
        self._is_main = is_main
        self._functions: dict[str, _Function] = {}

    def read_module(self, body: _Body) -> None:
        """Read all of a module."""
        self.read(body, ())
        self.note_functions(body, "")
        self._read_called()

    def _read_called(self) -> None:
        """Read the bodies of functions that the top level calls, and those that these call."""
        module = self.module
        waiting = [name for each in module.statements for name in each.calls]
        while waiting:
            name = waiting.pop()
            node = self._functions.get(name)
            if node is None or name in module.functions:
                continue
            inner = _Reading(is_main=False)
            inner.module.imports.update(module.imports)
            inner.read(node.body, ())
            module.functions[name] = inner.module
            waiting += (called for each in inner.module.statements for called in each.calls)

    def read(self, body: _Body, heads: tuple[ast.AST, ...]) -> None:
        for each in body:
            self._read_one(each, heads)

    def _read_one(self, node: ast.stmt, heads: tuple[ast.AST, ...]) -> None:
        match node:
            case ast.If(test=test) | ast.While(test=test):
                if _tests_main(test):
                    self.read(node.body if self._is_main else node.orelse, heads)
                else:
                    self.read([*node.body, *node.orelse], (*heads, test))
            case ast.For() | ast.AsyncFor():
                self._add(ast.Assign([node.target], node.iter, lineno=node.lineno), heads)
                self.read([*node.body, *node.orelse], (*heads, node.iter))
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._add(_with_item(item, node.lineno), heads)
                self.read(node.body, (*heads, *(item.context_expr for item in node.items)))
            case ast.Try() | ast.TryStar():
                handled = [each for handler in node.handlers for each in handler.body]
                self.read([*node.body, *handled, *node.orelse, *node.finalbody], heads)
            case ast.Match():
                cases = [each for case in node.cases for each in case.body]
                self.read(cases, (*heads, node.subject))
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case _:
                self._add(node, heads)

    def _add(self, node: ast.stmt, heads: tuple[ast.AST, ...]) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._add_imports(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._add_definition(node, heads)
        else:
            self.module.statements.append(_simple(node, heads))
            self.module.loads += _loaded_by_name(node)

    def _add_imports(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:  # one by one: a line for both would draw in the other
            if isinstance(node, ast.Import):
                bound = alias.asname or alias.name.partition(".")[0]
                target = alias.name if alias.asname else bound
            else:
                bound = alias.asname or alias.name
                package = f"{node.module}." if node.module else ""
                target = "." * node.level + package + alias.name
            if bound != "*":
                self.module.imports[bound] = target
            self.module.loads.append(target.removesuffix(".*"))
            self.module.statements.append(
                Statement(f"import {target}", frozenset({bound}), is_import=True)
            )

    def _add_definition(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        heads: tuple[ast.AST, ...],
    ) -> None:
        module = self.module
        module.defined.add(node.name)
        if isinstance(node, ast.ClassDef):
            self._note_class(node, "")
            # What the body does to others; its own attributes are the class's.
            module.statements.extend(_simple(each, heads) for each in node.body if _acts(each))
        else:
            self._functions[node.name] = node
            heads = (*heads, *node.args.defaults, *filter(None, node.args.kw_defaults))
        decorators = node.decorator_list
        module.statements.append(
            Statement(
                digest_of("definition", *_dumped([*heads, *decorators]), node.name),
                frozenset({node.name}),
                names=_names([*heads, *decorators]),
                calls=tuple(map(_dotted, decorators)),
                decorates=node.name if decorators else "",
            )
        )

    def _note_class(self, node: ast.ClassDef, outer: str) -> None:
        name = outer + node.name
        classes = self.module.classes
        classes[name] = None if name in classes else _class_statement(node)

    def note_functions(self, body: _Body, outer: str) -> None:
        """Note what statements do to globals and to attributes; and the classes in functions.

        Statement by statement: walking all expressions takes most of the time.
        """
        module = self.module
        for each in body:
            if isinstance(each, _FUNCTIONS):
                self.note_functions(each.body, f"{outer}{each.name}.<locals>.")
            elif isinstance(each, ast.ClassDef):
                if outer:
                    self._note_class(each, outer)
                self.note_functions(each.body, f"{outer}{each.name}.")
            elif isinstance(each, ast.Global):
                module.assigned_by_functions.update(each.names)
            elif isinstance(each, _ASSIGNMENTS):
                for target in _all_targets(each):
                    if isinstance(target, ast.Attribute):
                        module.attribute_stores.add(target.attr)
            for inner in _bodies(each):
                self.note_functions(inner, outer)


def _class_statement(node: ast.ClassDef) -> ClassStatement:
    kept: list[ast.AST] = [*node.decorator_list, *node.bases, *node.keywords]
    literals: list[ast.AST] = []
    for each in node.body:
        if isinstance(each, _FUNCTIONS):
            kept += each.decorator_list
        elif isinstance(each, ast.Assign) and _is_no_setting(each):
            literals.append(each)
        elif not (isinstance(each, ast.ClassDef) or _is_no_setting(each)):
            kept.append(each)
    return ClassStatement(
        digest_of("statement", *_dumped(kept)),
        _names(kept) | _quoted_names(node),
        digest_of("literals", *_dumped(literals)) if literals else "",
    )


def _bodies(node: ast.stmt) -> Iterator[_Body]:
    """The bodies of a compound statement that is no function or class."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if body:
            yield body
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _all_targets(node: ast.stmt) -> Iterator[ast.expr]:
    """The targets of an assignment, of a loop or of a with statement, one by one."""
    waiting: list[ast.expr] = list(_targets(node))
    if isinstance(node, (ast.For, ast.AsyncFor)):
        waiting.append(node.target)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        waiting += (item.optional_vars for item in node.items if item.optional_vars is not None)
    while waiting:
        target = waiting.pop()
        if isinstance(target, (ast.Tuple, ast.List)):
            waiting += target.elts
        elif isinstance(target, ast.Starred):
            waiting.append(target.value)
        else:
            yield target


def _simple(node: ast.stmt, heads: tuple[ast.AST, ...]) -> Statement:
    parts: list[ast.AST] = [*heads, node]
    binds: set[str] = set()
    changes: set[str] = set()
    sets: list[str] = []
    for target in _targets(node):
        for each in ast.walk(target):
            if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
                binds.add(each.id)
            elif isinstance(each, (ast.Attribute, ast.Subscript)) and not isinstance(
                each.ctx, ast.Load
            ):
                changes.add(_root(each))
                sets.append(_dotted(each))
    calls: list[str] = []
    is_clean = True
    reads = literal_reads(node)
    is_expression = isinstance(node, ast.Expr)
    for each in ast.walk(ast.Module([node], [])):
        if isinstance(each, ast.NamedExpr):
            binds.add(each.target.id)
        elif isinstance(each, ast.Call):
            calls.append(_dotted(each.func))
            if calls[-1] in ("setattr", "delattr") and each.args:
                sets.append(_dotted(each.args[0]))
            if not isinstance(each.func, ast.Name):
                changes.add(_root(each.func))
            if is_expression:  # a call for its effect may change what it is given
                given = (*each.args, *(keyword.value for keyword in each.keywords))
                changes.update(map(_root, given))
            is_clean = is_clean and (id(each) in reads.nodes or not _may_read(each))
        elif isinstance(each, ast.Attribute) and each.attr in _READ_ATTRIBUTES:
            is_clean = is_clean and id(each) in reads.nodes
    return Statement(
        digest_of("simple", *_dumped(parts)),
        frozenset(binds),
        frozenset(changes - {""}),
        _names(parts),
        tuple(calls),
        tuple(sets),
        is_expression=is_expression,
        is_clean=is_clean,
        reads=Reads(reads.variables, reads.files),
    )


def _loaded_by_name(node: ast.stmt) -> Iterator[str]:
    """The modules that a statement loads by calls: ``importlib.import_module("plugins.a")``."""
    for each in ast.walk(node):
        match each:
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]):
                if _dotted(func).rpartition(".")[2] in ("import_module", "__import__"):
                    yield name


def _acts(node: ast.stmt) -> bool:
    """Return True for a statement of a class's body that calls or sets something of others."""
    match node:
        case ast.Expr(value=ast.Call()):
            return True
        case ast.Assign() | ast.AugAssign():
            return any(isinstance(t, (ast.Attribute, ast.Subscript)) for t in _all_targets(node))
    return False


def _targets(node: ast.stmt) -> Iterable[ast.expr]:
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return [target]
    if node.__class__.__name__ == "TypeAlias":  # 3.12
        name: ast.expr = node.name  # type: ignore[attr-defined]  # typeshed knows it from 3.12 on
        return [name]
    return []


def _with_item(item: ast.withitem, line: int) -> ast.stmt:
    if item.optional_vars is None:
        return ast.Expr(item.context_expr, lineno=line)
    return ast.Assign([item.optional_vars], item.context_expr, lineno=line)


def _may_read(call: ast.Call) -> bool:
    """Return True for a call that may read the world outside, by the name of its function."""
    name = _dotted(call.func).rpartition(".")[2]
    if name in _SEEDED:
        first = call.args[0] if call.args else None
        is_none = isinstance(first, ast.Constant) and first.value is None
        return is_none or not (call.args or call.keywords)
    return _READERS.match(name) is not None


def _tests_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
    )


def _root(node: ast.expr) -> str:
    """The name that an expression such as ``X.a[0].b()`` begins with; ``""`` if with none."""
    while True:
        match node:
            case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
                node = value
            case ast.Call(func=func):
                node = func
            case ast.Name(id=name):
                return name
            case _:
                return ""


def _dotted(node: ast.expr) -> str:
    """The names that lead to what is called or set: ``np.random.seed``."""
    match node:
        case ast.Attribute(value=value, attr=name):
            return f"{_dotted(value)}.{name}"
        case ast.Subscript(value=value) | ast.Call(func=value):
            return _dotted(value)
        case ast.Name(id=name):
            return name
        case _:
            return ""


def _names(nodes: Iterable[ast.AST]) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                found.add(each.id)
    return frozenset(found)


def _is_no_setting(node: ast.stmt) -> bool:
    """Return True for a docstring, and for ``limits = [3, 4]``: that counts by its content."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Assign) and all(map(_is_literal, ast.walk(node.value)))
    )


def _is_literal(node: ast.AST) -> bool:
    return isinstance(
        node,
        (
            *(ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set),
            *(ast.UnaryOp, ast.unaryop, ast.expr_context),
        ),
    )


def _quoted_names(node: ast.ClassDef) -> frozenset[str]:
    """The names in a class's annotations that are written as texts."""
    found: set[str] = set()
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            for each in ast.walk(statement.annotation):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    found.update(_WORD.findall(each.value))
    return frozenset(found)


def _dumped(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The nodes as texts, without what is cosmetic, and huge numbers by their hex digits."""
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Constant):
                if type(each.value) is int and abs(each.value) > _HUGE:
                    each.value = hex(each.value)
                each.kind = None
        yield ast.dump(node)
