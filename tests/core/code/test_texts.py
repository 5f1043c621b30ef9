"""Names in texts: which globals of a module they make count."""

from __future__ import annotations

from typing import Any

from linepipe_core._code.texts import names_in_texts, words_of


def named(code: str, **namespace: Any) -> list[str]:
    exec(code, namespace)
    func = namespace["node"]
    return list(names_in_texts(func, words_of(func.__code__)))


def test_values_that_a_text_names() -> None:
    """As a query does, or a text that is a single word."""
    query = "def node(df): return df.query('a > @LIMIT and b')"
    assert named(query, LIMIT=3, b=len) == ["LIMIT", "b"]
    assert named("def node(df): return df['LIMIT']", LIMIT=3) == ["LIMIT"]
    assert named("def node(df): return df['helper']", helper=lambda: 1) == []


def test_what_a_notebook_keeps_of_its_own_is_no_value_of_the_users() -> None:
    """`_` is the last output, which changes with each cell, and many texts have an underscore."""
    own = {"_": 1, "__": 2, "_i3": "x", "_3": 4, "In": [], "Out": {}, "exit": 1, "quit": 2}
    code = "def node(x): return x.split('_'), 'In Out exit quit _i3 _3 __ LIMIT'"
    assert named(code, LIMIT=3, get_ipython=print, **own) == ["LIMIT"]
    assert set(named(code, LIMIT=3, **own)) >= {"_", "In", "LIMIT"}  # a module's own names count
