"""One run of a pipeline, node by node: the only module that calls users' functions in turn.

``Run`` owns everything that changes while nodes run. It gets a wiring, the registry as it is at
the start, and hooks; it decides nothing about freshness, knows no disk, and gives a
``RunResult``. ``Pipeline.run()`` is ``start()`` and ``finish()``, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from time import perf_counter, time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from linepipe_core._declare.node import Node
from linepipe_core._declare.wiring import Wiring
from linepipe_core._errors import (
    LinepipeError,
    MissingInputError,
    RegistryClosedError,
    RunStateError,
    ShelfError,
)
from linepipe_core._log import logs_progress, run_log
from linepipe_core._run.failures import NodeExecutionError, failure_report, trim_traceback
from linepipe_core._run.history import HistoryEntry
from linepipe_core._run.result import RunResult
from linepipe_core._run.step import Step, begin_step
from linepipe_core._store.registry import ABSENT, ObjectRegistry, ObjPlacement
from linepipe_core._text import bounded, first_line
from linepipe_core._values.isolate import ATOMIC, copy_for_reader, move_to_last_reader, peek

if TYPE_CHECKING:  # nothing but types
    from linepipe_core._run.seams import Observers, Session

__all__ = ["Run"]


class Run:
    """One run of a pipeline: step through it, look at its objects, or let it finish.

    Made by ``Pipeline.start()``. Iterating runs one node a turn; ``finish()`` runs the rest.
    Used as a context manager, or simply dropped, it closes its registry.

    Attributes:
        registry: this run's objects.
        steps: a Step for each turn so far.
    """

    def __init__(
        self,
        wiring: Wiring,
        registry: ObjectRegistry,
        config: Mapping[str, Any],
        kept: Collection[str] | None,
        track_history: bool,
        hooks: Observers | None,
        on_end: Callable[[RunResult], None],
        session: Session | None = None,
        label: str = "",
    ) -> None:
        self.registry = registry
        self.steps: list[Step] = []
        registry.turns = self.steps
        self._nodes = wiring.nodes
        # The inputs of nodes that may yet run out of turn are held to the end.
        late = () if session is None else session.late_inputs()
        self._kept = wiring.outputs if kept is None else kept
        if track_history:  # nothing is released
            self._reads = wiring.reads(wiring.makers)
        else:
            self._reads = wiring.reads((*self._kept, *late) if late else kept)
        self._unwanted = () if kept is None else set(wiring.unread) - set(kept)
        self._config = config
        self._history: list[HistoryEntry] | None = [] if track_history else None
        self._hooks = hooks
        self._on_end = on_end
        self._session = session
        self._result: RunResult | None = None
        self._started: float | None = None
        self._epoch = 0.0  # seconds between the epoch and the zero of perf_counter
        self._logs = logs_progress()
        self._case = f"{label}: " if label else ""  # begins each line of the log
        is_watched = track_history or self._logs or hooks is not None
        self._settles = is_watched or bool(self._unwanted)  # after a turn that went well

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
        """The inputs of the next node, by the names it asks for: private copies.

        Raises:
            RunStateError: there is no next node, or it is reused and its inputs aren't made.
        """
        node = self.next_node
        if node is None:
            if len(self.steps) < len(self._nodes):
                raise self._ended_early()
            raise RunStateError(
                "no node is left to run, so there are no inputs to look at\n"
                "  start another one: pipeline.start()"
            )
        held = self._held_inputs(node)
        missing = [name for name in node.inputs if name not in held]
        if missing and (self._session is None or self.registry.is_closed):
            raise self._gone(node, missing)
        if missing:
            raise RunStateError(
                f"{node.name!r} is reused, so {', '.join(missing)}, which can't be kept, "
                f"isn't made for it\n  run it: start(reuse=True, rerun=[{node.name!r}])"
            )
        return {name: copy_for_reader(held[name]) for name in node.inputs}

    def __repr__(self) -> str:
        node = self.next_node
        state = "ended" if node is None else f"next is {bounded(node.name)}"
        return f"<Run: {len(self.steps)} of {len(self._nodes)} nodes, {state}>"

    def __iter__(self) -> Self:
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
        if self._result is not None and len(self.steps) < len(self._nodes):
            raise self._ended_early()
        steps, nodes, play = self.steps, self._nodes, self._play
        n_nodes = len(nodes)
        try:
            self._begin()  # a run of no nodes has a beginning and an end, too
            if self._session is None:
                while (index := len(steps)) < n_nodes:
                    step = begin_step(nodes[index], index)
                    steps.append(step)
                    play(step)
            else:
                while len(steps) < n_nodes:
                    play(self._next_step())
            return self._end()
        except BaseException:  # also an interrupt between two turns
            self.close()
            raise

    def _ended_early(self) -> RunStateError:
        return RunStateError(
            f"this run has ended before {self._nodes[len(self.steps)].name!r}\n"
            "  start another one: pipeline.start()"
        )

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
        self._epoch = time() - self._started
        if self._logs:
            n_nodes = len(self._nodes)
            run_log().info("%srunning %d node%s", self._case, n_nodes, "s" * (n_nodes != 1))
        if self._session is not None:
            self._session.log_provenance()
        if self._hooks is not None:
            try:
                self._hooks.call("before_run", self)
            except BaseException:  # an interrupt: a hook's own failures stay with the hooks
                self._end()
                raise

    def _next_step(self) -> Step:
        """Return the next turn, after running the deferred nodes whose outputs it needs."""
        steps = self.steps
        index = len(steps)
        if index == 0:
            self._begin()
        if self._session is not None:
            for deferred in self._session.deferred(index):
                steps[deferred].status = "running"
                self._play(steps[deferred])
        step = begin_step(self._nodes[index], index)
        steps.append(step)
        return step

    def _play(self, step: Step) -> Step:
        """Run or reuse one node."""
        hooks, history, session = self._hooks, self._history, self._session
        node, index = step.node, step.index
        held: dict[str, Any] | None = None
        values: list[Any] = []
        phase = "being looked up in the cache"
        try:
            if history is not None:
                held = self._held_inputs(node)
            if session is not None:
                decision = session.decide(index)
                step.reasons = decision.reasons
            if hooks is not None:
                hooks.call("before_node", step)
            if session is not None:
                if decision.action == "reuse":
                    return self._reused(step, held)
                session.begin(index)
            phase = "taking its inputs"
            objects = self.registry.held
            for name, is_last in self._reads[index]:
                values.append(objects.pop(name, ABSENT) if is_last else objects.get(name, ABSENT))
                if type(values[-1]) not in ATOMIC:
                    self._isolate_last(node, name, is_last, values)
            phase = "calling its function"
            if hooks is not None:
                returned = hooks.around(step, self._call, step, values)
            else:
                started = perf_counter()
                step.began = self._epoch + started
                try:
                    returned = (  # by position as node.call does it, with one frame less
                        node.caller(node.func, values)
                        if node.keywords is None
                        else node.call(values)
                    )
                finally:
                    step.seconds = perf_counter() - started
            phase = "taking its outputs"
            made = [returned] if len(node.outputs) == 1 else node.returned(returned)
            phase = "storing its outputs"
            # From here on nobody but `made` may hold what was returned or taken: what no one
            # else holds is stored without a copy.
            del returned
            values.clear()
            if session is None:
                self.registry.put(node, made)
            else:
                session.record(index, made, step.seconds)
            step.status = "ran"
            phase = "being recorded"
            if self._settles:
                self._settle(step, held)
        except Exception as error:
            raise self._failure(step, values, phase, error, held) from error
        except BaseException as error:
            self._interrupted(step, error, held)
            raise
        return step

    def _call(self, step: Step, values: Sequence[Any]) -> Any:
        """Call the node's function; its seconds are the function's, not its hooks'."""
        started = perf_counter()
        step.began = self._epoch + started
        try:
            return step.node.call(values)
        finally:
            step.seconds = perf_counter() - started

    def _reused(self, step: Step, held: Mapping[str, Any] | None) -> Step:
        """A turn of a node whose outputs are on the shelf, and stay there unread."""
        step.status = "reused"
        if held is None:
            self.registry.drop(name for name, is_last in self._reads[step.index] if is_last)
        self._settle(step, held)
        return step

    def _settle(self, step: Step, held: Mapping[str, Any] | None) -> None:
        """Record a turn that went well, and tell of it."""
        if held is not None:
            self._record(step, held)
        if self._unwanted:
            self.registry.drop(self._unwanted.intersection(step.node.outputs))
        if self._logs and step.seconds is None:
            run_log().info("%s%s %s", self._case, step.node.name, step.status)
        elif self._logs:
            seconds = step.seconds
            run_log().info("%s%s %s in %.3f s", self._case, step.node.name, step.status, seconds)
        if self._hooks is not None:
            self._hooks.call("after_node", step)

    def _isolate_last(self, node: Node, name: str, is_last: bool, values: list[Any]) -> None:
        """Replace the last of the values, a snapshot, by what the node gets."""
        if values[-1] is ABSENT:
            values.pop()
            if name not in self._config:
                raise self._gone(node, [name])
            values.append(self._config[name])
        if not node.isolate:
            values.append(peek(values.pop()))
        elif is_last:  # it moves, if nobody but this list refers to it
            values.append(move_to_last_reader(values))
        else:
            values.append(copy_for_reader(values.pop()))

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
        trim_traceback(error)
        report = failure_report(
            node,
            f"{step.index + 1} of {len(self._nodes)}",
            phase,
            inputs,
            error,
            self._how_to_go_on(node, error),
        )
        failure = NodeExecutionError(report, step, inputs, error)
        self._interrupted(step, error, held)
        ended = self._end()
        failure.steps, failure.failed_hooks = ended.steps, ended.failed_hooks
        return failure

    def _how_to_go_on(self, node: Node, error: Exception) -> str:
        """The last lines of a failure's report when the cache has what ran before."""
        registry = self.registry
        if type(registry) is ObjectRegistry or registry.is_closed or isinstance(error, ShelfError):
            return ""
        # A case of `map` is a run of its own.
        partition = registry.partition
        case = f"bind(...).replace(partition={partition!r})." if partition else ""
        lines = ""
        if any(step.status in ("ran", "reused") for step in self.steps):
            lines = f"\n  what ran before is kept: {case}run(reuse=True) goes on here"
        kept = (ObjPlacement.CONSTANT, ObjPlacement.STORAGE)
        placement = registry.placement
        is_at_hand = all(
            name in self._config or placement.get(name) in kept for name in node.inputs
        )
        if is_at_hand and sum(other.name == node.name for other in self._nodes) == 1:
            lines += f"\n  {case}only_nodes({node.name!r}).run() repeats just this node"
        return lines

    def _interrupted(
        self, step: Step, error: BaseException, held: Mapping[str, Any] | None
    ) -> None:
        """End the run because of an error."""
        try:
            if step.status == "running":
                step.status = "failed"
                name, why = step.node.name, first_line(error)
                if isinstance(error, Exception):
                    run_log().error("%s%s failed: %s", self._case, name, why)
                elif self._logs:
                    run_log().info("%s%s was interrupted: %s", self._case, name, why)
                if self._session is not None:
                    self._session.failed(step.index)
                self._record(step, held)
                if self._hooks is not None:
                    self._hooks.call("on_node_error", step, error)
        finally:
            self._end()

    def _end(self) -> RunResult:
        """Close the registry and make the result, once."""
        if self._result is not None:
            return self._result
        if self._session is not None:
            self._session.end()
        first = len(self.steps)
        pending = [Step(n, i, "pending") for i, n in enumerate(self._nodes[first:], first)]
        self._result = result = self._make_result([*self.steps, *pending])
        self._on_end(result)
        if self._logs:
            n_done = sum(step.status != "failed" for step in self.steps)
            n_nodes, seconds = len(self._nodes), result.seconds
            run_log().info("%s%d of %d nodes in %.3f s", self._case, n_done, n_nodes, seconds)
        if self._hooks is not None and self._started is not None:
            self._hooks.call("after_run", result)
            result.failed_hooks = tuple(self._hooks.failed)
        return result

    def _make_result(self, steps: Sequence[Step]) -> RunResult:
        """The result with the outputs that there are; closes the registry in any case."""
        seconds = 0.0 if self._started is None else perf_counter() - self._started
        failed_hooks = self._hooks.failed if self._hooks is not None else ()
        from_shelf = self._session.from_shelf if self._session is not None else ()
        rest = steps, seconds, self._history or (), failed_hooks, from_shelf
        try:
            return RunResult(self.registry.take_out(self._kept), *rest)
        except Exception:
            if all(step.status in ("ran", "reused") for step in steps):
                raise
            # The run ends early, and its own error comes next: this one mustn't hide it.
            run_log().warning("the outputs that there are can't be given", exc_info=True)
            return RunResult({}, *rest)
        finally:
            self.registry.close()
