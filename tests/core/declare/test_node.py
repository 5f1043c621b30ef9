"""Node: what it takes, what it refuses, and how it runs alone."""

from __future__ import annotations

import functools
import pickle
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import cloudpickle
import pytest

from linepipe_core import (
    LinepipeError,
    MissingInputError,
    Node,
    NodeDefinitionError,
    OutputMismatchError,
    create_named_partial_function,
)


def add(a: int, b: int) -> int:
    return a + b


def scale(value: float, *, factor: float, offset: float = 0.0) -> float:
    """Scale a value."""
    return value * factor + offset


def anything(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
    return (*args, kwargs)


def positional_only(a: int, /, b: int = 1) -> int:
    return a + b


class Pair(NamedTuple):
    """A tuple with names."""

    first: int
    second: int


class Adder:
    """A callable object."""

    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, value: int) -> int:
        return value + self.by

    def method(self, value: int) -> int:
        return value - self.by

    def yields(self) -> Iterator[int]:
        yield self.by


def yields(x: int) -> Iterator[int]:
    yield x


async def awaits(x: int) -> None: ...


def refusal(*args: Any, **kwargs: Any) -> str:
    """The message with which these arguments of Node are refused."""
    with pytest.raises(NodeDefinitionError) as caught:
        Node(*args, **kwargs)
    return str(caught.value)


def test_inputs_go_by_position() -> None:
    """A sequence of names is passed in its order."""
    assert Node(pow, ["base", "exponent"], ["y"]).run({"base": 2, "exponent": 5}) == {"y": 32}


def test_inputs_go_by_keyword() -> None:
    """A mapping parameter -> name is passed by keyword."""
    node = Node(scale, {"factor": "config.factor", "value": "x"}, ["y"])
    assert node.inputs == ("config.factor", "x")
    assert node.keywords == ("factor", "value")
    assert node.run({"x": 2, "config.factor": 4}) == {"y": 8}


def test_its_parts_are_tuples() -> None:
    """Inputs and outputs are tuples, whatever sequence was given."""
    node = Node(add, ["x", "y"], ["z"], True)
    assert (node.func, node.inputs, node.outputs, node.profile) == (add, ("x", "y"), ("z",), True)
    assert node.keywords is None
    assert Node(add, ("x", "y"), ("z",)).inputs == ("x", "y")


@pytest.mark.parametrize(
    ("func", "name"),
    [
        (positional_only, "positional_only"),
        (len, "len"),
        (functools.partial(add, 1), "add"),
        (functools.partial(functools.partial(add, 1)), "add"),
        (Adder(1), "Adder"),
        (functools.partial(Adder(1)), "Adder"),
        (Adder(1).method, "method"),
        (Adder, "Adder"),
        (lambda _: None, "<lambda>"),
    ],
)
def test_its_name_is_the_functions(func: Callable[..., Any], name: str) -> None:
    """The wrapped function's for a partial, the class's for a callable object."""
    assert Node(func, ["x"], ["y"]).name == name


def test_a_name_can_be_given() -> None:
    """So that two nodes of one function can be told apart."""
    assert Node(add, ["x", "y"], ["z"], name="plus").name == "plus"


def test_it_is_frozen() -> None:
    """Nothing of it can be set or deleted."""
    node = Node(add, ["x", "y"], ["z"])
    with pytest.raises(AttributeError, match="a Node is frozen"):
        node.name = "other"
    with pytest.raises(AttributeError, match="a Node is frozen"):
        del node.func
    with pytest.raises(AttributeError, match="a Node is frozen"):
        setattr(node, "new", 1)  # noqa: B010  # a type checker would refuse the plain form


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
@pytest.mark.parametrize("inputs", [["x", "y"], {"b": "x", "a": "y"}])
def test_it_pickles(dumps: Callable[[Any], bytes], inputs: Any) -> None:
    """With all that was declared."""
    node = Node(
        add, inputs, ["z"], True, name="n", always_run=True, isolate=False,
        effect=True, persist=False, depends_on=[scale, functools, 3, Node],
    )  # fmt: skip
    again = pickle.loads(dumps(node))
    for part in {*Node.__slots__} - {"caller"}:  # a function that is made anew
        assert getattr(again, part) == getattr(node, part)


