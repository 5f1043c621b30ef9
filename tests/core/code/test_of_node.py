"""Objects that a node makes while it runs are state, not parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.projects import Project

MAKING = {
    "a frame in a memo": """
        MEMO = {}
        def node():
            import pandas
            MEMO["frame"] = pandas.DataFrame({"a": [1]})
            return int(MEMO["frame"].a.sum())
        """,
    "a frame in a global": """
        frame = None
        def node():
            global frame
            import pandas
            frame = pandas.DataFrame({"a": [1]})
            return int(frame.a.sum())
        """,
    "a lambda in a memo": """
        MEMO = {}
        def node():
            if "one" not in MEMO:
                MEMO["one"] = lambda: 1
            return MEMO["one"]()
        """,
    "an object in a global, which grows": """
        class Own:
            pass
        own = None
        def node():
            global own
            own = own or Own()
            setattr(own, f"attribute_{len(vars(own))}", lambda: 1)
            return 1
        """,
    "a module in a global": """
        def node():
            global pandas
            import pandas
            return len(pandas.Series([1]))
        """,
    "a function in a global": """
        helper = None
        def lazy():
            global helper
            helper = helper or (lambda: 1)
        def node():
            lazy()
            return helper()
        """,
    "a singleton": """
        class Own:
            @classmethod
            def instance(cls):
                if not hasattr(cls, "_instance"):
                    cls._instance = cls()
                cls._instance.newest = lambda: 1
                return cls._instance
        def node():
            return Own.instance().newest()
        """,
    "an attribute of a function": """
        def node():
            node.n_calls = getattr(node, "n_calls", 0) + 1
            return 1
        """,
    "a count of a metaclass": """
        class Counting(type):
            n = 0
            def __call__(cls):
                cls.n += 1
                return super().__call__()
        class Own(metaclass=Counting):
            pass
        def node():
            return Own() and 1
        """,
    "a wrapper's memo": """
        import functools
        def remembering(func):
            memo = {}
            @functools.wraps(func)
            def wrapper():
                memo["one"] = lambda: 1
                wrapper.memo = memo
                return func()
            return wrapper
        @remembering
        def node():
            return 1
        """,
    "a dispatch": """
        import functools
        @functools.singledispatch
        def shown(value):
            return 2
        @shown.register
        def _(value: int):
            return 1
        def node():
            return shown(1)
        """,
    "a check of a protocol": """
        from typing import Protocol, runtime_checkable
        @runtime_checkable
        class Readable(Protocol):
            def read(self): ...
        def node():
            return 2 if isinstance(1, Readable) else 1
        """,
}


@pytest.mark.parametrize("case", MAKING, ids=str)
def test_objects_that_a_node_makes_are_no_change_of_its_own(tmp_path: Path, case: str) -> None:
    """Neither in the same process nor in the next one, also if it ran again between."""
    project = Project(tmp_path, MAKING[case])
    session = "run(); run(); run(rerun=['node']); run()"
    fresh = "1, nothing changed"
    assert project.session(session) == ["1, never ran", fresh, "1, asked for by rerun", fresh]
    assert project.session(session) == [fresh, fresh, "1, asked for by rerun", fresh]


REGISTRY = """
    def double(x): return x + x
    def triple(x): return 3 * x
    HANDLERS = {"double": double}
    def node():
        HANDLERS["more"] = lambda: 1
        return HANDLERS["double"](2)
    """


def test_code_that_state_held_before_counts(tmp_path: Path) -> None:
    """A registry that the node adds to: what is in it from the start is called all the same."""
    project = Project(tmp_path, REGISTRY)
    assert project.session("run(); run()") == ["4, never ran", "4, nothing changed"]
    project.write_node(REGISTRY.replace("x + x", "2.0 * x"))
    assert project.session("run(); run()") == [
        "4.0, helper double() changed",
        "4.0, nothing changed",
    ]
    other = REGISTRY.replace(": double}", ": triple}")
    project.write_node(other)
    assert project.session("run(); run(rerun=['node'])") == [
        "6, helper double() changed, global HANDLERS changed",
        "6, asked for by rerun",
    ]
    project.write_node(other.replace("3 * x", "4 * x"))
    assert project.session("run()") == ["8, helper triple() changed"]


def test_code_that_is_reached_otherwise_too_counts(tmp_path: Path) -> None:
    """Though the node puts it into its memo."""
    source = """
        MEMO = {}
        def helper(): return 1
        def node():
            MEMO["helper"] = helper
            return MEMO["helper"]()
        """
    project = Project(tmp_path, source)
    assert project.session("run(); run()") == ["1, never ran", "1, nothing changed"]
    project.write_node(source.replace("return 1", "return 2"))
    assert project.session("run()") == ["2, helper helper() changed"]


def test_an_attribute_that_somebody_else_makes_counts(tmp_path: Path) -> None:
    """Only what comes while the node runs is its state."""
    project = Project(tmp_path, "def node():\n    return getattr(node, 'scale', 1)")
    assert project.session("run(); node.scale = 2; run()")[1] == "2, attribute node.scale is new"
    assert project.session("node.scale = 2; run(); run()") == ["2, nothing changed"] * 2
    assert project.session("node.scale = 3; run()") == ["3, attribute node.scale changed: 2 -> 3"]
