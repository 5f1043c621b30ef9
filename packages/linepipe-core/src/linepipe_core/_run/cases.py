"""Runs one pipeline over many cases: here, or through an executor.

It schedules nothing: each case is one whole run, with its own constants and its own partition of
the shelf. For other processes the declaration is pickled once, and a result comes home without
the nodes, which are here already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from linepipe_core._declare.declaration import Declaration
from linepipe_core._declare.names import Names
from linepipe_core._declare.node import Node
from linepipe_core._declare.portable import pack_error, unpack_error
from linepipe_core._errors import MissingInputError, RunStateError, UnknownNameError
from linepipe_core._log import RUN_LOG
from linepipe_core._run.debugger import Breakpoint, PostMortem
from linepipe_core._run.failures import NodeExecutionError
from linepipe_core._run.history import HistoryEntry
from linepipe_core._run.hook_calls import HookCalls
from linepipe_core._run.hooks import Hook
from linepipe_core._run.launch import check_run, start_run
from linepipe_core._run.map_result import MapError, MapResult
from linepipe_core._run.pools import outcomes
from linepipe_core._run.result import RunResult
from linepipe_core._run.step import Step
from linepipe_core._text import first_line

if TYPE_CHECKING:  # loads threads and queues, which a run here doesn't need
    from concurrent.futures import Executor

__all__ = ["map_cases"]

Constants = Mapping[str, Any]


def map_cases(
    declaration: Declaration,
    cases: Mapping[str, Constants],
    executor: Executor | None,
    outputs: Names | None,
    reuse: bool,
    hooks: Iterable[Hook],
) -> MapResult:
    """Run every case; the arguments are those of ``Pipeline.map``."""
    hooks = _check(declaration, cases, outputs, reuse, hooks)
    started = perf_counter()
    results: dict[str, RunResult] = {}
    failed: dict[str, Exception] = {}
    _tell(hooks, "map_began", tuple(cases))
    for label, outcome in _outcomes(declaration, cases, executor, outputs, reuse, hooks):
        if isinstance(outcome, Exception):
            failed[label] = outcome
        else:
            results[label] = outcome
        _tell(hooks, "case_ended", label, outcome)
    result = MapResult(  # in the order of the cases, whichever ended first
        {label: results[label] for label in cases if label in results},
        {label: failed[label] for label in cases if label in failed},
        perf_counter() - started,
    )
    _tell(hooks, "map_ended", result)
    if failed:
        raise MapError(result) from next(iter(result.failed.values()))
    return result


def _check(
    declaration: Declaration,
    cases: Mapping[str, Constants],
    outputs: Names | None,
    reuse: bool,
    hooks: Iterable[Hook],
) -> tuple[Hook, ...]:
    """Refuse, before any case runs, what no case could run with; give the hooks."""
    wiring = declaration.wiring
    checked: object = cases
    if not isinstance(checked, Mapping):
        raise TypeError(
            f"map() takes a mapping from labels to constants, got a {type(cases).__name__}\n"
            '  write pipeline.map({"may": {"month": 5}, "june": {"month": 6}})'
        )
    for label, constants in checked.items():
        if not isinstance(label, str) or not label:
            raise TypeError(f"a case's label is a non-empty text, got {label!r}")
        if not isinstance(constants, Mapping):
            raise TypeError(
                f"the case {label!r} is a {type(constants).__name__}; write {{name: value}}"
            )
    unknown = dict.fromkeys(n for each in cases.values() for n in each if n not in wiring.free)
    if unknown:
        raise UnknownNameError("free input", [*unknown], wiring.free)
    hooks = check_run(declaration, outputs, reuse, hooks)
    if not declaration.options.use_persistent_cache:
        for label, constants in cases.items():
            given = declaration.constants.keys() | constants.keys()
            if missing := [name for name in wiring.free if name not in given]:
                raise MissingInputError(
                    f"the case {label!r} lacks {', '.join(map(repr, missing))}, which "
                    f"{wiring.place(wiring.free[missing[0]])} needs\n"
                    f"  give it in the case, or to all of them: pipeline.bind({missing[0]}=...)",
                    missing,
                )
    return hooks


def _outcomes(
    declaration: Declaration,
    cases: Mapping[str, Constants],
    executor: Executor | None,
    outputs: Names | None,
    reuse: bool,
    hooks: tuple[Hook, ...],
) -> Iterator[tuple[str, RunResult | Exception]]:
    if executor is None:
        for label, constants in cases.items():
            try:
                outcome: RunResult | Exception = _run_case(
                    declaration, label, constants, outputs, reuse, hooks
                )
            except Exception as error:  # each case fails for itself
                outcome = error
            yield label, outcome
        return
    calls = _calls_here(declaration, hooks)
    work, shared, receive = _prepared(declaration, executor)
    rest = dict(cases)
    waves = [rest]
    if reuse and declaration.options.use_persistent_cache and len(rest) > 1:
        # What no case changes shall run once: the first case makes it for the others.
        first = next(iter(rest))
        waves = [{first: rest.pop(first)}, rest]
    for wave in waves:
        jobs = {
            label: (*shared, label, dict(constants), outputs, reuse)
            for label, constants in wave.items()
        }
        for label, sent in outcomes(executor, work, jobs):
            outcome = sent if isinstance(sent, Exception) else receive(sent)
            calls.call("after_run", _result_of(outcome))
            yield label, outcome


def _calls_here(declaration: Declaration, hooks: tuple[Hook, ...]) -> HookCalls:
    for hook in hooks:
        if isinstance(hook, (Breakpoint, PostMortem)):
            RUN_LOG.warning(
                "%s can't open a debugger in a worker: map without an executor, or run the one "
                "case here: pipeline.bind(...).run(hooks=[...])",
                type(hook).__name__,
            )
    return HookCalls(hooks, (node.name for node in declaration.wiring.nodes))


def _result_of(outcome: RunResult | Exception) -> RunResult:
    """The RunResult that a hook gets, also of a run that failed."""
    if isinstance(outcome, RunResult):
        return outcome
    steps = outcome.steps if isinstance(outcome, NodeExecutionError) else ()
    return RunResult({}, steps, 0.0, (), ())


def _tell(hooks: tuple[Hook, ...], event: str, *args: Any) -> None:
    """Call a hook that also follows cases, as a progress display does.

    The methods are ``map_began(labels)``, ``case_ended(label, result_or_error)`` and
    ``map_ended(map_result)``; most hooks have none of them.
    """
    for hook in hooks:
        method = getattr(hook, event, None)
        if method is not None:
            try:
                method(*args)
            except Exception:  # a broken display mustn't end a night's work
                kind = type(hook).__name__
                RUN_LOG.warning("the hook %s failed in %s", kind, event, exc_info=True)


def _run_case(
    declaration: Declaration,
    label: str,
    constants: Constants,
    outputs: Names | None,
    reuse: bool,
    hooks: Iterable[Hook] = (),
) -> RunResult:
    """One whole run."""
    case = declaration.bound(constants).in_partition(label)
    with start_run(case, outputs, reuse, (), hooks, lambda _: None) as run:
        return run.finish()


# --- other processes --------------------------------------------------------------------------


class _Sent(NamedTuple):
    """A result as it comes home: without the nodes, which are there."""

    values: dict[str, Any]
    steps: list[tuple[Any, ...]]
    seconds: float
    history: list[HistoryEntry]


def _prepared(
    declaration: Declaration, executor: Executor
) -> tuple[Callable[..., Any], tuple[Any, ...], Callable[[Any], RunResult | Exception]]:
    """The function that runs a case, the arguments that all cases share, and how to receive."""
    from concurrent.futures import ThreadPoolExecutor
    from hashlib import blake2b  # it loads OpenSSL: 3 ms

    if isinstance(executor, ThreadPoolExecutor):
        return _run_case, (declaration,), lambda result: result
    packed = _pack_declaration(declaration, executor)
    key = blake2b(packed, digest_size=16).digest()
    nodes = declaration.wiring.nodes
    return _run_packed, (key, packed), lambda sent: _received(sent, nodes)


def _pack_declaration(declaration: Declaration, executor: Executor) -> bytes:
    """The declaration pickled, by cloudpickle for the engines that use it themselves."""
    import pickle
    from concurrent.futures import ProcessPoolExecutor

    if type(executor) is not ProcessPoolExecutor:
        try:
            from cloudpickle import dumps
        except ImportError:
            pass
        else:
            packed: bytes = dumps(declaration)
            return packed
    try:
        return pickle.dumps(declaration)
    except Exception as error:  # whatever a class raises when it is pickled
        culprits = [n.name for n in declaration.wiring.nodes if n.portable() is not n]
        which = f", because of node {', '.join(map(repr, culprits[:4]))}" if culprits else ""
        raise RunStateError(
            f"this pipeline can't be pickled for other processes{which}: {first_line(error)}\n"
            "  put its functions at the top of a module; lambdas and functions of a notebook go "
            "through loky (loky.get_reusable_executor()) and Dask, which use cloudpickle"
        ) from error


_unpacked: dict[bytes, Declaration] = {}  # of this worker: the last one, for the cases to come


def _run_packed(
    key: bytes, packed: bytes, label: str, constants: Constants, outputs: Names | None, reuse: bool
) -> bytes:
    """Run a case in a worker process, and pickle its result or error for the way home."""
    import pickle

    try:
        declaration = _unpacked.get(key)
        if declaration is None:
            declaration = pickle.loads(packed)
            _unpacked.clear()
            _unpacked[key] = declaration
        return _pack_result(_run_case(declaration, label, constants, outputs, reuse))
    except Exception as error:
        return b"E" + pack_error(error)


def _pack_result(result: RunResult) -> bytes:
    import pickle

    steps = [(s.status, s.seconds, s.memory, s.reasons, s.began) for s in result.steps]
    sent = _Sent(dict(result), steps, result.seconds, list(result.history))
    cloudpickle = sys.modules.get("cloudpickle")
    for dumps in (pickle.dumps, cloudpickle.dumps if cloudpickle else pickle.dumps):
        try:
            packed: bytes = dumps(sent)
        except Exception as error:  # whatever a class raises when it is pickled
            problem = error
        else:
            return b"R" + packed
    raise RunStateError(
        f"an output can't be pickled to come home ({', '.join(result)}): {first_line(problem)}\n"
        "  ask for others: map(..., outputs=[...])"
    )


def _received(packed: bytes, nodes: tuple[Node, ...]) -> RunResult | Exception:
    """The result or error of a case from another process, with the nodes that are here."""
    import pickle

    if packed[:1] == b"E":
        error = unpack_error(packed[1:])
        if isinstance(error, NodeExecutionError):
            for step in error.steps:
                step.node = nodes[step.index]
            error.node = nodes[error.step.index]
            error.__cause__ = error.original
        return error if isinstance(error, Exception) else RunStateError(str(error))
    try:
        sent: _Sent = pickle.loads(packed[1:])
    except Exception as error:  # whatever a class raises when it is unpickled
        return RunStateError(
            f"an output came home and can't be unpickled here: {first_line(error)}\n"
            "  ask for others: map(..., outputs=[...])"
        )
    steps = [
        Step(node, index, status, seconds, memory=memory, reasons=reasons, began=began)
        for index, (node, (status, seconds, memory, reasons, began)) in enumerate(
            zip(nodes, sent.steps, strict=True)
        )
    ]
    return RunResult.of_values(sent.values, steps, sent.seconds, sent.history)
