"""The instructions that are read from the bytes of the code are those that dis lists."""

from __future__ import annotations

import argparse
import asyncio.events
import dis
import json.decoder
import tarfile
from collections import Counter
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from linepipe_core._code.bytecode import nested_codes
from linepipe_core._code.flow import NAMES, Flow, stored_names

# What leads nowhere but to the next instruction, or is another form of a jump.
_PASSED = {"NOP", "RESUME", "EXTENDED_ARG", "CACHE", "MAKE_CELL", "COPY_FREE_VARS", "LOAD_CLOSURE"}
_PASSED |= {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"}
_HAVE_VALUES = {*dis.hasname, *dis.hasconst, *dis.haslocal, *dis.hasfree}


def _compiled(module: ModuleType) -> CodeType:
    assert module.__file__ is not None
    code = compile(Path(module.__file__).read_text("utf-8"), module.__file__, "exec")
    assert isinstance(code, CodeType)
    return code


@pytest.mark.parametrize("module", [argparse, asyncio.events, json.decoder, tarfile])
def test_instructions_are_those_of_dis(module: ModuleType) -> None:
    """Opcodes, long arguments, names, constants and variables, of all code of some modules."""
    for code in nested_codes(_compiled(module)):
        flow = Flow(code)
        listed: Counter[tuple[str, str]] = Counter()
        for step in dis.get_instructions(code):
            value = code.co_consts[step.arg or 0] if step.opname == "KW_NAMES" else step.argval
            is_cell = step.opname == "LOAD_FAST" and value in flow.cells  # LOAD_CLOSURE, from 3.13
            if step.opname not in _PASSED and not is_cell:
                shown = repr(value) if step.opcode in _HAVE_VALUES else repr(step.arg or 0)
                listed[step.opname, "" if step.opcode in dis.hasjrel else shown] += 1
        found = Counter(
            (NAMES[op], "" if op in dis.hasjrel else repr(value if op in _HAVE_VALUES else arg))
            for op, arg, value in zip(flow.ops, flow.args, flow.values, strict=True)
        )
        assert found == listed, code.co_qualname


def test_stored_names_are_those_of_dis() -> None:
    """Also those beyond the first 256 names, whose numbers take two instructions."""
    text = "\n".join(f"name_{n} = {n}" for n in range(600))
    code = compile(text, "<test>", "exec")
    assert stored_names(code) == {f"name_{n}" for n in range(600)}
