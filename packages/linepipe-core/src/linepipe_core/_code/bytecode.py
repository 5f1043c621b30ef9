"""Normalised code objects: their instructions, with everything cosmetic taken out.

Code is compared by its bytecode, since that is what runs: source may have been edited after it
was loaded, and functions made by ``exec`` or in a notebook may have none. But bytecode also
holds line numbers, docstrings and the names of local variables, and its layout depends on how
lines are broken. So a code object is walked along its flow of control, with jumps followed and
locals numbered in order of use, and what is left is hashed. What the names of globals stand
for is not decided here: they are handed on as ``references``.
"""

from __future__ import annotations

import opcode
import sys
import weakref
from collections.abc import Iterator
from hashlib import blake2b
from types import CodeType
from typing import Any, Final, NamedTuple, Self

from linepipe_core._code.code_facts import known_code, note_code
from linepipe_core._code.flow import (
    GLOBAL_LOADS,
    JOINED,
    NAMES,
    OPPOSITES,
    Flow,
    codes_of,
    is_method_load,
)
from linepipe_core._code.texts import readers_in, seeds_in, words_of

__all__ = ["Import", "NormalCode", "nested_codes", "normalise"]

_NULL_AFTER: Final = sys.version_info >= (3, 13)  # PUSH_NULL after what is called, not before
_CALLS: Final = codes_of("CALL", "PRECALL")  # up to 3.11 the latter comes first
_GLOBAL_WRITES: Final = codes_of("STORE_GLOBAL", "DELETE_GLOBAL")
_IMPORT_NAME: Final = codes_of("IMPORT_NAME")
_IMPORT_FROM: Final = codes_of("IMPORT_FROM")
_LOAD_CONST: Final = codes_of("LOAD_CONST")
_LOAD_GLOBAL: Final = codes_of("LOAD_GLOBAL")
_PUSH_NULL: Final = codes_of("PUSH_NULL")
_MOVES: Final = codes_of("SWAP", "POP_TOP")
_LOCAL_LOADS: Final = codes_of(
    *("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF", "LOAD_FAST_LOAD_FAST", "STORE_FAST_LOAD_FAST")
)
_LOCAL_STORES: Final = codes_of(
    *("STORE_FAST", "STORE_DEREF", "STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST")
)
# Since 3.12 the argument holds a method's flag, its lowest bit, beside the name.
_FLAGS_BESIDE_NAME: Final = (
    {opcode.opmap["LOAD_ATTR"]: 1, opcode.opmap["LOAD_SUPER_ATTR"]: 3}
    if sys.version_info >= (3, 12)
    else {}
)
_HUGE: Final = 1 << 4096  # Python refuses to write larger ints as text
_ANNOTATIONS_FLAG: Final = 0x04  # of MAKE_FUNCTION, up to 3.13

# The kinds of arguments, by which instructions are written.
_NUMBER, _GLOBAL, _CONST, _NAME, _CELL, _LOCAL, _TARGET, _JOINED_LOCALS, _FLAGS = range(9)


def _kinds() -> bytes:
    kinds = bytearray(256)
    sets = (
        *((_TARGET, (*opcode.hasjrel, *opcode.hasjabs)), (_LOCAL, opcode.haslocal)),
        *((_CELL, opcode.hasfree), (_NAME, opcode.hasname), (_CONST, opcode.hasconst)),
        *((_GLOBAL, GLOBAL_LOADS), (_JOINED_LOCALS, codes_of(*JOINED))),
        (_FLAGS, codes_of("MAKE_FUNCTION")),
    )
    for kind, codes in sets:
        for code in codes:
            if code < 256:
                kinds[code] = kind
    return bytes(kinds)


_KINDS: Final = _kinds()
# The names as they are written: the way of a jump and its condition are told by where it leads.
_WRITTEN: Final = tuple(
    OPPOSITES.get(plain, plain)
    for plain in (name.replace("_FORWARD", "").replace("_BACKWARD", "") for name in NAMES)
)
# Most instructions tell nothing of imports, calls and globals.
_TELLING: Final = frozenset(
    {*GLOBAL_LOADS, *_GLOBAL_WRITES, *_IMPORT_NAME, *_LOCAL_LOADS}
    | codes_of("LOAD_METHOD", "LOAD_ATTR", "LOAD_SUPER_ATTR")
)


