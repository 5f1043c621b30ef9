"""A large object that knows its own content, and another process to run things in.

Without numpy or pytest, so that scripts can import it and fork in a millisecond.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linepipe_core._store.store import Result, Store


class Block:
    """So many bytes that all say which generation they are of."""

    def __init__(self, generation: int, n_bytes: int) -> None:
        self.generation = generation
        self.data: Any = bytearray(bytes([generation % 251]) * n_bytes)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _restored, (self.generation, pickle.PickleBuffer(self.data))

    def is_whole(self) -> bool:
        """Return True if every byte is as it was made."""
        expected = bytes([self.generation % 251]) * 4096
        with memoryview(self.data) as view:
            return all(
                view[at : at + 4096] == expected[: min(4096, view.nbytes - at)]
                for at in range(0, view.nbytes, 4096)
            )


def put(
    path: str,
    objects: Mapping[str, Any],
    *,
    node: str | None = None,
    key: str | None = None,
    record: str | None = None,
) -> None:
    """Store objects as one result of a node."""
    with Store(path) as store:
        put_in(store, objects, node=node, key=key, record=record)


def put_in(store: Store, objects: Mapping[str, Any], **result: Any) -> None:
    """Store objects as one result of a node, in an open store."""
    with store.draft(objects) as draft:
        store.write(draft, Result(**result))


def _restored(generation: int, data: Any) -> Block:
    block = Block.__new__(Block)
    block.generation, block.data = generation, data
    return block


def in_a_process(code: str, path: str, **environment: str) -> str:
    """Run code that has `path`, `ObjectShelf`, `Block`, `put` and the errors; give its output."""
    preamble = """
        import os, resource, sys
        path = sys.argv[1]
        sys.path[:0] = [sys.argv[2]]
        from linepipe_core.errors import *
        from linepipe_core.shelf import ObjectShelf
        from blocks import Block, put
    """
    script = textwrap.dedent(preamble) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script, path, str(Path(__file__).parent)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
