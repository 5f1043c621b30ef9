"""Lists every error and warning text of the packages, to be read in one go: ``hatch run messages``.

Read from the syntax trees: each call that makes an exception, each ``warning``, ``error`` or
``exception`` of a logger, and ``warnings.warn``. What is filled in stands in braces. A text that
a variable of the same function holds is shown in its place; one that another function makes
stands as that call. Arguments that are no text are left out where there is a text.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Message", "messages"]

ROOT = Path(__file__).parents[1]

_LOG_METHODS = {"critical", "error", "exception", "warning"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Message(NamedTuple):
    """One text, and where it stands.

    Attributes:
        place: ``path:line``, from the repository's root.
        kind: the exception's class, or the method of the logger.
        text: what it says.
    """

    place: str
    kind: str
    text: str


def messages(root: Path = ROOT) -> Iterator[Message]:
    """Yield the messages of all packages, file by file."""
    for path in sorted(root.glob("packages/*/src/**/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for kind, line, text in sorted(_in_module(tree), key=lambda one: one[1]):
            yield Message(f"{path.relative_to(root)}:{line}", kind, text)


def _in_module(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    scopes: list[ast.AST] = [tree, *(n for n in ast.walk(tree) if isinstance(n, _FUNCTIONS))]
    for scope in scopes:
        texts = _assigned_texts(scope)
        for node in _own_nodes(scope):
            if isinstance(node, ast.Call) and (kind := _kind(node, scope)) is not None:
                parts = [*node.args, *(keyword.value for keyword in node.keywords)]
                shown = [part for part in parts if _may_be_text(part, texts)]
                if shown or (parts and kind.endswith("Error")):
                    yield kind, node.lineno, " | ".join(_text(p, texts) for p in shown or parts)


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope without those of the functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, _FUNCTIONS):
            yield child
            yield from _own_nodes(child)


def _assigned_texts(scope: ast.AST) -> dict[str, ast.expr]:
    """Return the text that each variable of the scope is given last."""
    texts: dict[str, ast.expr] = {}
    for node in _own_nodes(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if _may_be_text(node.value, texts):
                texts[node.targets[0].id] = node.value
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            before = texts.get(node.target.id)
            if before is not None:
                texts[node.target.id] = ast.BinOp(before, ast.Add(), node.value)
    return texts


def _kind(call: ast.Call, scope: ast.AST) -> str | None:
    """Return the exception or the logger's method that is called; None for any other call."""
    match call.func:
        case ast.Name(id=name) if name.endswith(("Error", "Warning", "Exception")):
            return name
        case ast.Attribute(attr=name, value=ast.Name()) if name.endswith("Error"):
            return name
        case ast.Attribute(attr=name, value=ast.Name(id=owner)) if name in _LOG_METHODS:
            return name if "log" in owner.lower() else None
        case ast.Attribute(attr="warn", value=ast.Name(id="warnings")):
            return "warn"
        case ast.Attribute(attr="__init__", value=ast.Call(func=ast.Name(id="super"))):
            return "super().__init__" if getattr(scope, "name", "") == "__init__" else None
    return None


def _may_be_text(node: ast.expr, texts: dict[str, ast.expr]) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.Name(id=name):
            return name in texts
        case ast.BinOp(left=left, right=right):
            return _may_be_text(left, texts) or _may_be_text(right, texts)
        case ast.IfExp(body=body, orelse=other):
            return _may_be_text(body, texts) or _may_be_text(other, texts)
    return False


def _text(node: ast.expr, texts: dict[str, ast.expr]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, texts) for part in parts)
        case ast.FormattedValue(value=ast.Name(id=name)) if name in texts:
            return _text(texts[name], {key: text for key, text in texts.items() if key != name})
        case ast.FormattedValue(value=value):
            return f"{{{ast.unparse(value)}}}"
        case ast.Name(id=name) if name in texts:
            return _text(texts[name], {key: text for key, text in texts.items() if key != name})
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, texts) + _text(right, texts)
        case ast.IfExp(body=body, orelse=other):
            return f"[{_text(body, texts)} / {_text(other, texts)}]"
    return f"{{{ast.unparse(node)}}}"


def main() -> None:
    """Print all messages, or those of the files whose path contains a word."""
    parser = argparse.ArgumentParser(description="List every error and warning text.")
    parser.add_argument("word", nargs="?", default="", help="only of files with this in the path")
    word = parser.parse_args().word
    for place, kind, text in messages():
        if word in place:
            print(f"{place}  {kind}")
            for line in text.splitlines() or [""]:
                print(f"    {line}")


if __name__ == "__main__":
    main()
