"""Kills runs that add a version or go back to one, and looks at what they left. Run as a script.

A process of its own, without numpy and without threads, so that it can fork a run in a
millisecond: `python killing_versions.py <folder> <kills>` kills so many runs at moments that lie
evenly and two near the end, prints what it counted, as JSON, and fails at the first thing that
isn't as promised.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from types import FrameType

from linepipe_core import Node, Pipeline
from linepipe_core.shelf import ObjectShelf

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from blocks import Block  # type: ignore[import-not-found]  # beside this script


def make(generation: int) -> tuple[int, Block]:
    """A small and a large output of one node."""
    return generation, Block(generation, 100_000)


def check_block(number: int, block: Block) -> int:
    assert block.generation == number
    assert block.is_whole()
    return number


def flow(path: str, generation: int) -> Pipeline:
    nodes = [
        Node(make, ["generation"], ["number", "block"]),
        Node(check_block, ["number", "block"], ["checked"]),
    ]
    return Pipeline(
        nodes, use_persistent_cache=True, cache_storage_path=path, generation=generation
    )


def run_until(path: str, generation: int, moment: int = -1) -> tuple[bool, int]:
    """Run in a process that dies at a moment.

    Returns:
        True if it came to that moment; and all the moments of a run that didn't.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        n_events = 0

        def count(frame: FrameType, event: str, arg: object) -> None:
            nonlocal n_events
            n_events += event != "return"
            if n_events == moment:
                os._exit(9)

        try:
            sys.setprofile(count)
            flow(path, generation).run(reuse=True)
            sys.setprofile(None)
            os.write(writing, str(n_events).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        n_moments = int(pipe.read() or 0)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9), "the run failed before it was killed"
    return code == 9, n_moments


def check(path: str, generation: int, other: int) -> bool:
    """Look at both versions. Returns True if the killed run's first node had left its own."""
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ()
        infos = {info.name: info for info in shelf.info()}
        assert infos["number"].n_versions == infos["block"].n_versions in (1, 2)
        assert shelf["number"] == shelf["block"].generation in (generation, other)
        assert shelf["block"].is_whole()
        is_there: bool = shelf["number"] == generation
        assert shelf["checked"] in ((other, generation) if is_there else (other,))
    assert [entry.action for entry in flow(path, other).plan()] == ["reuse"] * 2
    again = flow(path, generation).run(reuse=True)
    assert again["checked"] == generation
    assert not is_there or again.steps[0].status == "reused"
    assert {step.status for step in flow(path, other).run(reuse=True).steps} == {"reused"}
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ()
    assert len(os.listdir(os.path.join(path, "buffers"))) == 2, "leftovers"
    return is_there


def main(folder: str, kills: int) -> None:
    """Kill runs that make a second version, and runs that go back to the first one."""
    counted = {}
    before = os.path.join(folder, "before")
    path = os.path.join(folder, "killed")
    flow(before, 1).run(reuse=True)
    for what, generation, other in (("added", 2, 1), ("back", 1, 2)):
        n_killed = n_done = 0
        shutil.copytree(before, path)
        _, n_moments = run_until(path, generation)
        evenly = [n_moments * (number + 1) // (kills + 1) for number in range(kills)]
        for moment in (*evenly, n_moments - n_moments // 50, n_moments - n_moments // 200):
            shutil.rmtree(path)
            shutil.copytree(before, path)
            is_killed, _ = run_until(path, generation, moment)
            if not is_killed:
                break
            n_killed += 1
            n_done += check(path, generation, other)
        shutil.rmtree(path)
        counted[what] = [n_killed, n_done]
        flow(before, 2).run(reuse=True)
    print(json.dumps(counted))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
