"""Normalised code objects: their instructions, with everything cosmetic taken out.

Code is compared by its bytecode, since that is what runs: source may have been edited after it
was loaded, and functions made by ``exec`` or in a notebook may have none. But bytecode also
holds line numbers, docstrings and the names of local variables, and its layout depends on how
lines are broken. So a code object is walked along its flow of control, with jumps followed and
locals numbered in order of use, and what is left is hashed. What the names of globals stand
for is not decided here: they are handed on as ``references``.
"""

from __future__ import annotations

import dis
import sys
import weakref
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from types import CodeType
from typing import Any, Final, Self

from linepipe_core._code.code_facts import known_code, note_code
from linepipe_core._named_tuple import NamedTuple

__all__ = ["Import", "NormalCode", "nested_codes", "normalise"]

# Opcode names of 3.11 to 3.13; newer ones that are unknown here only make a digest less tolerant.
_DROPPED: Final = frozenset(
    {"NOP", "RESUME", "EXTENDED_ARG", "CACHE", "MAKE_CELL", "COPY_FREE_VARS", "LOAD_CLOSURE"}
)
_JUMPS: Final = frozenset({"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"})
_ENDS: Final = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"})
_GLOBAL_LOADS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_ATTRIBUTE_LOADS: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_NULL_AFTER: Final = sys.version_info >= (3, 13)  # PUSH_NULL after what is called, not before
_LOCAL_LOADS: Final = ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF")
_LOCAL_STORES: Final = ("STORE_FAST", "STORE_DEREF")
_CALLS: Final = frozenset({"CALL", "PRECALL"})  # up to 3.11 the latter comes first
# A conditional jump and its opposite are one branch with its two ways swapped.
_OPPOSITES: Final = {
    "POP_JUMP_IF_FALSE": "POP_JUMP_IF_TRUE",
    "POP_JUMP_IF_NOT_NONE": "POP_JUMP_IF_NONE",
}
# Written into class bodies by the compiler: words and places, not behaviour.
_CLASS_NOTES: Final = frozenset({"__doc__", "__firstlineno__", "__static_attributes__"})
_JOINED: Final = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
}
# Since 3.12 the argument holds a method's flag, its lowest bit, beside the name.
_FLAGS_BESIDE_NAME: Final = (
    {"LOAD_ATTR": 1, "LOAD_SUPER_ATTR": 3} if sys.version_info >= (3, 12) else {}
)
_HUGE: Final = 1 << 4096
_HAS_JUMP: Final = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_HAS_NAME: Final = frozenset(dis.hasname)
_HAS_CONST: Final = frozenset(dis.hasconst)
_HAS_LOCAL: Final = frozenset(dis.haslocal)
_HAS_CELL: Final = frozenset(dis.hasfree)
_ANNOTATIONS_FLAG: Final = 0x04  # of MAKE_FUNCTION, up to 3.13


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
    """

    digest: str
    references: tuple[tuple[str, ...], ...]
    imports: tuple[Import, ...]
    writes: frozenset[str]
    methods: frozenset[tuple[str, ...]]
    bare: frozenset[tuple[str, ...]]
    reads: frozenset[str]

    def as_data(self) -> list[Any]:
        """All of it as lists and texts."""
        sets = (sorted(each) for each in (self.writes, self.methods, self.bare, self.reads))
        return [self.digest, self.references, self.imports, *sets]

    @classmethod
    def of_data(cls, data: list[Any]) -> Self:
        """The NormalCode that ``as_data`` has given."""
        digest, references, imports, writes, methods, bare, reads = data
        return cls(
            digest,
            tuple(map(tuple, references)),
            tuple(Import(module, level, tuple(names)) for module, level, names in imports),
            frozenset(writes),
            frozenset(map(tuple, methods)),
            frozenset(map(tuple, bare)),
            frozenset(reads),
        )


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
    writer.write(_writable(code))
    lines = "\n".join(writer.lines).encode("utf-8", "surrogatepass")
    return NormalCode(
        blake2b(lines, digest_size=16).hexdigest(),
        tuple(writer.references),
        tuple(writer.imports),
        frozenset(writer.writes),
        frozenset(writer.methods),
        frozenset(writer.bare),
        frozenset(writer.reads),
    )


# By identity: comparing code objects by value would compare their line numbers too.
_KNOWN: dict[int, tuple[weakref.ref[CodeType], NormalCode]] = {}


def _writable(code: CodeType) -> CodeType:
    """The code with huge numbers as hex text: dis calls their repr, which Python refuses."""
    constants = tuple(
        _writable(each)
        if isinstance(each, CodeType)
        else hex(each)
        if type(each) is int and abs(each) > _HUGE
        else each
        for each in code.co_consts
    )
    same = all(new is old for new, old in zip(constants, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=constants)


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
        flow = _Flow(code)
        slots: dict[str, int] = {}
        self._write_header(code, slots)
        for place, step in enumerate(flow.steps):
            if place in flow.skipped:
                continue
            if isinstance(step.argval, CodeType):
                self.write(step.argval)
            tried, onward = flow.tried(place), flow.onward(place)
            for name, value in _parts(step):
                self.lines.append(f"{name} {self._argument(flow, place, value, slots)}{tried}")
            self.lines[-1] += onward
            self._note(flow, place)
        self.lines.append("end")

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

    def _argument(self, flow: _Flow, place: int, value: Any, slots: dict[str, int]) -> str:
        step = flow.steps[place]
        opcode, arg = step.opcode, step.arg or 0
        if isinstance(value, CodeType):
            return "code"
        if step.opname in _GLOBAL_LOADS and not flow.is_own_name(value):
            path = flow.path(place)
            return f"global {self.references.setdefault(path, len(self.references))}"
        if opcode in _HAS_CONST:
            return _constant(value)
        if opcode in _HAS_NAME:
            return f"{value} {arg & _FLAGS_BESIDE_NAME.get(step.opname, 0)}"
        if opcode in _HAS_CELL or value in flow.cells:
            return f"cell {self._cell(value)}"
        if opcode in _HAS_LOCAL:
            return f"local {slots.setdefault(value, len(slots))}"
        if opcode in _HAS_JUMP:
            return ""
        return str(arg & ~_ANNOTATIONS_FLAG if step.opname == "MAKE_FUNCTION" else arg)

    def _note(self, flow: _Flow, place: int) -> None:
        step = flow.steps[place]
        if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            self.writes.add(step.argval)
        elif step.opname == "IMPORT_NAME":
            names = flow.steps[place - 1].argval or ()
            level = flow.steps[place - 2].argval
            self.imports.append(Import(step.argval, level, tuple(names)))
            if not level:
                self._note_bound(flow, place, bool(names))
        elif step.opname in _GLOBAL_LOADS:
            self._note_call(flow, place, flow.path(place))
        elif _is_method_load(step) and not flow.belongs_to_path(place):
            self.methods.add((step.argval,))
        elif step.opname.endswith(_LOCAL_LOADS) and self._imported:
            name = step.argval if isinstance(step.argval, str) else step.argval[-1]
            if name in self._imported:
                self.reads.add(".".join((self._imported[name], *flow.path(place)[1:])))

    def _note_bound(self, flow: _Flow, place: int, is_from: bool) -> None:
        """The local names that an import binds, and what to."""
        module = flow.steps[place].argval
        given = module.partition(".")[0]
        for step in flow.steps[place + 1 :]:
            if step.opname == "IMPORT_FROM":  # also of "import a.b as c"
                given = f"{module}.{step.argval}" if is_from else module
            elif step.opname.startswith(_LOCAL_STORES):
                name = step.argval if isinstance(step.argval, str) else step.argval[0]
                self._imported[name] = given
                if not is_from:
                    break
            elif step.opname not in ("SWAP", "POP_TOP"):
                break

    def _note_call(self, flow: _Flow, place: int, path: tuple[str, ...]) -> None:
        """The label of a global with the attributes that are read from it."""
        first, last = flow.steps[place], flow.steps[place + len(path) - 1]
        following = flow.steps[place + len(path) :][:3]
        # What was imported is called like a function: NULL beside the first, or at the end.
        is_called = first.opname == "LOAD_GLOBAL" and bool((first.arg or 0) & 1)
        if _NULL_AFTER and following and following[0].opname == "PUSH_NULL":
            is_called, following = True, following[1:]
        if len(path) > 1 and (is_called or _is_method_load(last)):
            self.methods.add(path)
        n_nones = 0
        if following and following[0].opname == "LOAD_CONST" and following[0].argval is None:
            n_nones, following = 1, following[1:]
        if following and following[0].opname in _CALLS and following[0].arg == n_nones:
            self.bare.add(path)


class _Flow:
    """A code object's instructions in the order in which control reaches them."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        listing: Any = dis.Bytecode(code)  # typeshed doesn't know exception_entries
        self._at = {step.offset: _with_names(step, code) for step in listing}
        offsets = list(self._at)
        self._next = dict(pairwise(offsets))
        self._tries = list(listing.exception_entries)
        self._stored = {s.argval for s in self._at.values() if s.opname == "STORE_NAME"}
        self._place: dict[int, int] = {}
        self._ways: dict[int, list[int]] = {}
        self.cells = frozenset(code.co_cellvars + code.co_freevars)
        self.steps = self._ordered(offsets[0])
        self.skipped = self._cosmetic()
        self._number = self._numbered()

    def _ordered(self, entry: int) -> list[dis.Instruction]:
        steps: list[dis.Instruction] = []
        waiting = [entry]
        while waiting:
            offset: int | None = self._settle(waiting.pop())
            while offset is not None and offset not in self._place:
                step = self._at[offset]
                self._place[offset] = len(steps)
                steps.append(step)
                waiting.extend(self._handlers(offset))
                ways = self._ways[offset] = self._successors(step)
                waiting.extend(ways[1:])
                offset = ways[0] if ways else None
        return steps

    def _settle(self, offset: int) -> int:
        """The next instruction that does something; jumps are followed."""
        passed = set()
        jump = offset
        while offset not in passed:
            passed.add(offset)
            step = self._at[offset]
            if step.opname in _JUMPS:
                jump, offset = offset, step.argval
            elif step.opname in _DROPPED or self._is_closure_load(step):
                offset = self._next[offset]
            else:
                return offset
        return jump  # of an endless loop that does nothing

    def _is_closure_load(self, step: dis.Instruction) -> bool:
        # 3.13 writes LOAD_CLOSURE as LOAD_FAST of a cell; which cells, the nested code tells.
        if step.opname == "LOAD_FAST_LOAD_FAST":
            return all(name in self.cells for name in step.argval)
        return step.opname == "LOAD_FAST" and step.argval in self.cells

    def _successors(self, step: dis.Instruction) -> list[int]:
        """Where control goes from here: when the condition holds, then otherwise."""
        if step.opname in _ENDS:
            return []
        if step.opname in _JUMPS:
            return [self._settle(step.argval)]
        following = self._settle(self._next[step.offset])
        if step.opcode not in _HAS_JUMP:
            return [following]
        target = self._settle(step.argval)
        return [following, target] if _plain(step.opname) in _OPPOSITES else [target, following]

    def _handlers(self, offset: int) -> Iterator[int]:
        for entry in self._tries:
            if entry.start <= offset < entry.end:
                yield self._settle(entry.target)

    def onward(self, place: int) -> str:
        """The instructions that may come after, unless it is just the following one."""
        step = self.steps[place]
        ways = [self._number[self._place[offset]] for offset in self._ways[step.offset]]
        return "" if ways == [self._number[place] + _n_parts(step)] else f" -> {ways}"

    def tried(self, place: int) -> str:
        """Where control goes if the instruction raises."""
        if not self._tries:
            return ""
        handlers = self._handlers(self.steps[place].offset)
        return "".join(f" ! {self._number[self._place[offset]]}" for offset in handlers)

    def _numbered(self) -> list[int]:
        """For each place, how many instructions that count come before it."""
        numbers, n = [], 0
        for place, step in enumerate(self.steps):
            numbers.append(n)
            if place not in self.skipped:
                n += _n_parts(step)
        return numbers

    def path(self, place: int) -> tuple[str, ...]:
        """The global's name and the attributes that are read from it right away."""
        names = [self.steps[place].argval]
        for step in self.steps[place + 1 :]:
            if step.opname not in _ATTRIBUTE_LOADS:
                break
            names.append(step.argval)
        return tuple(names)

    def belongs_to_path(self, place: int) -> bool:
        """Return True if an attribute is read right away from a global."""
        while place and self.steps[place].opname in _ATTRIBUTE_LOADS:
            place -= 1
        return self.steps[place].opname in _GLOBAL_LOADS

    def is_own_name(self, name: str) -> bool:
        """Return True if a class body reads what it has itself assigned."""
        return name in self._stored

    def _cosmetic(self) -> frozenset[int]:
        """The places of docstrings, line numbers and type hints."""
        skipped: set[int] = set()
        for place, step in enumerate(self.steps):
            if step.opname == "STORE_NAME" and step.argval in _CLASS_NOTES:
                skipped.update((place - 1, place))
            elif step.opname == "MAKE_FUNCTION" and (step.arg or 0) & _ANNOTATIONS_FLAG:
                skipped.update(self._hints(place))
            elif step.opname == "SET_FUNCTION_ATTRIBUTE" and step.arg == _ANNOTATIONS_FLAG:
                skipped.update((place, *self._hints_on_stack(place)))
        return frozenset(skipped)

    def _hints(self, place: int) -> range:
        """Up to 3.12: the hints lie below the code and the closure."""
        end = place - 2  # over the code
        if (self.steps[place].arg or 0) & 0x08:
            end -= 1  # and the closure's tuple, whose loads are dropped
        return self._pushing(end)

    def _hints_on_stack(self, place: int) -> range:
        """From 3.13 on: the hints lie below the new function."""
        end = place - 1
        while self.steps[end].opname == "SET_FUNCTION_ATTRIBUTE":
            end -= 1
        closed = any(step.arg == 0x08 for step in self.steps[end + 1 : place])
        return self._pushing(end - (3 if closed else 2))  # below the code, and the closure

    def _pushing(self, last: int) -> range:
        """The run of instructions that end at ``last`` and leave one value."""
        needed, place = 1, last
        while place >= 0:
            step = self.steps[place]
            if step.opcode in _HAS_JUMP:
                return range(0)  # a hint that branches counts
            needed -= dis.stack_effect(step.opcode, step.arg)
            if needed == 0:
                return range(place, last + 1)
            place -= 1
        return range(0)