def test_its_repr_names_inputs_and_outputs() -> None:
    """Name, inputs and outputs."""
    assert repr(Node(add, ["x", "config.y"], ["z"])) == "<Node add: x, config.y -> z>"
    assert repr(Node(anything, [], [])) == "<Node anything: (no inputs) -> (no outputs)>"
    node = Node(add, ["x", "y"], ["z"], effect=True, persist=False, depends_on=[scale])
    assert repr(node) == "<Node add: x, y -> z, effect=True, persist=False, depends_on=1>"


REFUSALS: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((3, [], []), {}, r"must be callable, got 3 \(int\)\n  pass the function itself"),
    ((add, "xy", ["z"]), {}, r"'add': its inputs are the string 'xy'; write \['xy'\]"),
    ((add, ["x", "y"], "z"), {}, r"'add': its outputs are the string 'z'; write \['z'\]"),
    ((add, {"x", "y"}, ["z"]), {}, r"'add': its inputs must be a list of names, got .* \(set\)"),
    ((add, None, ["z"]), {}, r"got None \(NoneType\)\n  a node without inputs has \[\]"),
    ((add, ["x", "y"], None), {}, r"got None \(NoneType\)\n  a node without outputs has \[\]"),
    ((add, ["x", 1], ["z"]), {}, r"its inputs must be names, got 1 \(int\)"),
    ((add, {"a": "x", "b": 2}, ["z"]), {}, r"its inputs must be names, got 2 \(int\)"),
    ((add, {1: "x"}, ["z"]), {}, r"its parameters must be names, got 1 \(int\)"),
    ((add, ["x", "y"], [None]), {}, r"its outputs must be names, got None \(NoneType\)"),
    ((add, ["x", ""], ["z"]), {}, r"its inputs hold an empty name"),
    ((add, ["x", "y"], [""]), {}, r"its outputs hold an empty name"),
    ((add, ["x", "config."], ["z"]), {}, r"config reference 'config.' has an empty part"),
    ((add, ["x", "config.a..b"], ["z"]), {}, r"'config.a..b' has an empty part"),
    ((add, ["x", "y"], ["z", "z"]), {}, r"the output 'z' is named twice"),
    ((add, ["x", "y"], ["config"]), {}, r"an output can't be called 'config'"),
    ((add, ["x", "y"], ["config.z"]), {}, r"an output can't be called 'config.z'"),
    ((add, ["x", "y"], ["z"]), {"name": ""}, r"'add': its name must be a non-empty string"),
    ((add, ["x", "y"], ["z"]), {"name": 7}, r"its name must be a non-empty string, got 7 \(int\)"),
    ((add, ["x"], ["z"]), {}, r"'add': add\(a, b\) can't take its inputs: missing .* 'b'"),
    ((add, ["x", "y", "w"], ["z"]), {}, r"can't take its inputs: too many positional arguments"),
    ((add, {"a": "x", "bb": "y"}, ["z"]), {}, r"add\(a, b\) can't take(.|\n)*did you mean 'b'\?"),
    ((add, {"a": "x"}, ["z"]), {}, r"missing a required argument: 'b'\n  given by keyword: a"),
    ((lambda *, n: n, ["x"], ["z"]), {}, r"\(\*, n\) can't take .*(\n.*)+ in a mapping"),
    ((scale, ["x"], ["z"]), {}, r"scale\(value, \*, factor, offset=...\) can't take its inputs"),
    ((positional_only, {"a": "x"}, ["z"]), {}, r"positional_only\(a, b=...\) can't take"),
    ((functools.partial(add, 1), ["x", "y"], ["z"]), {}, r"too many positional arguments"),
    ((Adder(1), ["x", "y"], ["z"]), {}, r"Adder\(value\) can't take its inputs: too many"),
    ((Adder(1).method, [], ["z"]), {}, r"method\(value\) can't take its inputs: missing"),
    ((functools.lru_cache(add), ["x"], ["z"]), {}, r"add\(a, b\) can't take its inputs: missing"),
    (
        (yields, ["x"], []),
        {},
        r"'yields': it has no outputs, and calling its",
    ),
    ((add, ["x", "y"], ["z"]), {"always_run": "no"}, r"always_run is True or False, got 'no'"),
    ((add, ["x", "y"], ["z"]), {"isolate": None}, r"isolate is True or False, got None"),
    ((add, ["x", "y"], ["z"]), {"effect": 1}, r"effect is True or False, got 1"),
    ((add, ["x", "y"], ["z"]), {"persist": None}, r"persist is True or False, got None"),
    (
        (add, ["x", "y"], ["z"]),
        {"depends_on": "clean"},
        r"its depends_on must be a list, got 'clean' \(str\)\n  write depends_on=\[...\]",
    ),
    (
        (add, ["x", "y"], ["z"]),
        {"depends_on": add},
        r"its depends_on must be a list, got <function add",
    ),
    (
        (add, ["x", "y"], ["z"]),
        {"depends_on": ["clean"]},
        r"holds the text 'clean'\n  a node that must run before this one comes earlier in the",
    ),
    ((functools.partial(awaits, x=1), [], []), {}, r"calling its function runs nothing"),
    ((Adder(1).yields, [], []), {}, r"calling its function runs nothing"),
]


