"""One run of a pipeline, node by node: the only module that calls users' functions in turn.

``Run`` owns everything that changes while nodes run. It is given a wiring, what the registry
holds at the start, and hooks; it decides nothing about freshness, knows no disk, and gives a
``RunResult``. ``Pipeline.run()`` is ``start()`` and ``finish()``, and nothing else.
"""

from __future__ import annotations

from _collections_abc import Mapping
from time import perf_counter

from linepipe_core.errors import (
    LinepipeError,
    MissingInputError,
    NodeExecutionError,
    RegistryClosedError,
    RunStateError,
)
from linepipe_core.failures import failure_report, users_traceback
from linepipe_core.history import HistoryEntry
from linepipe_core.hook_calls import HookCalls
from linepipe_core.logs import Log
from linepipe_core.registry import ObjectRegistry
from linepipe_core.result import RunResult, Step
from linepipe_core.snapshot import ATOMIC, hand_out, hand_over, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any

    from linepipe_core.hooks import Hook
    from linepipe_core.node import Node
    from linepipe_core.reuse import Reuse
    from linepipe_core.wiring import Wiring

__all__ = ["Run"]

_log = Log("linepipe.run")


class Run:
    """One run of a pipeline: step through it, look at its objects, or let it finish.

    Made by ``Pipeline.start()``. Iterating runs one node a turn; ``finish()`` runs the rest.
    Used as a context manager, or simply dropped, it closes its registry.

    Attributes:
        registry: this run's objects.
    """

    def __init__(
        self,
        wiring: Wiring,
        registry: ObjectRegistry,
        config: Mapping[str, Any],
        kept: Collection[str] | None,
        track_history: bool,
        hooks: Iterable[Hook],
        on_end: Callable[[RunResult], None],
        reuse: Reuse | None = None,
    ) -> None:
        self.registry = registry
        self._steps: list[Step] = []
        self._plain_seconds: list[float] = []  # of plain turns whose Step nobody asked for yet
        self._nodes = wiring.nodes
        # What is read by nodes that may yet run out of turn is held to the end.
        late = () if reuse is None else reuse.late_inputs()
        self._turns = wiring.turns((*(kept or ()), *late) if late else kept)
        self._kept = wiring.outputs if kept is None else kept
        self._unwanted = () if kept is None else set(wiring.outputs) - set(kept)
        self._config = config
        self._history: list[HistoryEntry] | None = [] if track_history else None
        hooks = tuple(hooks)
        self._hooks = HookCalls(hooks, (node.name for node in self._nodes)) if hooks else None
        self._on_end = on_end
        self._reuse = reuse
        self._result: RunResult | None = None
        self._started: float | None = None
        self._logs = _log.is_on
        self._is_plain = (
            self._hooks is None
            and self._history is None
            and not self._unwanted
            and not self._logs
            and type(registry) is ObjectRegistry
        )

    @property
    def steps(self) -> list[Step]:
        """The turns so far."""
        return _told(self._nodes, self._steps, self._plain_seconds)

    @property
    def _n_turns(self) -> int:
        """How many turns there were; counted without making Steps of the plain ones."""
        return len(self._steps) + len(self._plain_seconds)

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes of this run, in order."""
        return self._nodes

    @property
    def next_node(self) -> Node | None:
        """The node whose turn is next; None when there is none."""
        if self._result is not None or len(self.steps) == len(self._nodes):
            return None
        return self._nodes[len(self.steps)]

    def next_inputs(self) -> dict[str, Any]:
        """What the next node is to get, by the names it asks for: private copies.

        Raises:
            RunStateError: there is no next node, or it is reused and its inputs aren't made.
        """
        node = self.next_node
        if node is None:
            raise RunStateError("no node is left to run, so there are no inputs to look at")
        held = self._held_inputs(node)
        missing = [name for name in node.inputs if name not in held]
        if missing and (self._reuse is None or self.registry.is_closed):
            raise self._gone(node, missing)
        if missing:
            raise RunStateError(
                f"{node.name!r} is reused, so {', '.join(missing)}, which can't be kept, "
                f"isn't made for it\n  run it: start(reuse=True, rerun=[{node.name!r}])"
            )
        return {name: hand_out(held[name]) for name in node.inputs}

    def __repr__(self) -> str:
        node = self.next_node
        state = "ended" if node is None else f"next is {node.name}"
        return f"<Run: {len(self.steps)} of {len(self._nodes)} nodes, {state}>"

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        if self.next_node is None:
            raise StopIteration
        return self._play(self._next_step())

    def finish(self) -> RunResult:
        """Run the nodes that are left, end the run and give its result.

        Raises:
            NodeExecutionError: a node failed.
            RunStateError: the run ended before, in a failure or by ``close``.
        """
        if self._result is not None and self._n_turns < len(self._nodes):
            raise RunStateError(
                f"this run has ended before {self._nodes[len(self.steps)].name!r}\n"
                "  start another one: pipeline.start()"
            )
        self._begin()  # a run of no nodes has a beginning and an end, too
        if self._is_plain:
            self._plain_turns()
        while self._n_turns < len(self._nodes):
            self._play(self._next_step())
        return self._end()

    def close(self) -> None:
        """End the run where it is. Calling it again does nothing."""
        if self._result is None:
            self._end()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A run that was dropped half-way must not keep the shelf open. No hook is told:
        # the interpreter may be going down.
        registry = getattr(self, "registry", None)
        if registry is not None:
            registry.close()

    def _begin(self) -> None:
        """Start the clock and tell the hooks, once."""
        if self._started is not None:
            return
        self._started = perf_counter()
        if self._logs:
            n_nodes = len(self._nodes)
            _log.info("running %d node%s", n_nodes, "s" * (n_nodes != 1))
        if self._hooks is not None:
            try:
                self._hooks.call("before_run", self)
            except BaseException:  # an interrupt: a hook's own failures stay with the hooks
                self._end()
                raise

    def _next_step(self) -> Step:
        """Whose turn is next; what was put off until this node needs it is run before it."""
        steps = self.steps
        index = len(steps)
        if index == 0:
            self._begin()
        if self._reuse is not None:
            for owed in self._reuse.owed(index):
                self._play(steps[owed])
        steps.append(Step(self._nodes[index], index))
        return steps[-1]

    def _play(self, step: Step) -> Step:
        """Run or reuse one node."""
        hooks, history, reuse = self._hooks, self._history, self._reuse
        node, index = step.node, step.index
        step.status = "running"
        held: dict[str, Any] | None = None
        values: list[Any] = []
        phase = "being looked up in the cache"
        try:
            if history is not None:
                held = self._held_inputs(node)
            if reuse is not None:
                decision = reuse.decide(index)
                step.reasons = decision.reasons
            if hooks is not None:
                hooks.call("before_node", step)
            if reuse is not None:
                if decision.action == "reuse":
                    return self._reused(step, held)
                reuse.begin(index)
            phase = "taking its inputs"
            self._take(node, index, values)
            phase = "calling its function"
            if hooks is not None:
                returned = hooks.around(step, _called, step, values)
            else:
                returned = _called(step, values)
            phase = "taking its outputs"
            made = node.returned(returned)
            phase = "storing its outputs"
            # From here on nobody but `made` may hold what was returned or taken: what no one
            # else holds is stored without a copy.
            del returned
            values.clear()
            if reuse is None:
                self.registry.put(node, made)
            else:
                reuse.put(index, made)
            step.status = "ran"
            phase = "being recorded"
            self._settle(step, held)
        except Exception as error:
            why = self._why(node, phase, error)
            raise self._failure(step, values, phase, why, held) from why
        except BaseException as error:
            self._interrupted(step, error, held)
            raise
        return step

    def _reused(self, step: Step, held: Mapping[str, Any] | None) -> Step:
        """A turn of a node whose outputs are on the shelf, and stay there unread."""
        step.status = "reused"
        if held is None:
            self.registry.drop(name for name, is_last in self._turns[step.index][4] if is_last)
        self._settle(step, held)
        return step

    def _settle(self, step: Step, held: Mapping[str, Any] | None) -> None:
        """Record a turn that went well, and tell of it."""
        if held is not None:
            self._record(step, held)
        if self._unwanted:
            self.registry.drop(self._unwanted.intersection(step.node.outputs))
        if self._logs and step.seconds is None:
            _log.info("%s %s", step.node.name, step.status)
        elif self._logs:
            _log.info("%s %s in %.3f s", step.node.name, step.status, step.seconds)
        if self._hooks is not None:
            self._hooks.call("after_node", step)

    def _plain_turns(self) -> None:
        """All the turns that are left, in a run that nothing watches and that keeps nothing.

        `_play` without what only other runs use: half its time, and no Step until one is asked
        for (thousands of new objects keep the garbage collector busy).
        """
        all_seconds, objects, config = self._plain_seconds, self.registry.held, self._config
        values: list[Any] = []
        seconds: float | None = None
        phase = ""
        first = len(self._steps) + len(all_seconds)
        try:
            for node, func, by_position, isolate, reads, output in self._turns[first:]:
                phase = "taking its inputs"
                seconds = None
                for name, is_last in reads:
                    if is_last:
                        held = objects.pop(name)
                    else:
                        held = objects[name] if name in objects else config[name]
                    if type(held) not in ATOMIC:
                        owner = [held]
                        held = None  # a value moves to its reader if nobody else refers to it
                        held = _given(owner, is_last, isolate)
                    values.append(held)
                held = None
                phase = "calling its function"
                started = perf_counter()
                returned = func(*values) if by_position else node.call(values)
                seconds = perf_counter() - started
                if output is not None and type(returned) in ATOMIC:
                    objects[output] = returned
                else:
                    phase = "taking its outputs"
                    made = node.returned(returned)
                    phase = "storing its outputs"
                    returned = None
                    values.clear()
                    self.registry.put(node, made)
                values.clear()
                phase = ""
                all_seconds.append(seconds)
        except BaseException as error:
            if not phase:  # an interrupt between two turns
                self._end()
                raise
            del objects  # what the registry drops when it closes must not live on in a traceback
            step = Step(node, len(self.steps), "running", seconds)
            if phase == "calling its function":
                step.seconds = perf_counter() - started
            self.steps.append(step)
            if not isinstance(error, Exception):
                self._interrupted(step, error, None)
                raise
            why = self._why(node, phase, error)
            raise self._failure(step, values, phase, why, None) from why

    def _take(self, node: Node, index: int, values: list[Any]) -> None:
        """Append what the node is to get for each input, and release what it reads last."""
        objects, config, isolate = self.registry.held, self._config, node.isolate
        for name, is_last in self._turns[index][4]:
            if is_last and self._history is None:
                held = objects.pop(name)
            else:
                held = objects[name] if name in objects else config[name]
                is_last = False
            if type(held) not in ATOMIC:
                owner = [held]
                held = None  # a value moves to its reader if nobody else refers to it
                held = _given(owner, is_last, isolate)
            values.append(held)

    def _held_inputs(self, node: Node) -> dict[str, Any]:
        objects, config = self.registry.held, self._config
        # What can't be kept isn't made again for a node that is reused.
        return {
            name: objects[name] if name in objects else config[name]
            for name in node.inputs
            if name in objects or name in config
        }

    def _record(self, step: Step, inputs: Mapping[str, Any] | None) -> None:
        if self._history is not None and inputs is not None:
            objects = self.registry.held
            outputs = {name: objects[name] for name in step.node.outputs if name in objects}
            entry = (step.node.name, inputs, outputs, step.seconds, step.status)
            self._history.append(HistoryEntry(*entry))
            self.registry.remember(*entry)

    def _why(self, node: Node, phase: str, error: Exception) -> Exception:
        """What to call the cause: where a held object was looked up in vain, why it is gone."""
        if phase == "taking its inputs" and _was_looked_up_in_vain(error):
            return self._gone(node, error.args)
        return error

    def _gone(self, node: Node, names: Sequence[str]) -> LinepipeError:
        """The error that tells why objects aren't there any more, though nodes made them."""
        if self.registry.is_closed:
            return RegistryClosedError(
                f"this run's registry was closed before {node.name!r} could take its inputs\n"
                "  leave closing it to the run"
            )
        gone = ", ".join(map(repr, names))
        return MissingInputError(
            f"{gone}, which {node.name!r} needs, was released\n"
            f"  release it after its last reader, or put it back: registry.set({names[0]!r}, ...)",
            names,
        )

    def _failure(
        self,
        step: Step,
        values: Sequence[Any],
        phase: str,
        error: Exception,
        held: Mapping[str, Any] | None,
    ) -> NodeExecutionError:
        """End the run, and the error to raise."""
        node = step.node
        inputs = dict(zip(node.inputs, values, strict=False))
        error.__traceback__ = users_traceback(error)
        report = failure_report(
            node,
            f"{step.index + 1} of {len(self._nodes)}",
            phase,
            inputs,
            error,
            self._how_to_go_on(node),
        )
        failure = NodeExecutionError(report, step, inputs)
        self._interrupted(step, error, held)
        ended = self._end()
        failure.steps, failure.failed_hooks = ended.steps, ended.failed_hooks
        return failure

    def _how_to_go_on(self, node: Node) -> str:
        """What the report of a failure ends with when the cache has what ran before."""
        if type(self.registry) is ObjectRegistry or self.registry.is_closed:
            return ""
        lines = "\n  what ran before is kept: run(reuse=True) goes on here"
        from linepipe_core.placement import ObjPlacement

        kept = (ObjPlacement.CONSTANT, ObjPlacement.STORAGE)
        placement = self.registry.placement
        is_at_hand = all(
            name in self._config or placement.get(name) in kept for name in node.inputs
        )
        if is_at_hand and sum(other.name == node.name for other in self._nodes) == 1:
            lines += f"\n  only_nodes({node.name!r}).run() repeats just this node"
        return lines

    def _interrupted(
        self, step: Step, error: BaseException, held: Mapping[str, Any] | None
    ) -> None:
        """End the run because of an error."""
        try:
            if step.status == "running":
                step.status = "failed"
                if self._logs:
                    _log.info("%s failed: %s", step.node.name, type(error).__name__)
                if self._reuse is not None:
                    self._reuse.failed(step.index)
                self._record(step, held)
                if self._hooks is not None:
                    self._hooks.call("on_node_error", step, error)
        finally:
            self._end()

    def _end(self) -> RunResult:
        """Close the registry and make the result, once."""
        if self._result is not None:
            return self._result
        outputs = self._taken_out()
        failed_hooks = self._hooks.failed if self._hooks is not None else ()
        self._result = result = RunResult(
            outputs,
            _all_told(self._nodes, self._steps, self._plain_seconds),
            0.0 if self._started is None else perf_counter() - self._started,
            self._history or (),
            failed_hooks,
        )
        self._on_end(result)
        if self._logs:
            n_done = sum(step.status != "failed" for step in self.steps)
            _log.info("%d of %d nodes in %.3f s", n_done, len(self._nodes), result.seconds)
        if self._hooks is not None and self._started is not None:
            self._hooks.call("after_run", result)
            result.failed_hooks = tuple(self._hooks.failed)
        return result

    def _taken_out(self) -> dict[str, Any]:
        """The outputs there are; the registry is closed, whatever happens."""
        try:
            return self.registry.take_out(self._kept)
        except Exception:
            if len(self.steps) == len(self._nodes) and self.steps[-1].status != "failed":
                raise
            # The run ends early, and why is about to be told: this mustn't hide it.
            _log.warning("the outputs that there are can't be given", exc_info=True)
            return {}
        finally:
            self.registry.close()


