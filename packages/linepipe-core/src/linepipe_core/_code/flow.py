"""A code object's instructions, in the order in which control reaches them.

Read from the bytes of the code, by tables of the opcodes: `dis` makes an object of every
instruction, with its position and a text for people, which takes ten times as long. What the
instructions amount to is left to `bytecode`.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Collection, Iterator, Sequence
from types import CodeType
from typing import Any, Final

__all__ = [
    "ATTRIBUTE_LOADS",
    "GLOBAL_LOADS",
    "JOINED",
    "NAMES",
    "OPPOSITES",
    "Flow",
    "codes_of",
    "is_method_load",
    "stored_names",
]

# Opcode names of 3.11 to 3.13; newer ones that are unknown here only make a digest less tolerant.
NAMES: Final = tuple(opcode.opname[:256])
JOINED: Final = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
}
# A conditional jump and its opposite are one branch with its two ways swapped.
OPPOSITES: Final = {
    "POP_JUMP_IF_FALSE": "POP_JUMP_IF_TRUE",
    "POP_JUMP_IF_NOT_NONE": "POP_JUMP_IF_NONE",
}


def codes_of(*names: str) -> frozenset[int]:
    """The opcodes of some names, those that this Python has."""
    return frozenset(code for code, name in enumerate(NAMES) if name in names)


_JOINED_CODES: Final = codes_of(*JOINED)
GLOBAL_LOADS: Final = codes_of("LOAD_GLOBAL", "LOAD_NAME")
ATTRIBUTE_LOADS: Final = codes_of("LOAD_ATTR", "LOAD_METHOD")
_DROPPED: Final = codes_of(
    *("NOP", "RESUME", "EXTENDED_ARG", "CACHE", "MAKE_CELL", "COPY_FREE_VARS", "LOAD_CLOSURE")
)
_JUMPS: Final = codes_of("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT")
_ENDS: Final = codes_of("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE")
_SWAPPED: Final = frozenset(
    code
    for code, name in enumerate(NAMES)
    if name.replace("_FORWARD", "").replace("_BACKWARD", "") in OPPOSITES
)
_HAS_JUMP: Final = frozenset(opcode.hasjrel) | frozenset(opcode.hasjabs)
# From 3.14 on END_ASYNC_FOR is a jump back too, though its name doesn't say so.
_IS_BACKWARD: Final = tuple("BACKWARD" in name or name == "END_ASYNC_FOR" for name in NAMES)
# 3.13 writes LOAD_CLOSURE as LOAD_FAST of a cell; which cells, the nested code tells.
_CLOSURE_LOADS: Final = codes_of("LOAD_FAST", "LOAD_FAST_LOAD_FAST")
_METHOD_LOADS: Final = codes_of("LOAD_METHOD")
_WITH_METHOD_FLAG: Final = (
    codes_of("LOAD_ATTR", "LOAD_SUPER_ATTR") if sys.version_info >= (3, 12) else frozenset[int]()
)
_EXTENDED_ARG: Final = opcode.EXTENDED_ARG
_STORE_NAME: Final = opcode.opmap["STORE_NAME"]
_MAKE_FUNCTION: Final = opcode.opmap["MAKE_FUNCTION"]
_SET_FUNCTION_ATTRIBUTE: Final = opcode.opmap.get("SET_FUNCTION_ATTRIBUTE", -1)
_COSMETIC: Final = frozenset({_STORE_NAME, _MAKE_FUNCTION, _SET_FUNCTION_ATTRIBUTE})
_ANNOTATIONS: Final = 0x04  # as an argument of these two
_CLOSURE: Final = 0x08
# Written into class bodies by the compiler: words and places, not behaviour.
_CLASS_NOTES: Final = frozenset({"__doc__", "__firstlineno__", "__static_attributes__"})

# Where an instruction's argument leads.
_NAME, _CONST, _LOCAL, _PAIR = range(1, 5)


def _kinds() -> bytes:
    kinds = bytearray(256)
    found = (_NAME, opcode.hasname), (_CONST, opcode.hasconst)
    for kind, codes in (*found, (_LOCAL, (*opcode.haslocal, *opcode.hasfree))):
        for code in codes:
            if code < 256:
                kinds[code] = kind
    for code in _JOINED_CODES:
        kinds[code] = _PAIR
    return bytes(kinds)


def _name_shifts() -> bytes:
    """How many flags an argument holds below the number of the name."""
    shifts = bytearray(256)
    flags = {"LOAD_GLOBAL": 1}
    if sys.version_info >= (3, 12):
        flags |= {"LOAD_ATTR": 1, "LOAD_SUPER_ATTR": 2}
    for name, n_flags in flags.items():
        shifts[opcode.opmap[name]] = n_flags
    return bytes(shifts)


def _widths() -> bytes:
    """The number of code units of each instruction: itself and its inline cache."""
    found: Any = vars(opcode)["_inline_cache_entries"]  # what dis uses; there is no public name
    if isinstance(found, dict):  # by name, from 3.13 on
        found = [found.get(name, 0) for name in NAMES]
    return bytes(1 + n for n in found[:256])


_KINDS: Final = _kinds()
_SHIFTS: Final = _name_shifts()
_WIDTHS: Final = _widths()


def _table_of(codes: frozenset[int]) -> bytes:
    return bytes(code in codes for code in range(256))


# The instructions that do nothing but lead on: of code without cells, and with some.
_PASSED: Final = _table_of(_DROPPED | _JUMPS)
_PASSED_WITH_CELLS: Final = _table_of(_DROPPED | _JUMPS | _CLOSURE_LOADS)
# Where control goes on: 0 to the next instruction, else one of these.
_END, _JUMP, _BRANCH, _SWAPPED_BRANCH = range(1, 5)
_WAYS: Final = bytes(
    _END
    if code in _ENDS
    else _JUMP
    if code in _JUMPS
    else _SWAPPED_BRANCH
    if code in _SWAPPED
    else _BRANCH
    if code in _HAS_JUMP
    else 0
    for code in range(256)
)


class Flow:
    """A code object's instructions, in the order in which control reaches them.

    A unit is the number of an instruction in the bytes of the code, a place that in this order.

    Attributes:
        ops: the opcodes, by place.
        args: their arguments.
        values: the names, constants and variables that the arguments stand for, or None.
        numbers: for each place, how many instructions that count come before it.
        skipped: the places of docstrings, line numbers and type hints.
        leading: the places from which control may go elsewhere than to the next one.
        cells: the names of the variables that inner functions share.
    """

    def __init__(self, code: CodeType) -> None:
        held = code.co_code
        self._ops, self._args = held[::2], held[1::2]
        self._extended = _extended(self._ops, self._args)
        self._tries = list(_tries(code.co_exceptiontable)) if code.co_exceptiontable else []
        self._places: dict[int, int] = {}
        self._ways: dict[int, tuple[int, ...]] = {}  # by place, unless it is just the next place
        self._units: list[int] = []  # by place; only where something is tried
        self.cells = frozenset(code.co_cellvars + code.co_freevars)
        self._passed = _PASSED_WITH_CELLS if self.cells else _PASSED
        self._locals = _variables(code)
        self.ops: list[int] = []
        self.args: list[int] = []
        self._order()
        self.values = self._valued(code.co_names, code.co_consts)
        self.skipped = self._cosmetic()
        self.numbers = self._numbered()
        self.leading: Collection[int] = range(len(self.ops)) if self._tries else self._ways.keys()
        self._stored = self._stored_names() if _STORE_NAME in self._ops else frozenset()

    def _stored_names(self) -> frozenset[str]:
        pairs = zip(self.ops, self.values, strict=True)
        return frozenset(value for op, value in pairs if op == _STORE_NAME)

    def _order(self) -> None:
        all_ops, all_args, extended, places = self._ops, self._args, self._extended, self._places
        ops, args, ways, passed = self.ops, self.args, self._ways, self._passed
        waiting = [0]
        while waiting:
            unit = self._settle(waiting.pop())
            while unit not in places:
                places[unit] = len(ops)
                op = all_ops[unit]
                arg = extended[unit] if unit in extended else all_args[unit]
                ops.append(op)
                args.append(arg)
                if self._tries:
                    self._units.append(unit)
                    waiting.extend(self._handlers(unit))
                following = unit + _WIDTHS[op]
                if not _WAYS[op]:
                    unit = following if not passed[all_ops[following]] else self._settle(following)
                    if unit in places:
                        ways[len(ops) - 1] = (unit,)
                    continue
                found = ways[len(ops) - 1] = self._successors(op, arg, following)
                if not found:
                    break
                waiting.extend(found[1:])
                unit = found[0]

    def _settle(self, unit: int) -> int:
        """The next instruction that does something; jumps are followed."""
        seen = set()
        jump = unit
        while unit not in seen:
            seen.add(unit)
            op = self._ops[unit]
            if not self._passed[op] or not self._does_nothing(op, unit):
                return unit
            if op in _JUMPS:
                jump, unit = unit, self._target(op, self._arg(unit), unit + _WIDTHS[op])
            else:
                unit += _WIDTHS[op]
        return jump  # of an endless loop that does nothing

    def _does_nothing(self, op: int, unit: int) -> bool:
        if op not in _CLOSURE_LOADS:
            return True
        arg = self._arg(unit)
        numbers = (arg >> 4, arg & 15) if _KINDS[op] == _PAIR else (arg,)
        return all(self._locals[number] in self.cells for number in numbers)

    def _arg(self, unit: int) -> int:
        return self._extended.get(unit, self._args[unit])

    def _target(self, op: int, arg: int, following: int) -> int:
        """The unit that an instruction jumps to, given the one after it."""
        return following - arg if _IS_BACKWARD[op] else following + arg

    def _successors(self, op: int, arg: int, following: int) -> tuple[int, ...]:
        """Where control goes from here: when the condition holds, then otherwise."""
        way = _WAYS[op]
        if way == _END:
            return ()
        target = self._settle(self._target(op, arg, following))
        if way == _JUMP:
            return (target,)
        following = self._settle(following)
        return (following, target) if way == _SWAPPED_BRANCH else (target, following)

    def _handlers(self, unit: int) -> Iterator[int]:
        for start, end, target in self._tries:
            if start <= unit < end:
                yield self._settle(target)

    def _valued(self, names: tuple[str, ...], constants: tuple[Any, ...]) -> list[Any]:
        values: list[Any] = []
        variables = self._locals
        for op, arg in zip(self.ops, self.args, strict=True):
            kind = _KINDS[op]
            if not kind:
                values.append(None)
            elif kind == _LOCAL:
                values.append(variables[arg])
            elif kind == _CONST:
                values.append(constants[arg])
            elif kind == _NAME:
                values.append(names[arg >> _SHIFTS[op]])
            else:
                values.append((variables[arg >> 4], variables[arg & 15]))
        return values

    def onward(self, place: int) -> str:
        """The instructions that may come after, unless it is just the following one."""
        if place not in self._ways:
            return ""
        ways = [self._number(unit) for unit in self._ways[place]]
        n_parts = 2 if _KINDS[self.ops[place]] == _PAIR else 1
        return "" if ways == [self.numbers[place] + n_parts] else f" -> {ways}"

    def tried(self, place: int) -> str:
        """Where control goes if the instruction raises."""
        if not self._tries:
            return ""
        return "".join(f" ! {self._number(unit)}" for unit in self._handlers(self._units[place]))

    def _number(self, unit: int) -> int:
        return self.numbers[self._places[unit]]

    def _numbered(self) -> Sequence[int]:
        if not self.skipped and _JOINED_CODES.isdisjoint(self.ops):
            return range(len(self.ops))
        numbers, n = [], 0
        for place, op in enumerate(self.ops):
            numbers.append(n)
            if place not in self.skipped:
                n += 2 if _KINDS[op] == _PAIR else 1
        return numbers

    def path(self, place: int) -> tuple[str, ...]:
        """The global's name and the attributes that are read from it right away."""
        end = place + 1
        while end < len(self.ops) and self.ops[end] in ATTRIBUTE_LOADS:
            end += 1
        return tuple(self.values[place:end])

    def belongs_to_path(self, place: int) -> bool:
        """Return True if an attribute is read right away from a global."""
        while place and self.ops[place] in ATTRIBUTE_LOADS:
            place -= 1
        return self.ops[place] in GLOBAL_LOADS

    def is_own_name(self, name: str) -> bool:
        """Return True if a class body reads what it has itself assigned."""
        return name in self._stored

    def _cosmetic(self) -> frozenset[int]:
        skipped: set[int] = set()
        if _COSMETIC.isdisjoint(self.ops):
            return frozenset()
        for place, op in enumerate(self.ops):
            if op == _STORE_NAME and self.values[place] in _CLASS_NOTES:
                skipped.update((place - 1, place))
            elif op == _MAKE_FUNCTION and self.args[place] & _ANNOTATIONS:
                skipped.update(self._hints(place))
            elif op == _SET_FUNCTION_ATTRIBUTE and self.args[place] == _ANNOTATIONS:
                skipped.update((place, *self._hints_on_stack(place)))
        return frozenset(skipped)

    def _hints(self, place: int) -> range:
        """Up to 3.12: the hints lie below the code and the closure."""
        end = place - 2  # over the code
        if self.args[place] & _CLOSURE:
            end -= 1  # and the closure's tuple, whose loads are dropped
        return self._pushing(end)

    def _hints_on_stack(self, place: int) -> range:
        """From 3.13 on: the hints lie below the new function."""
        end = place - 1
        while self.ops[end] == _SET_FUNCTION_ATTRIBUTE:
            end -= 1
        closed = _CLOSURE in self.args[end + 1 : place]
        return self._pushing(end - (3 if closed else 2))  # below the code, and the closure

    def _pushing(self, last: int) -> range:
        """The run of instructions that end at ``last`` and leave one value."""
        needed, place = 1, last
        while place >= 0:
            op = self.ops[place]
            if op in _HAS_JUMP:
                return range(0)  # a hint that branches counts
            arg = self.args[place] if op >= opcode.HAVE_ARGUMENT else None
            needed -= opcode.stack_effect(op, arg)
            if needed == 0:
                return range(place, last + 1)
            place -= 1
        return range(0)