@pytest.mark.parametrize(("args", "kwargs", "text"), REFUSALS)
def test_a_node_that_cannot_work_is_refused(
    args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    """At once, with a message that says what, where and how to mend it."""
    message = refusal(*args, **kwargs)
    assert re.search(text, message), message


def test_a_refusal_is_also_a_builtin_error() -> None:
    """Callers who know no linepipe can catch it."""
    for kind in (LinepipeError, TypeError, ValueError):
        with pytest.raises(kind):
            Node(add, "x", ["y"])  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(
    ("func", "inputs"),
    [
        (anything, []),
        (anything, ["a", "b", "c"]),
        (anything, {"whatever": "a"}),
        (positional_only, ["a"]),
        (scale, {"value": "x", "factor": "f"}),
        (functools.partial(scale, factor=2), ["x"]),
        (print, ["a", "b", "c"]),
        (dict, {"any": "x"}),
        (Adder, ["by"]),
        (functools.lru_cache(add), ["a", "b"]),
        (str.upper, ["text"]),
    ],
)
def test_a_node_that_can_work_is_accepted(func: Callable[..., Any], inputs: Any) -> None:
    """Variadic functions, builtins, classes, partials and callable objects."""
    assert Node(func, inputs, ["y"]).func is func


def test_a_wrapper_that_passes_on_more_is_taken() -> None:
    """Its own signature counts, not that of what it wraps."""

    def with_connection(func: Callable[[str, int], int]) -> Callable[[int], int]:
        @functools.wraps(func)
        def inner(value: int) -> int:
            return func("connection", value)

        return inner

    @with_connection
    def read(connection: str, value: int) -> int:
        return len(connection) + value

    assert Node(read, ["x"], ["y"]).run({"x": 1}) == {"y": 11}


def test_one_output_takes_the_value_whole() -> None:
    """Whatever it is: a tuple, a dict, None."""
    for value in ((1, 2), {"a": 1}, [1], None, "text"):
        assert Node(lambda value: value, ["x"], ["y"]).run({"x": value}) == {"y": value}


def test_several_outputs_take_a_tuple_or_list_apart() -> None:
    """Of exactly that length."""
    for value in ((1, 2), [1, 2], Pair(1, 2)):
        assert Node(lambda v: v, ["x"], ["a", "b"]).run({"x": value}) == {"a": 1, "b": 2}


@pytest.mark.parametrize("value", ["ab", {"a": 1, "b": 2}, {1, 2}, (n for n in (1, 2)), 5, None])
def test_several_outputs_take_nothing_else_apart(value: Any) -> None:
    """Never a text, a dict, a set or a generator."""
    with pytest.raises(OutputMismatchError, match="returned one") as caught:
        Node(lambda v: v, ["x"], ["a", "b"], name="split").run({"x": value})
    assert "node 'split' names 2 outputs (a, b)" in str(caught.value)
    assert "return a tuple or list of 2 values" in str(caught.value)


@pytest.mark.parametrize("value", [(), (1,), (1, 2, 3), [1]])
def test_several_outputs_take_no_other_number(value: Any) -> None:
    """The message says how many came."""
    with pytest.raises(OutputMismatchError, match=f"returned {len(value)} values"):
        Node(lambda v: v, ["x"], ["a", "b"]).run({"x": value})


def test_a_writers_return_value_is_ignored() -> None:
    """A side-effect node makes nothing."""
    assert Node(anything, ["x"], []).run({"x": 1}) == {}


def test_running_alone_takes_config_either_way() -> None:
    """Under its reference, or looked up in a whole config."""
    node = Node(add, ["config.left.a", "config.b"], ["z"])
    assert node.run({"config.left.a": 1, "config.b": 2}) == {"z": 3}
    assert node.run({"config": {"left": SimpleNamespace(a=1), "b": 2}}) == {"z": 3}


def test_running_alone_reports_all_missing_inputs() -> None:
    """With what there is, and the near match."""
    node = Node(anything, ["features", "config.seed", "model"], ["z"])
    with pytest.raises(MissingInputError) as caught:
        node.run({"featurs": 1, "config": {"sed": 1}})
    assert caught.value.names == ("features", "config.seed", "model")
    assert "node 'anything' needs 'features', 'config.seed', 'model'" in str(caught.value)
    assert "did you mean 'featurs'?" in str(caught.value)
    assert "did you mean 'config.sed'?" in str(caught.value)


def test_running_alone_lists_what_a_config_has_in_place_of_a_path() -> None:
    """Not that some other input is called like the path's beginning."""
    with pytest.raises(MissingInputError) as caught:
        Node(abs, ["config.a.b"], ["z"]).run({"config": {"a": {"c": 1}}})
    assert "did you mean 'config'?" not in str(caught.value)
    assert "available in 'config.a': c" in str(caught.value)


def test_running_alone_lets_exceptions_pass() -> None:
    """A unit test sees what the function raised."""
    with pytest.raises(ZeroDivisionError):
        Node(lambda x: 1 / x, ["x"], ["y"]).run({"x": 0})


class TestNamedPartial:
    """create_named_partial_function."""

    def test_binds_keywords_under_a_name(self) -> None:
        """The name is what logs and views show."""
        double = create_named_partial_function(scale, "double", factor=2)
        assert double(4) == 8
        assert double.__name__ == "double"
        assert Node(double, ["x"], ["y"]).name == "double"

    def test_keeps_docstring_and_wrapped(self) -> None:
        """As functools.wraps would."""
        double = create_named_partial_function(scale, "double", factor=2)
        assert double.__doc__ == "Scale a value."
        assert double.__wrapped__ is scale  # type: ignore[attr-defined]  # set at runtime

    def test_unknown_keywords_fail_at_once(self) -> None:
        """Not when the node runs, hours later."""
        with pytest.raises(NodeDefinitionError) as caught:
            create_named_partial_function(scale, "double", facto=2)
        assert "scale() can't be bound as 'double': got an unexpected keyword" in str(caught.value)
        assert "it takes: value, factor, offset" in str(caught.value)
        assert "did you mean 'factor'?" in str(caught.value)

    def test_positional_only_parameters_fail_at_once(self) -> None:
        """They can't be bound by keyword."""
        with pytest.raises(NodeDefinitionError, match="can't be bound"):
            create_named_partial_function(positional_only, "one", a=1)

    @pytest.mark.parametrize("name", ["", None, 3])
    def test_its_name_must_be_one(self, name: Any) -> None:
        """A non-empty string."""
        with pytest.raises(NodeDefinitionError, match="func_name must be a non-empty string"):
            create_named_partial_function(scale, name, factor=2)

    def test_it_must_be_given_a_callable(self) -> None:
        """Not the result of a call."""
        with pytest.raises(NodeDefinitionError, match="must be callable, got 3"):
            create_named_partial_function(3, "three")  # type: ignore[call-overload]  # the point

    def test_a_bound_argument_is_no_input_any_more(self) -> None:
        """A node of it is checked against what is left."""
        double = create_named_partial_function(scale, "double", factor=2)
        assert "too many positional arguments" in refusal(double, ["x", "y"], ["z"])
        Node(double, ["x"], ["z"])

    @pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
    def test_it_pickles(self, dumps: Callable[[Any], bytes]) -> None:
        """With its name and all that is bound."""
        double = pickle.loads(dumps(create_named_partial_function(scale, "double", factor=2)))
        assert (double(3), double.__name__, double.__doc__) == (6, "double", "Scale a value.")

    def test_it_can_be_nested(self) -> None:
        """A named partial of a named partial binds both."""
        double = create_named_partial_function(scale, "double", factor=2)
        more = create_named_partial_function(double, "more", offset=1)
        assert (more(3), more.__name__) == (7, "more")
        assert "too many positional arguments" in refusal(more, ["x", "y"], ["z"])
