"""One step of a pipeline, declared: a function, the names it reads and the names it makes.

Everything that can be known to be wrong about a single step is refused here, at once. How
steps fit together is the wiring's business, and running them the run's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, NoReturn, TypeGuard, TypeVar, final, overload

from linepipe_core._declare.config import CONFIG, MissingPathError, is_config_reference, look_up
from linepipe_core._declare.later import runs_later, unbegun
from linepipe_core._declare.portable import portable
from linepipe_core._errors import MissingInputError, NodeDefinitionError, OutputMismatchError
from linepipe_core._text import bounded, did_you_mean, shortened, type_name

T = TypeVar("T")

__all__ = ["Node", "create_named_partial_function", "name_of"]

_TAKES_VARARGS = 0x04  # inspect.CO_VARARGS; inspect costs more to import than all of core
_TAKES_KEYWORDS = 0x08  # inspect.CO_VARKEYWORDS


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
        "always_run",
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
        inputs: Sequence[str] | Mapping[str, str],
        outputs: Sequence[str],
        profile: bool = False,
        *,
        name: str | None = None,
        always_run: bool = False,
        isolate: bool = True,
        effect: bool = False,
        persist: bool = True,
        depends_on: Sequence[Any] = (),
    ) -> None:
        if not callable(func):
            raise NodeDefinitionError(
                f"a Node's function must be callable, got {_shown(func)}\n"
                "  pass the function itself: Node(clean, ...), not its result or its name"
            )
        if name is None:
            name = name_of(func)
        elif type(name) is not str or not name:
            _refuse(func, f"its name must be a non-empty string, got {_shown(name)}")
        keywords: tuple[str, ...] | None = None
        if isinstance(inputs, Mapping):
            keywords = _names(name, "parameters", tuple(inputs))
            inputs = tuple(inputs.values())
        read = _names(name, "inputs", inputs)
        made = _names(name, "outputs", outputs)
        for reference in read:
            if reference.startswith("config.") and "" in reference.split("."):
                _refuse(name, f"the config reference {reference!r} has an empty part")
        if len(set(made)) < len(made):
            twice = next(output for output in made if made.count(output) > 1)
            _refuse(name, f"the output {twice!r} is named twice; outputs need names of their own")
        for output in made:
            if is_config_reference(output):
                _refuse(name, f"an output can't be called {output!r}: that name means the config")
        by_position = _check_signature(func, name, read, keywords)
        kind = runs_later(func)
        if kind == "coroutine":
            _refuse(
                name,
                "calling its function runs nothing, for it is async\n"
                "  wrap it: a plain function that returns asyncio.run(...)",
            )
        if kind == "generator" and not made:
            _refuse(
                name,
                "it has no outputs, and calling its function runs nothing: it gives a generator\n"
                "  wrap it in a plain function that goes through it, as list(...) does",
            )
        switches = {"profile": profile, "always_run": always_run, "isolate": isolate}
        for option, value in {**switches, "effect": effect, "persist": persist}.items():
            if value is not True and value is not False:
                _refuse(name, f"{option} is True or False, got {_shown(value)}")
        put = object.__setattr__
        put(self, "_by_position", by_position)
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
        put(self, "depends_on", _dependencies(name, depends_on))

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError(
            f"Node is final: {cls.__name__} can't subclass it\n"
            "  write a function that makes nodes, or change a copy: node.replace(...)"
        )

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
            return self.func(*values)
        named = dict(zip(self.keywords, values, strict=True))
        if not self._by_position:
            return self.func(**named)
        first = [named.pop(name) for name in self._by_position]
        return self.func(*first, **named)

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
        raise AttributeError(f"a Node is frozen: build another one to change {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Node is frozen: {name!r} can't be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.func, self._declared(), *self._options())

    def portable(self) -> Node:
        """This node for another process; stand-ins replace what can't be pickled."""
        func = portable(self.func, self.name)
        depends_on = [portable(each, _shown(each)) for each in _sendable(self.depends_on)]
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
            *(self.outputs, self.profile, self.name, self.always_run, self.isolate),
            *(self.effect, self.persist, _sendable(self.depends_on)),
        )

    def __repr__(self) -> str:
        made = shortened(self.outputs) if self.outputs else "(no outputs)"
        options = ", effect=True" * self.effect + ", persist=False" * (not self.persist)
        if self.depends_on:
            options += f", depends_on={len(self.depends_on)}"
        read = shortened(self.inputs) if self.inputs else "(no inputs)"
        return f"<Node {bounded(self.name)}: {read} -> {made}{options}>"