def _with_names(step: dis.Instruction, code: CodeType) -> dis.Instruction:
    """The names of keyword arguments, which dis of 3.11 and 3.12 doesn't look up."""
    if step.opname != "KW_NAMES":
        return step
    return step._replace(argval=code.co_consts[step.arg or 0])


def _is_method_load(step: dis.Instruction) -> bool:
    """Return True if an attribute is read in order to be called."""
    if step.opname == "LOAD_METHOD":
        return True
    return step.opname in _FLAGS_BESIDE_NAME and bool((step.arg or 0) & 1)


@cache
def _plain(opname: str) -> str:
    return opname.replace("_FORWARD", "").replace("_BACKWARD", "")


def _n_parts(step: dis.Instruction) -> int:
    return 2 if step.opname in _JOINED else 1


def _parts(step: dis.Instruction) -> list[tuple[str, Any]]:
    """The instruction, or the two that 3.13 joins where they stand on one line."""
    name = step.opname
    if name in _JOINED:
        return list(zip(_JOINED[name], step.argval, strict=True))
    plain = _plain(name)
    return [(_OPPOSITES.get(plain, plain), step.argval)]


def _constant(value: Any) -> str:
    """A constant of the compiler's as text; sets don't depend on their order."""
    if value is dis.UNKNOWN:  # type: ignore[attr-defined]  # typeshed leaves it out
        raise NotImplementedError(f"Python {sys.version} has a constant that dis can't tell")
    if isinstance(value, frozenset):
        return f"frozenset {sorted(map(_constant, value))}"
    if isinstance(value, tuple):
        return f"tuple {[_constant(item) for item in value]}"
    return f"{type(value).__name__} {value!r}"