def _called(step: Step, values: Sequence[Any]) -> Any:
    """What the node's function returns; its seconds are the function's, not its hooks'."""
    started = perf_counter()
    try:
        return step.node.call(values)
    finally:
        step.seconds = perf_counter() - started


_TAKERS = {Run._take.__code__, Run._plain_turns.__code__}


def _was_looked_up_in_vain(error: Exception) -> bool:
    """Whether it is the loop's own KeyError, not one that came of copying what it found.

    Told by where it was raised: a copy may raise a KeyError of the very name, and by then the
    last reader has taken the object out.
    """
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    is_ours = traceback is not None and traceback.tb_frame.f_code in _TAKERS
    return is_ours and type(error) is KeyError


def _told(nodes: Sequence[Node], steps: list[Step], plain_seconds: list[float]) -> list[Step]:
    """The turns so far; of the plain ones, a Step is made now."""
    steps += _plain_steps(nodes, len(steps), plain_seconds)
    plain_seconds.clear()
    return steps


def _plain_steps(nodes: Sequence[Node], first: int, plain_seconds: list[float]) -> list[Step]:
    return [Step(nodes[i], i, "ran", seconds) for i, seconds in enumerate(plain_seconds, first)]


def _all_told(
    nodes: Sequence[Node], steps: list[Step], plain_seconds: list[float]
) -> Callable[[], list[Step]]:
    """How to tell the turns there were, and those that didn't come, without their Run."""

    def told() -> list[Step]:
        # Nothing is changed here: two threads may ask at the same moment.
        told = steps + _plain_steps(nodes, len(steps), plain_seconds)
        first = len(told)
        return told + [Step(n, i, "pending") for i, n in enumerate(nodes[first:], first)]

    return told


def _given(owner: list[Any], is_last: bool, isolate: bool) -> Any:
    """What a node gets of what is held, the last of ``owner``."""
    if not isolate:
        return reveal(owner.pop())
    return hand_over(owner) if is_last else hand_out(owner.pop())
