"""The reads in a statement that literals name: environment variables and files.

``create_engine(os.environ["URL"])`` reads the world outside, but what it reads can be counted
without running it: the variable's value, the file's content.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["NO_READS", "Reads", "literal_reads"]

_OPENERS: Final = re.compile(r"(safe_load|full_load|load|read|open|from_(file|json|yaml|toml))")
_PATHS: Final = frozenset({"Path", "PurePath"})


class Reads(NamedTuple):
    """The names that literals give.

    Attributes:
        variables: the names of environment variables.
        files: the paths of files.
        nodes: the ids of the syntax nodes that read no more than that.
    """

    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    nodes: frozenset[int] = frozenset()


NO_READS: Final = Reads()


def literal_reads(node: ast.AST) -> Reads:
    """The reads of a statement that literals name."""
    variables: list[str] = []
    files: list[str] = []
    nodes: set[int] = set()
    for each in ast.walk(node):
        found = _variable(each)
        if found is not None:
            variables.append(found[0])
            nodes.update(found[1])
    for each in _innermost_first(node):
        if isinstance(each, ast.Call) and id(each) not in nodes:
            path = _path_read(each, nodes)
            if path is not None:
                files += path
                nodes.add(id(each))
    return Reads(tuple(variables), tuple(files), frozenset(nodes))


def _innermost_first(node: ast.AST) -> Iterator[ast.AST]:
    for each in ast.iter_child_nodes(node):
        yield from _innermost_first(each)
    yield node


def _variable(node: ast.AST) -> tuple[str, tuple[int, ...]] | None:
    """The name of the variable that a node reads, and the ids of the nodes that do it."""
    match node:
        case ast.Subscript(value=value, slice=ast.Constant(value=str(name)), ctx=ast.Load()):
            return (name, (id(value),)) if _is_environ(value) else None
        case ast.Call(
            func=ast.Attribute(value=value, attr="get"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return (name, (id(node), id(value))) if _is_environ(value) else None
        case ast.Call(
            func=ast.Attribute(attr="getenv") | ast.Name(id="getenv"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return name, (id(node),)
    return None


def _is_environ(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="environ") | ast.Name(id="environ"):
            return True
    return False


def _path_read(call: ast.Call, known: set[int]) -> tuple[str, ...] | None:
    """The path that a call reads, if literals and known reads are all that it is given."""
    receiver: ast.expr | None = None
    match call.func:
        case ast.Attribute(value=value, attr=name):
            receiver = value
        case ast.Name(id=name):
            pass
        case _:
            return None
    if not _OPENERS.match(name):
        return None
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not all(isinstance(each, ast.Constant) or id(each) in known for each in given):
        return None
    if receiver is not None and id(receiver) in known:  # open("x").read()
        return ()
    if receiver is not None and isinstance(receiver, ast.Call):  # Path("x").read_text()
        return _literal_path(receiver) if _is_path(receiver) else None
    if any(id(each) in known for each in given):  # json.load(open("x"))
        return ()
    return _literal_path(call)


def _is_path(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _PATHS and len(call.args) == 1
    return False


def _literal_path(call: ast.Call) -> tuple[str, ...] | None:
    match call.args:
        case [ast.Constant(value=str(path)), *_] if "://" not in path and "\n" not in path:
            return (path,)
    return None
