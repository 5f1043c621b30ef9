"""One step of a pipeline, declared: a function, the names it reads and the names it makes.

Everything that can be known to be wrong about a single step is refused here, at once. How
steps fit together is the wiring's business, and running them the run's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NoReturn, final

from linepipe_core._declare.callables import Caller, caller_for
from linepipe_core._declare.config import CONFIG, MissingPathError, is_config_reference, look_up
from linepipe_core._declare.later import runs_later, unbegun
from linepipe_core._declare.names import Listed, Names
from linepipe_core._declare.portable import portable
from linepipe_core._declare.signatures import check_signature, name_of, refuse, shown
from linepipe_core._errors import MissingInputError, NodeDefinitionError, OutputMismatchError
from linepipe_core._text import bounded, did_you_mean, shortened, type_name

__all__ = ["Node"]

_SAME: Any = object()  # stands for an argument that isn't given, in replace()


@final
class Node:
    """A function, the names of what it reads, and the names of what it makes.

    Frozen. Two nodes may share a function, and a name.

    Args:
        func: any callable.
        inputs: names passed by position, or a mapping ``parameter -> name`` passed by
            keyword. ``config`` and ``config.a.b`` mean the pipeline's config.
        outputs: names for what the function returns. One output takes the return value
            whole; several take a tuple or list of exactly that length; ``[]`` makes a
            side-effect node (a writer), whose return value is ignored.
        profile: measure the memory that the function uses (needs ``linepipe[memory]``).
        name: what logs, history, views and errors call it; by default the function's.
        always_run: never reuse it from the cache, because it reads or writes what linepipe
            can't see: a clock, a queue, a file or table that somebody may remove.
        isolate: False hands the inputs over by reference, on the promise that the function
            doesn't change them.
        effect: its outputs stand for something outside, such as a table that it wrote. Nodes that
            read them run whenever it ran, whatever it returned.
        persist: False keeps its outputs in memory: they never go to the shelf, nor to the
            history on disk. They count by how they were made.
        depends_on: what the function depends on and doesn't name: functions, classes, modules,
            values, Files.

    Raises:
        NodeDefinitionError: the function can't be called or can't take these inputs, an
            input or output name is none, or an option isn't what it should be.

    Example:
        >>> node = Node(round, ["price", "config.digits"], ["rounded"])
        >>> node.run({"price": 2.345, "config.digits": 1})
        {'rounded': 2.3}
    """

    __slots__ = (
        "_by_position",
        "_is_named",
        "always_run",
        "caller",
        "depends_on",
        "effect",
        "func",
        "inputs",
        "isolate",
        "keywords",
        "name",
        "outputs",
        "persist",
        "profile",
    )

    _by_position: tuple[str, ...]  # of `keywords`, those that the function takes by position only
    _is_named: bool  # False: the name is the function's
    caller: Caller  # calls the function; see `callables.caller_for`
    func: Callable[..., Any]
    inputs: tuple[str, ...]  # the names read, whichever way they are passed
    keywords: tuple[str, ...] | None  # the parameters they go to; None: by position
    outputs: tuple[str, ...]
    profile: bool
    name: str
    always_run: bool
    isolate: bool
    effect: bool
    persist: bool
    depends_on: tuple[Any, ...]

    def __init__(
        self,
        func: Callable[..., Any],
        inputs: Names | Mapping[str, str],
        outputs: Names,
        profile: bool = False,
        *,
        name: str | None = None,
        always_run: bool = False,
        isolate: bool = True,
        effect: bool = False,
        persist: bool = True,
        depends_on: Listed[Any] = (),
    ) -> None:
        is_named = name is not None
        if not callable(func):
            raise NodeDefinitionError(
                f"a Node's function must be callable, got {shown(func)}\n"
                "  pass the function itself: Node(clean, ...), not its result or its name"
            )
        if name is None:
            name = name_of(func)
        elif type(name) is not str or not name:
            refuse(func, f"its name must be a non-empty string, got {shown(name)}")
        keywords: tuple[str, ...] | None = None
        if isinstance(inputs, Mapping):
            keywords = _names(name, "parameters", tuple(inputs))
            inputs = tuple(inputs.values())
        read = _names(name, "inputs", inputs)
        made = _names(name, "outputs", outputs)
        for reference in read:
            if reference.startswith("config.") and "" in reference.split("."):
                refuse(name, f"the config reference {reference!r} has an empty part")
        if len(set(made)) < len(made):
            twice = next(output for output in made if made.count(output) > 1)
            refuse(name, f"the output {twice!r} is named twice; outputs need names of their own")
        for output in made:
            if is_config_reference(output):
                refuse(name, f"an output can't be called {output!r}: that name means the config")
        by_position = check_signature(func, name, read, keywords)
        kind = runs_later(func)
        if kind == "coroutine":
            refuse(
                name,
                "calling its function runs nothing, for it is async\n"
                "  wrap it: a plain function that returns asyncio.run(...)",
            )
        if kind == "generator" and not made:
            refuse(
                name,
                "it has no outputs, and calling its function runs nothing: it gives a generator\n"
                "  wrap it in a plain function that goes through it, as list(...) does",
            )
        for option, value in (
            *(("profile", profile), ("always_run", always_run), ("isolate", isolate)),
            *(("effect", effect), ("persist", persist)),
        ):
            if value is not True and value is not False:
                refuse(name, f"{option} is True or False, got {shown(value)}")
        put = object.__setattr__
        put(self, "_by_position", by_position)
        put(self, "_is_named", is_named)
        put(self, "caller", caller_for(func, keywords is not None))
        put(self, "func", func)
        put(self, "inputs", read)
        put(self, "keywords", keywords)
        put(self, "outputs", made)
        put(self, "profile", profile)
        put(self, "name", name)
        put(self, "always_run", always_run)
        put(self, "isolate", isolate)
        put(self, "effect", effect)
        put(self, "persist", persist)
        put(self, "depends_on", _dependencies(name, depends_on) if depends_on != () else ())

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError(
            f"Node is final: {cls.__name__} can't subclass it\n"
            "  write a function that makes nodes, or change a copy: node.replace(...)"
        )

    def replace(
        self,
        *,
        func: Callable[..., Any] = _SAME,
        inputs: Names | Mapping[str, str] = _SAME,
        outputs: Names = _SAME,
        profile: bool = _SAME,
        name: str | None = _SAME,
        always_run: bool = _SAME,
        isolate: bool = _SAME,
        effect: bool = _SAME,
        persist: bool = _SAME,
        depends_on: Listed[Any] = _SAME,
    ) -> Node:
        """A copy with some arguments changed, and the rest exactly as declared.

        Takes the arguments of ``Node``. A name that wasn't given follows the function.

        Raises:
            NodeDefinitionError: the changed node can't be.

        Example:
            >>> node = Node(round, ["price"], ["rounded"])
            >>> node.replace(inputs=["cost"], always_run=True)
            <Node round: cost -> rounded>
        """

        def kept(changed: Any, declared: Any) -> Any:
            return declared if changed is _SAME else changed

        return Node(
            kept(func, self.func),
            kept(inputs, self._declared()),
            kept(outputs, self.outputs),
            kept(profile, self.profile),
            name=kept(name, self.name if self._is_named else None),
            always_run=kept(always_run, self.always_run),
            isolate=kept(isolate, self.isolate),
            effect=kept(effect, self.effect),
            persist=kept(persist, self.persist),
            depends_on=kept(depends_on, self.depends_on),
        )

    def __replace__(self, /, **changes: Any) -> Node:
        return self.replace(**changes)  # for copy.replace, new in Python 3.13

    def renamed(self, inputs: tuple[str, ...], outputs: tuple[str, ...], name: str) -> Node:
        """This node under other names, which are as many and already checked."""
        if (inputs, outputs, name) == (self.inputs, self.outputs, self.name):
            return self
        other = object.__new__(Node)
        for take, give in _KEPT:
            give(other, take(self))
        put = object.__setattr__
        put(other, "inputs", inputs)
        put(other, "outputs", outputs)
        put(other, "name", name)
        put(other, "_is_named", self._is_named or name != self.name)
        return other

    def run(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Run this node alone, as in a unit test.

        The function gets the values themselves, not copies, and its exceptions pass as they
        are. A ``config.a.b`` is taken from ``data`` under that name, or looked up in
        ``data["config"]``.

        Args:
            data: a value for each of the node's inputs; more is ignored.

        Returns:
            The outputs by name; empty for a side-effect node.

        Raises:
            MissingInputError: ``data`` lacks inputs; all of them are named.
            OutputMismatchError: the function returned something that doesn't fit the outputs.
        """
        values, missing = [], []
        for name in self.inputs:
            try:
                values.append(_given(data, name))
            except LookupError as error:
                missing.append((name, error))
        if missing:
            names = [name for name, _ in missing]
            hints = [
                f"\n  {error}" if isinstance(error, MissingPathError) else did_you_mean(name, data)
                for name, error in missing
            ]
            raise MissingInputError(
                f"node {self.name!r} needs {', '.join(map(repr, names))}, which the data hasn't\n"
                f"  the data has: {shortened(data)}" + "".join(dict.fromkeys(hints)),
                names,
            )
        return dict(zip(self.outputs, self.returned(self.call(values)), strict=True))

    def call(self, values: Sequence[Any]) -> Any:
        """Call the function with a value for each input, the way they were declared."""
        if self.keywords is None:
            return self.caller(self.func, values)
        named = dict(zip(self.keywords, values, strict=True))
        first = [named.pop(name) for name in self._by_position]
        return self.caller(self.func, first, named)

    def returned(self, value: Any) -> list[Any]:
        """The function's return value as one value for each output.

        Raises:
            OutputMismatchError: it doesn't fit: not a tuple or list, or of another length.
        """
        n_outputs = len(self.outputs)
        if n_outputs == 1:
            return [value]
        if n_outputs == 0:
            if value is not None and (lazy := unbegun(value)):
                raise OutputMismatchError(
                    f"the writer {self.name!r} returned {lazy}, so its work was never done\n"
                    "  do it in the function: go through it, as list(...) does, or asyncio.run(...)"
                )
            return []
        if not isinstance(value, (tuple, list)):
            mend = f"return a tuple or list of {n_outputs} values, or name one output"
            if isinstance(value, Mapping):
                keys = ", ".join(f"made[{output!r}]" for output in self.outputs[:4])
                mend += f"\n  of a dict: return {keys}{', ...' * (n_outputs > 4)}"
            raise OutputMismatchError(
                f"node {self.name!r} names {n_outputs} outputs ({shortened(self.outputs)}), "
                f"but its function returned one {type_name(value)}\n  {mend}"
            )
        if len(value) != n_outputs:
            raise OutputMismatchError(
                f"node {self.name!r} names {n_outputs} outputs ({shortened(self.outputs)}), "
                f"but its function returned {len(value)} values\n"
                f"  return exactly {n_outputs} values"
            )
        return list(value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Node is frozen: node.replace({name}=...) gives a changed copy")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Node is frozen: {name!r} can't be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.func, self._declared(), *self._options())

    def portable(self) -> Node:
        """This node for another process; stand-ins replace what can't be pickled."""
        func = portable(self.func, self.name)
        depends_on = [portable(each, shown(each)) for each in _sendable(self.depends_on)]
        if func is self.func and not depends_on:
            return self
        options = *self._options()[:-1], depends_on
        return _rebuilt(func, self._declared(), *options)

    def _declared(self) -> tuple[str, ...] | dict[str, str]:
        """The inputs as they were declared."""
        if self.keywords is None:
            return self.inputs
        return dict(zip(self.keywords, self.inputs, strict=True))

    def _options(self) -> tuple[Any, ...]:
        return (
            *(self.outputs, self.profile, self.name if self._is_named else None),
            *(self.always_run, self.isolate),
            *(self.effect, self.persist, _sendable(self.depends_on)),
        )

    def __repr__(self) -> str:
        made = shortened(self.outputs) if self.outputs else "(no outputs)"
        options = ", effect=True" * self.effect + ", persist=False" * (not self.persist)
        if self.depends_on:
            options += f", depends_on={len(self.depends_on)}"
        read = shortened(self.inputs) if self.inputs else "(no inputs)"
        return f"<Node {bounded(self.name)}: {read} -> {made}{options}>"


# What stays in a renamed node, by its descriptors: 1,000 nodes may be renamed at once.
_KEPT: Final = [
    (vars(Node)[slot].__get__, vars(Node)[slot].__set__)
    for slot in Node.__slots__
    if slot not in ("inputs", "outputs", "name", "_is_named")
]


def _rebuilt(
    func: Callable[..., Any],
    inputs: Names | Mapping[str, str],
    outputs: Names,
    profile: bool,
    name: str | None,
    always_run: bool,
    isolate: bool,
    effect: bool,
    persist: bool,
    depends_on: Listed[Any],
) -> Node:
    """A Node from its pickle."""
    return Node(
        func, inputs, outputs, profile, name=name, always_run=always_run, isolate=isolate,
        effect=effect, persist=persist, depends_on=depends_on,
    )  # fmt: skip


class _ModuleByName:
    """Pickles in place of a module, which can't be pickled, and is loaded as the module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self._name,)


def _sendable(depends_on: Iterable[Any]) -> list[Any]:
    return [
        _ModuleByName(each.__name__) if isinstance(each, ModuleType) else each
        for each in depends_on
    ]


def _dependencies(node: str, depends_on: Any) -> tuple[Any, ...]:
    if isinstance(depends_on, str) or not isinstance(depends_on, Sequence):
        refuse(
            node,
            f"its depends_on must be a list, got {shown(depends_on)}\n"
            "  write depends_on=[...], with functions, classes, modules, values or Files",
        )
    for each in depends_on:
        if isinstance(each, str):
            refuse(
                node,
                f"its depends_on holds the text {each!r}\n  a node that must run before this one "
                "comes earlier in the list, or makes an object that this one reads; "
                "give functions, classes, modules, values or Files",
            )
    return tuple(depends_on)


def _given(data: Mapping[str, Any], name: str) -> Any:
    if name not in data and is_config_reference(name) and CONFIG in data:
        return look_up(data[CONFIG], name)
    return data[name]


def _names(node: str, what: str, names: Any) -> tuple[str, ...]:
    """The names as a tuple; a bare string, no sequence, or anything but text is refused."""
    if type(names) is not list and type(names) is not tuple:
        if isinstance(names, str):
            refuse(node, f"its {what} are the string {names!r}; write [{names!r}]")
        if not isinstance(names, Sequence):
            mend = f"\n  a node without {what} has []" if names is None else ""
            refuse(node, f"its {what} must be a list of names, got {shown(names)}{mend}")
    for name in names:
        if not isinstance(name, str):
            refuse(node, f"its {what} must be names, got {shown(name)}")
        if not name:
            refuse(node, f"its {what} hold an empty name")
    return tuple(names)