def is_method_load(op: int, arg: int) -> bool:
    """Return True if an attribute is read in order to be called."""
    return op in _METHOD_LOADS or (op in _WITH_METHOD_FLAG and bool(arg & 1))


def stored_names(code: CodeType) -> frozenset[str]:
    """The names that a module's or class's own code binds."""
    ops, args = code.co_code[::2], code.co_code[1::2]
    extended = _extended(ops, args)
    return frozenset(
        code.co_names[extended.get(unit, args[unit])]
        for unit, op in enumerate(ops)
        if op == _STORE_NAME
    )


def _variables(code: CodeType) -> tuple[str, ...]:
    """The variables of a function in the order in which instructions number them."""
    local = code.co_varnames
    if not code.co_cellvars and not code.co_freevars:
        return local
    return (*local, *(name for name in code.co_cellvars if name not in local), *code.co_freevars)


def _extended(ops: bytes, args: bytes) -> dict[int, int]:
    """The arguments that are longer than a byte, by the unit of the instruction."""
    found: dict[int, int] = {}
    unit = ops.find(_EXTENDED_ARG)
    while unit >= 0:
        arg = 0
        while ops[unit] == _EXTENDED_ARG:
            arg = (arg | args[unit]) << 8
            unit += 1
        found[unit] = arg | args[unit]
        unit = ops.find(_EXTENDED_ARG, unit)
    return found


def _tries(table: bytes) -> Iterator[tuple[int, int, int]]:
    """The units at which each try begins and ends, and where it is handled.

    The format is that of CPython's ``exception_handling_notes.txt``, 3.11 to 3.14.
    """
    values: list[int] = []
    value = 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            values.append(value)
            value = 0
    for place in range(0, len(values), 4):
        start, length, target, _ = values[place : place + 4]
        yield start, start + length, target