def _rebuilt(
    func: Callable[..., Any],
    inputs: Sequence[str] | Mapping[str, str],
    outputs: Sequence[str],
    profile: bool,
    name: str,
    always_run: bool,
    isolate: bool,
    effect: bool,
    persist: bool,
    depends_on: Sequence[Any],
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
        _refuse(
            node,
            f"its depends_on must be a list, got {_shown(depends_on)}\n"
            "  write depends_on=[...], with functions, classes, modules, values or Files",
        )
    for each in depends_on:
        if isinstance(each, str):
            _refuse(
                node,
                f"its depends_on holds the text {each!r}\n  a node that must run before this one "
                "comes earlier in the list, or makes an object that this one reads; "
                "give functions, classes, modules, values or Files",
            )
    return tuple(depends_on)


@overload
def create_named_partial_function(
    func: Callable[..., T], func_name: str, /, **kwargs: Any
) -> Callable[..., T]: ...


@overload
def create_named_partial_function(
    func: Callable[..., T], /, *, func_name: str, **kwargs: Any
) -> Callable[..., T]: ...


@overload
def create_named_partial_function(
    *, func: Callable[..., T], func_name: str, **kwargs: Any
) -> Callable[..., T]: ...


def create_named_partial_function(*args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Bind keyword arguments of a function, and give the result a name of its own.

    For functions that serve several nodes, such as writers: logs, history, views and errors
    then tell the nodes apart. The result pickles where the function and the arguments do,
    and keeps the function's docstring and ``__wrapped__``.

    Args:
        func: any callable that takes these keywords.
        func_name: the result's ``__name__``. Both may be given by position or by keyword; where
            both are given by position, any keyword is bound, also ones of these two names.
        **kwargs: the arguments to bind.

    Returns:
        A callable that takes what is left to pass.

    Raises:
        NodeDefinitionError: the function doesn't take one of the keywords, or ``func_name`` is
            no name.
        TypeError: ``func`` or ``func_name`` is missing.

    Example:
        >>> def scale(value: float, factor: float) -> float:
        ...     return value * factor
        >>> double = create_named_partial_function(scale, "double", factor=2)
        >>> double.__name__, double(21)
        ('double', 42)
    """
    # The two first are popped by hand: as named parameters they couldn't be bound as well.
    given = list(args[:2])
    for place, parameter in enumerate(("func", "func_name")):
        if len(given) == place and parameter in kwargs:
            given.append(kwargs.pop(parameter))
    if len(given) < 2 or len(args) > 2:
        raise TypeError(
            "create_named_partial_function() takes a function, its new name and keywords to bind, "
            f"got {len(args)} by position and {', '.join(kwargs) or 'nothing'} by keyword\n"
            '  create_named_partial_function(scale, "double", factor=2)'
        )
    func, func_name = given
    if not callable(func):
        raise NodeDefinitionError(f"the function must be callable, got {_shown(func)}")
    if type(func_name) is not str or not func_name:
        _refuse(func, f"func_name must be a non-empty string, got {_shown(func_name)}")
    signature = _signature(func)
    if signature is not None:
        try:
            signature.bind_partial(**kwargs)
        except TypeError as error:
            takes = list(signature.parameters)
            near = "".join(
                dict.fromkeys(did_you_mean(key, takes) for key in kwargs if key not in takes)
            )
            raise NodeDefinitionError(
                f"{name_of(func)}() can't be bound as {func_name!r}: {error}\n"
                f"  it takes: {shortened(takes)}{near}"
            ) from None
    return _named_partial(func, func_name, kwargs)


class _NamedPartial(functools.partial[Any]):
    """A partial that knows its own name, and its signature in spite of ``__wrapped__``."""

    @property
    def __signature__(self) -> Any:
        import inspect

        # inspect would follow __wrapped__ and forget what is bound.
        return inspect.signature(functools.partial(self.func, *self.args, **self.keywords))


def _named_partial(
    func: Callable[..., T], name: str, keywords: Mapping[str, Any]
) -> Callable[..., T]:
    """``func`` with these keywords bound, called ``name``."""
    bound = _NamedPartial(func, **keywords)
    functools.update_wrapper(bound, func)
    bound.__name__ = bound.__qualname__ = name  # type: ignore[attr-defined]
    return bound


def name_of(func: Callable[..., Any]) -> str:
    """The name to call a function by: its own, a partial's function's, an object's class's."""
    name = getattr(func, "__name__", None)
    if isinstance(name, str) and name:
        return name
    return name_of(func.func) if _is_partial(func) else type(func).__name__


def _is_partial(func: Any) -> TypeGuard[functools.partial[Any]]:
    return isinstance(func, functools.partial)


def _given(data: Mapping[str, Any], name: str) -> Any:
    if name not in data and is_config_reference(name) and CONFIG in data:
        return look_up(data[CONFIG], name)
    return data[name]


def _names(node: str, what: str, names: Any) -> tuple[str, ...]:
    """The names as a tuple; a bare string, no sequence, or anything but text is refused."""
    if type(names) is not list and type(names) is not tuple:
        if isinstance(names, str):
            _refuse(node, f"its {what} are the string {names!r}; write [{names!r}]")
        if not isinstance(names, Sequence):
            _refuse(node, f"its {what} must be a list of names, got {_shown(names)}")
    for name in names:
        if not isinstance(name, str):
            _refuse(node, f"its {what} must be names, got {_shown(name)}")
        if not name:
            _refuse(node, f"its {what} hold an empty name")
    return tuple(names)


def _check_signature(
    func: Callable[..., Any], name: str, inputs: tuple[str, ...], keywords: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Refuse inputs that the function can't take; of named ones, give those to pass by position."""
    if type(func) is FunctionType and keywords is None and _takes_by_position(func, len(inputs)):
        return ()
    signature = _signature(func)
    if signature is None:
        return ()  # a builtin that doesn't tell; the call will
    try:
        if keywords is None:
            signature.bind(*inputs)
        else:
            signature.bind(**dict.fromkeys(keywords))
    except TypeError as error:
        if keywords is not None and _takes_by_keyword(signature, keywords):
            return ()
        if keywords is not None and (by_position := _mixed(signature, keywords)):
            return by_position
        given = (
            f"{len(inputs)} by position: {', '.join(inputs) or '(none)'}"
            if keywords is None
            else f"by keyword: {', '.join(keywords)}"
        )
        takes = list(signature.parameters)
        near = "".join(did_you_mean(k, takes) for k in keywords or () if k not in takes)
        raise NodeDefinitionError(
            f"node {name!r}: {name_of(func)}{signature_text(signature)} can't take its inputs: "
            f"{error}\n  given {given}{near}"
        ) from None
    return ()


def _takes_by_position(func: FunctionType, n_inputs: int) -> bool:
    """Return True if a plain function takes so many values by position.

    In place of inspect, which takes 15 us a function and 5 ms to import.
    """
    code = func.__code__
    n_defaults = len(func.__defaults__) if func.__defaults__ else 0
    if n_inputs < code.co_argcount - n_defaults:
        return False
    if n_inputs > code.co_argcount and not code.co_flags & _TAKES_VARARGS:
        return False
    return len(func.__kwdefaults__ or ()) == code.co_kwonlyargcount


def _signature(func: Callable[..., Any]) -> Any:
    """The signature of the callable as it will be called, or None when it tells none."""
    import inspect

    # A wrapper may pass on more or less than it gets, and a partial has bound some: their own
    # signature is the true one. Only a cache of functools has none but that of what it wraps.
    for follow_wrapped in (False, True):
        try:
            return inspect.signature(func, follow_wrapped=follow_wrapped)
        except (ValueError, TypeError):
            continue
    return None


def _mixed(signature: Any, keywords: Sequence[str]) -> tuple[str, ...]:
    """The positional-only parameters among the keywords, if the others need keywords.

    Neither a list nor keywords alone can call such a function.
    """
    parameters = signature.parameters.values()
    if not any(p.kind is p.KEYWORD_ONLY and p.name in keywords for p in parameters):
        return ()
    first = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in keywords)
    rest = dict.fromkeys(name for name in keywords if name not in first)
    leading = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY][: len(first)]
    try:
        signature.bind(*first, **rest)
    except TypeError:
        return ()
    return first if list(first) == leading else ()


def _takes_by_keyword(signature: Any, keywords: Sequence[str]) -> bool:
    """Return True if a call with these keywords, and nothing else, is one that works.

    Not left to ``Signature.bind`` alone, which doesn't see that ``**rest`` takes a keyword with
    the name of a positional-only parameter.
    """
    parameters = signature.parameters.values()
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    has_rest = any(p.kind is p.VAR_KEYWORD for p in parameters)
    needed = {
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    by_position = {p.name for p in parameters if p.kind is p.POSITIONAL_ONLY}
    return (
        needed.isdisjoint(by_position)
        and needed <= set(keywords)
        and (has_rest or named.issuperset(keywords))
    )


def signature_text(signature: Any) -> str:
    """A signature without its annotations, short enough for a message."""
    shown = []
    for parameter in signature.parameters.values():
        stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
        default = "=..." if parameter.default is not parameter.empty else ""
        shown.append(f"{stars}{parameter.name}{default}")
    return f"({', '.join(shown)})"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # of a user's class
        text = "a value"
    return f"{bounded(text, 60)} ({type_name(value)})"


def _refuse(node: Any, why: str) -> NoReturn:
    called = node if isinstance(node, str) else name_of(node)
    raise NodeDefinitionError(f"node {called!r}: {why}")