def nested_codes(code: CodeType) -> Iterator[CodeType]:
    """A code object, and those of the functions and classes that are written in it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from nested_codes(each)


class Import(NamedTuple):
    """An import statement inside a function."""

    module: str
    level: int
    names: tuple[str, ...]


class NormalCode(NamedTuple):
    """A code object and those nested in it, normalised.

    Attributes:
        digest: a hash of the behaviour, globals numbered in order of use.
        references: per number, the global's name and the attributes read from it at once:
            ``helpers.clean(x)`` gives ``("helpers", "clean")``.
        imports: the import statements inside.
        writes: the globals that the code assigns or deletes.
        methods: the methods that the code calls: a global's by its path, any other by its name.
        bare: those of the references that it calls without arguments, or with None alone.
        reads: what it reads of what it imports itself, by full names: ``time.time``.
        words: the words in its texts that may name globals, as `words_of` gives them.
        readers: the functions of SQL in its texts that read files and databases.
        seeds: the keywords of calls in it that may give a seed.
    """

    digest: str
    references: tuple[tuple[str, ...], ...]
    imports: tuple[Import, ...]
    writes: frozenset[str]
    methods: frozenset[tuple[str, ...]]
    bare: frozenset[tuple[str, ...]]
    reads: frozenset[str]
    words: tuple[tuple[str, bool, bool], ...]
    readers: tuple[str, ...]
    seeds: frozenset[str]

    def as_data(self) -> tuple[Any, ...]:
        """All of it as a tuple of plain data."""
        return (*self[:2], tuple(map(tuple, self.imports)), *self[3:])

    @classmethod
    def of_data(cls, data: tuple[Any, ...]) -> Self:
        """The NormalCode that ``as_data`` has given."""
        digest, references, imports, *rest = data
        return cls._make((digest, references, tuple(Import(*each) for each in imports), *rest))


def normalise(code: CodeType) -> NormalCode:
    """Normalise ``code``: leave out all that is cosmetic.

    Comments, docstrings, blank and moved lines, line breaks, type hints of functions and the
    names of local variables don't count. Parameter names do, since callers use them.

    Args:
        code: a function's, class body's or module's code object.

    Returns:
        Its NormalCode; kept as long as the code object lives.
    """
    known = _KNOWN.get(id(code))
    if known is not None and known[0]() is code:
        return known[1]
    digest, fact = known_code(code)
    if fact is not None:
        normal = NormalCode.of_data(fact)
    else:
        normal = _normalised(code)
        note_code(code, digest, normal.as_data())
    key = id(code)
    _KNOWN[key] = (weakref.ref(code, lambda _: _KNOWN.pop(key, None)), normal)
    return normal


def _normalised(code: CodeType) -> NormalCode:
    writer = _Writer()
    writer.write(code)
    lines = "\n".join(writer.lines).encode("utf-8", "surrogatepass")
    return NormalCode(
        blake2b(lines, digest_size=16).hexdigest(),
        tuple(writer.references),
        tuple(writer.imports),
        frozenset(writer.writes),
        frozenset(writer.methods),
        frozenset(writer.bare),
        frozenset(writer.reads),
        words_of(code),
        readers_in(code),
        seeds_in(code),
    )


# By identity: comparing code objects by value would compare their line numbers too.
_KNOWN: dict[int, tuple[weakref.ref[CodeType], NormalCode]] = {}


class _Writer:
    """Collects the lines of one code object and of those nested in it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.references: dict[tuple[str, ...], int] = {}
        self.imports: list[Import] = []
        self.writes: set[str] = set()
        self.methods: set[tuple[str, ...]] = set()
        self.bare: set[tuple[str, ...]] = set()
        self.reads: set[str] = set()
        self._imported: dict[str, str] = {}  # local name -> the full name of what it is bound to
        self._cells: dict[str, int] = {}

    def write(self, code: CodeType) -> None:
        flow = Flow(code)
        slots: dict[str, int] = {}
        self._write_header(code, slots)
        lines, skipped, leading, values = self.lines, flow.skipped, flow.leading, flow.values
        for place, op in enumerate(flow.ops):
            if place in skipped:
                continue
            onward = f"{flow.tried(place)}{flow.onward(place)}" if place in leading else ""
            kind = _KINDS[op]
            if kind == _NUMBER:
                lines.append(f"{_WRITTEN[op]} {flow.args[place]}{onward}")
            elif kind == _LOCAL:
                lines.append(f"{_WRITTEN[op]} {self._variable(flow, values[place], slots)}{onward}")
            elif kind == _JOINED_LOCALS:  # two that 3.13 joins where they stand on one line
                for name, value in zip(JOINED[NAMES[op]], values[place], strict=True):
                    lines.append(f"{name} {self._variable(flow, value, slots)}{flow.tried(place)}")
                lines[-1] += flow.onward(place)
            else:
                lines.append(f"{_WRITTEN[op]} {self._argument(flow, place, op)}{onward}")
            if op in _TELLING:
                self._note(flow, place, op)
        lines.append("end")

    def _write_header(self, code: CodeType, slots: dict[str, int]) -> None:
        n_params = code.co_argcount + code.co_kwonlyargcount
        starred = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
        named, packed = code.co_varnames[:n_params], code.co_varnames[n_params:][:starred]
        for name in (*named, *packed):
            slots[name] = len(slots)
        cells = [self._cell(name) if name in code.co_cellvars else -1 for name in (*named, *packed)]
        free = [(name, self._cell(name)) for name in sorted(code.co_freevars)]
        outer = free if not self.lines else [number for _, number in free]
        kind = code.co_flags & ~0x4000000  # CO_HAS_DOCSTRING (3.13): a docstring is no behaviour
        self.lines.append(
            f"code {named} {code.co_posonlyargcount} {code.co_kwonlyargcount} "
            f"{kind} {cells} {sorted(map(repr, outer))}"
        )

    def _cell(self, name: str) -> int:
        return self._cells.setdefault(name, len(self._cells))

    def _argument(self, flow: Flow, place: int, op: int) -> str:
        kind, value = _KINDS[op], flow.values[place]
        if kind == _CELL:
            return f"cell {self._cell(value)}"
        if kind == _CONST:
            if isinstance(value, CodeType):
                self.write(value)
                return "code"
            return _constant(value)
        if kind == _GLOBAL and not flow.is_own_name(value):
            path = flow.path(place)
            return f"global {self.references.setdefault(path, len(self.references))}"
        if kind in (_NAME, _GLOBAL):
            return f"{value} {flow.args[place] & _FLAGS_BESIDE_NAME.get(op, 0)}"
        return "" if kind == _TARGET else str(flow.args[place] & ~_ANNOTATIONS_FLAG)

    def _variable(self, flow: Flow, name: str, slots: dict[str, int]) -> str:
        if name in flow.cells:
            return f"cell {self._cell(name)}"
        return f"local {slots.setdefault(name, len(slots))}"

    def _note(self, flow: Flow, place: int, op: int) -> None:
        value = flow.values[place]
        if op in _GLOBAL_WRITES:
            self.writes.add(value)
        elif op in _IMPORT_NAME:
            names, level = flow.values[place - 1] or (), flow.values[place - 2]
            self.imports.append(Import(value, level, tuple(names)))
            if not level:
                self._note_bound(flow, place, bool(names))
        elif op in GLOBAL_LOADS:
            self._note_call(flow, place, flow.path(place))
        elif op in _LOCAL_LOADS:
            name = value if isinstance(value, str) else value[-1]
            if name in self._imported:
                self.reads.add(".".join((self._imported[name], *flow.path(place)[1:])))
        elif is_method_load(op, flow.args[place]) and not flow.belongs_to_path(place):
            self.methods.add((value,))

    def _note_bound(self, flow: Flow, place: int, is_from: bool) -> None:
        """The local names that an import binds, and what to."""
        module = flow.values[place]
        given = module.partition(".")[0]
        for at in range(place + 1, len(flow.ops)):
            op, value = flow.ops[at], flow.values[at]
            if op in _IMPORT_FROM:  # also of "import a.b as c"
                given = f"{module}.{value}" if is_from else module
            elif op in _LOCAL_STORES:
                self._imported[value if isinstance(value, str) else value[0]] = given
                if not is_from:
                    break
            elif op not in _MOVES:
                break

    def _note_call(self, flow: Flow, place: int, path: tuple[str, ...]) -> None:
        """The label of a global with the attributes that are read from it."""
        ops, args = flow.ops, flow.args
        end = place + len(path)
        last, following = end - 1, ops[end : end + 3]
        # What was imported is called like a function: NULL beside the first, or at the end.
        is_called = ops[place] in _LOAD_GLOBAL and bool(args[place] & 1)
        if _NULL_AFTER and following and following[0] in _PUSH_NULL:
            is_called, end, following = True, end + 1, following[1:]
        if len(path) > 1 and (is_called or is_method_load(ops[last], args[last])):
            self.methods.add(path)
        n_nones = 0
        if following and following[0] in _LOAD_CONST and flow.values[end] is None:
            n_nones, end, following = 1, end + 1, following[1:]
        if following and following[0] in _CALLS and args[end] == n_nones:
            self.bare.add(path)


def _constant(value: Any) -> str:
    """A constant of the compiler's as text; sets don't depend on their order."""
    kind = type(value)
    if kind is frozenset:
        return f"frozenset {sorted(map(_constant, value))}"
    if kind is tuple:
        return f"tuple {[_constant(item) for item in value]}"
    if kind is int and abs(value) > _HUGE:
        value = hex(value)
    return f"{type(value).__name__} {value!r}"
