"""Runs one pipeline over many cases: here, or through an executor.

It schedules nothing: each case is one whole run, with its own constants and its own partition of
the shelf. For other processes the declaration is pickled once, and a result comes home without
the nodes, which are here already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from linepipe_core._declare.declaration import Declaration
from linepipe_core._declare.names import Names
from linepipe_core._errors import MissingInputError, RunStateError, UnknownNameError
from linepipe_core._log import run_log
from linepipe_core._run.breakpoints import Breakpoint, PostMortem
from linepipe_core._run.failures import NodeExecutionError
from linepipe_core._run.hook_calls import HookCalls
from linepipe_core._run.hooks import Hook
from linepipe_core._run.launch import check_run, run_case
from linepipe_core._run.map_result import MapError, MapResult
from linepipe_core._run.pools import outcomes
from linepipe_core._run.result import RunResult
from linepipe_core._run.transport import Sender, run_packed
from linepipe_core._text import type_name, with_article

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
    _check_executor(executor)
    started = perf_counter()
    results: dict[str, RunResult] = {}
    failed: dict[str, Exception] = {}
    _tell(hooks, "map_began", tuple(cases))
    try:
        for label, outcome in _outcomes(declaration, cases, executor, outputs, reuse, hooks):
            if isinstance(outcome, Exception):
                failed[label] = outcome
            else:
                results[label] = outcome
            _tell(hooks, "case_ended", label, outcome)
    finally:  # also when it is interrupted
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
                f"the case {label!r} is {with_article(type_name(constants))}; write {{name: value}}"
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
                outcome: RunResult | Exception = run_case(
                    declaration, outputs, reuse, label, constants, hooks
                )
            except Exception as error:  # each case fails for itself
                outcome = error
                if isinstance(error, NodeExecutionError):  # its frames are all linepipe's own
                    error.with_traceback(None)
            yield label, outcome
        return
    _warn_of_debuggers(hooks)
    node_names = [node.name for node in declaration.wiring.nodes]
    for label, outcome in _in_executor(declaration, cases, executor, outputs, reuse):
        calls, result = HookCalls(hooks, node_names), _result_of(outcome)
        calls.call("after_run", result)  # as for the run that it was
        result.failed_hooks = (*result.failed_hooks, *calls.failed)
        yield label, outcome


def _check_executor(executor: object) -> None:
    if executor is None or (hasattr(executor, "submit") and not isinstance(executor, type)):
        return
    what = executor.__name__ if isinstance(executor, type) else with_article(type_name(executor))
    give = f"{what}(...)" if hasattr(executor, "submit") else "ProcessPoolExecutor(2), say"
    raise TypeError(f"map() takes an executor of concurrent.futures, not {what}\n  give {give}")


def _in_executor(
    declaration: Declaration,
    cases: Mapping[str, Constants],
    executor: Executor,
    outputs: Names | None,
    reuse: bool,
) -> Iterator[tuple[str, RunResult | Exception]]:
    rest = dict(cases)
    waves = [rest]
    if reuse and declaration.options.use_persistent_cache and len(rest) > 1:
        # What no case changes shall run once: the first case makes it for the others.
        first = next(iter(rest))
        waves = [{first: rest.pop(first)}, rest]
    if _shares_memory(executor):
        shared = (declaration, outputs, reuse)
        for wave in waves:
            jobs = {label: (label, constants) for label, constants in wave.items()}
            yield from outcomes(executor, run_case, shared, jobs)
        return
    with Sender(declaration, executor) as sender:
        for wave in waves:
            yield from _sent(sender, executor, wave, outputs, reuse)


def _shares_memory(executor: Executor) -> bool:
    from concurrent.futures import ThreadPoolExecutor

    return isinstance(executor, ThreadPoolExecutor)


def _sent(
    sender: Sender,
    executor: Executor,
    cases: Mapping[str, Constants],
    outputs: Names | None,
    reuse: bool,
) -> Iterator[tuple[str, RunResult | Exception]]:
    """The outcomes of cases that run in other processes."""
    jobs = {}
    for label, constants in cases.items():
        try:
            jobs[label] = label, sender.pack(constants)
        except RunStateError as error:
            yield label, error
    kept = None if outputs is None else tuple(outputs)
    shared = (sender.pipeline, kept, reuse)
    for label, sent in outcomes(executor, run_packed, shared, jobs):
        yield label, sent if isinstance(sent, Exception) else sender.received(sent)


def _warn_of_debuggers(hooks: tuple[Hook, ...]) -> None:
    for hook in hooks:
        if isinstance(hook, (Breakpoint, PostMortem)):
            run_log().warning(
                "%s can't open a debugger in a worker: map without an executor, or run the one "
                "case here: pipeline.bind(...).run(hooks=[...])",
                type(hook).__name__,
            )


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
                run_log().warning("the hook %s failed in %s", kind, event, exc_info=True)
