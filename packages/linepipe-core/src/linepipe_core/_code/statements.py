"""The statements at a module's top level: what each binds, changes, calls and names.

An object that has no content of its own counts by the statements that made it, a class by its
class statement. They are parsed from the source and never run. Function bodies are left alone:
code counts by its bytecode.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from linepipe_core._code.literal_reads import NO_READS, Reads, literal_reads

__all__ = ["ClassStatement", "ModuleStatements", "Statement", "foreign_effects", "read_statements"]

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


@dataclass(frozen=True, slots=True)
class Statement:
    """One simple statement, with the tests and loops that it stands under.

    Attributes:
        text: the statement without what is cosmetic.
        binds: the globals that it assigns or defines.
        changes: the globals that it may change: ``X.a =``, ``X[k] =``, ``X.m()``, ``fill(X)``.
        names: all names in it.
        calls: the names of the functions that it calls, dotted: ``np.random.seed``.
        sets: the dotted targets of which it sets an attribute or an item.
        decorates: the name that it defines, if it is a function or class with decorators.
        is_import: True for an import.
        is_clean: False if it may read the world outside, but for ``reads``.
        reads: the environment variables and the files that it names by literals.
    """

    text: str
    binds: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    calls: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    decorates: str = ""
    is_import: bool = False
    is_expression: bool = False
    is_clean: bool = True
    reads: Reads = NO_READS


@dataclass(frozen=True, slots=True)
class ClassStatement:
    """A class statement without its methods' bodies.

    Attributes:
        text: decorators, bases, keywords, and the statements that are no functions.
        names: the names in it.
    """

    text: str
    names: frozenset[str]


@dataclass(slots=True)
class ModuleStatements:
    """The statements at the top level of a module's source.

    Attributes:
        statements: in their order.
        imports: name -> what it stands for, dotted; relative ones begin with dots.
        defined: the functions and classes that the module defines.
        assigned_by_functions: the globals that functions assign: ``global X``.
        attribute_stores: the names of attributes that are assigned anywhere in the module.
    """

    statements: list[Statement] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    assigned_by_functions: set[str] = field(default_factory=set)
    attribute_stores: set[str] = field(default_factory=set)
    _classes: dict[str, ast.ClassDef | None] = field(default_factory=dict)
    _functions: dict[str, _Function] = field(default_factory=dict)
    _inner: dict[str, ModuleStatements] = field(default_factory=dict)

    def making(self, name: str) -> list[Statement]:
        """The statements that bind or change a global, and those of the globals that they name."""
        found: dict[int, Statement] = {}
        waiting, seen = [name], set()
        bound = self.bound - self.imports.keys()
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            for place, statement in enumerate(self.statements):
                if each not in statement.binds and each not in statement.changes:
                    continue
                found[place] = statement
                waiting.extend(statement.names & bound)
        return [found[place] for place in sorted(found)]

    def in_function(self, name: str) -> ModuleStatements:
        """The statements in a function that the module defines, with the module's imports."""
        if name not in self._inner:
            reading = _Reading(is_main=False)
            reading.module.imports.update(self.imports)
            node = self._functions.get(name)
            if node is not None:
                reading.read(node.body, ())
            self._inner[name] = reading.module
        return self._inner[name]

    def forget_bodies(self) -> None:
        """Let go of the bodies of functions that the top level doesn't call.

        Of a large project they are a million objects, which each garbage collection looks at.
        """
        called = {name for each in self.statements for name in each.calls}
        self._functions = {n: node for n, node in self._functions.items() if n in called}
        for node in self._classes.values():
            for each in node.body if node is not None else ():
                if isinstance(each, _FUNCTIONS):
                    each.body = []

    @property
    def bound(self) -> frozenset[str]:
        """The names that the module binds at its top level."""
        return frozenset().union(*(each.binds for each in self.statements))

    def class_statement(self, qualname: str) -> ClassStatement | None:
        """The statement of a class; None if there are several of that name, or none."""
        node = self._classes.get(qualname)
        if node is None:
            return None
        kept = [*node.decorator_list, *node.bases, *node.keywords]
        for each in node.body:
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                kept += each.decorator_list
            elif not (isinstance(each, ast.ClassDef) or _is_no_setting(each)):
                kept.append(each)
        return ClassStatement(_dump(kept), _names(kept) | _quoted_names(node))


def read_statements(source: str, is_main: bool = False) -> ModuleStatements | None:
    """The statements of a source; None if it can't be parsed.

    Args:
        source: the module's text.
        is_main: True if ``if __name__ == "__main__"`` holds.
    """
    try:
        tree = ast.parse(source)
        reading = _Reading(is_main)
        reading.read(tree.body, ())
        reading.note_functions(tree.body, "")
        reading.module.forget_bodies()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return reading.module


class _Reading:
    """Flattens a module's body into simple statements."""

    def __init__(self, is_main: bool) -> None:
        self.module = ModuleStatements()
        self._is_main = is_main

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
        else:
            module._functions[node.name] = node
        decorators = node.decorator_list
        module.statements.append(
            Statement(
                f"{_dump([*heads, *decorators])} {node.name}",
                frozenset({node.name}),
                names=_names([*heads, *decorators]),
                calls=tuple(map(_dotted, decorators)),
                decorates=node.name if decorators else "",
            )
        )

    def _note_class(self, node: ast.ClassDef, outer: str) -> None:
        name = outer + node.name
        classes = self.module._classes
        classes[name] = None if name in classes else node

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
            if not isinstance(each.func, ast.Name):
                changes.add(_root(each.func))
            if is_expression:  # a call for its effect may change what it is given
                given = (*each.args, *(keyword.value for keyword in each.keywords))
                changes.update(map(_root, given))
            is_clean = is_clean and (id(each) in reads.nodes or not _may_read(each))
        elif isinstance(each, ast.Attribute) and each.attr in _READ_ATTRIBUTES:
            is_clean = is_clean and id(each) in reads.nodes
    return Statement(
        _dump(parts),
        frozenset(binds),
        frozenset(changes - {""}),
        _names(parts),
        tuple(calls),
        tuple(sets),
        is_expression=is_expression,
        is_clean=is_clean,
        reads=Reads(reads.variables, reads.files),
    )


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


def _dump(nodes: Iterable[ast.AST]) -> str:
    """The nodes as text, without what is cosmetic, and huge numbers by their hex digits."""
    texts = []
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Constant):
                if type(each.value) is int and abs(each.value) > _HUGE:
                    each.value = hex(each.value)
                each.kind = None
        texts.append(ast.dump(node))
    return " ".join(texts)


def foreign_effects(
    module: ModuleStatements, is_own: Mapping[str, bool]
) -> Iterator[tuple[Statement, str]]:
    """The statements that act on something foreign, each with the dotted name of that.

    Args:
        module: the module's statements.
        is_own: per name that it imports, True if that comes from an own module.
    """
    for statement in module.statements:
        if statement.is_import:
            continue
        acted_on = statement.calls if statement.is_expression or statement.decorates else ()
        for dotted in (*acted_on, *statement.sets):
            root = dotted.partition(".")[0]
            if root in module.imports and not is_own.get(root, False):
                yield statement, module.imports[root] + dotted[len(root) :]
