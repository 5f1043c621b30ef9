"""Calls the hooks of a run, and keeps a failing one from doing harm.

Apart from the run loop so that the loop stays readable, and apart from ``hooks`` so that
what users subclass stays a bare list of methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from sys import exc_info
from types import TracebackType
from typing import Any, TypeVar

from linepipe_core._declare.names import Names
from linepipe_core._errors import UnknownNameError
from linepipe_core._log import run_log
from linepipe_core._run.hooks import EVENTS, Hook
from linepipe_core._run.result import FailedHook, hook_name
from linepipe_core._run.step import Step

T = TypeVar("T")
Opened = list[tuple[Hook, AbstractContextManager[object]]]
ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

__all__ = ["HookCalls"]


class HookCalls:
    """The hooks of one run.

    Args:
        hooks: the hooks.
        nodes: the names of the nodes of the run.

    Raises:
        TypeError: one of them is no Hook, or waits for a bare string.
        UnknownNameError: one of them waits for a node that the run hasn't.

    Attributes:
        failed: those put aside so far.
    """

    def __init__(self, hooks: Iterable[Hook], nodes: Iterable[str]) -> None:
        self._hooks = [_checked(hook) for hook in hooks]
        there = dict.fromkeys(nodes)
        awaited = dict.fromkeys(name for hook in self._hooks for name in _awaited(hook))
        unknown = [name for name in awaited if name not in there]
        if unknown:
            raise UnknownNameError("node", unknown, there)
        self.failed: list[FailedHook] = []
        self._find_overridden()

    def _find_overridden(self) -> None:
        """Look once which hook overrides what, so that the other methods cost nothing."""
        self._overridden = {
            method: tuple(
                (hook, getattr(hook, method)) for hook in self._hooks if _overrides(hook, method)
            )
            for method in EVENTS
        }

    def call(self, method: str, *args: Any) -> None:
        """Call a method of every hook that overrides it, in the order they were given."""
        for hook, bound in self._overridden[method]:
            self._guarded(hook, method, bound, *args)

    def around(self, step: Step, work: Callable[..., T], *args: Any) -> T:
        """Do the work inside the hooks' context managers, the first hook's outermost."""
        if not self._overridden["around_node"]:
            return work(*args)
        opened: Opened = []
        try:
            for hook, around_node in self._overridden["around_node"]:
                self._guarded(hook, "around_node", self._enter, hook, around_node, step, opened)
            result = work(*args)
            # Inside the try: an interrupt may come when it begins.
            self._leave(opened, (None, None, None))
            return result
        except BaseException:
            self._leave(opened, exc_info())
            raise

    def _enter(
        self,
        hook: Hook,
        around_node: Callable[[Step], AbstractContextManager[object]],
        step: Step,
        opened: Opened,
    ) -> None:
        manager = around_node(step)
        manager.__enter__()
        opened.append((hook, manager))

    def _leave(self, opened: Opened, raised: ExcInfo) -> None:
        """Close what was opened, last first; none can swallow the node's error."""
        while opened:
            try:
                self._guarded(opened[-1][0], "around_node", self._exit, opened, raised)
            except BaseException:
                self._leave(opened, exc_info())
                raise

    def _exit(self, opened: Opened, raised: ExcInfo) -> None:
        manager = opened[-1][1]
        del opened[-1]  # no pop(): an interrupt may come when a call returns
        try:
            manager.__exit__(*raised)
        except Exception as error:
            # contextlib's managers raise the node's own error again, or fail to put its
            # traceback back where its class is frozen: neither is the hook's failure.
            node_error = raised[1]
            if error is not node_error and not _is_frozen(node_error, error):
                raise

    def _guarded(self, hook: Hook, method: str, call: Callable[..., Any], *args: Any) -> None:
        try:
            call(*args)
        except Exception as error:
            if not any(each is hook for each in self._hooks):
                return  # put aside already: it was given twice, or its context was still open
            self._hooks = [each for each in self._hooks if each is not hook]
            self._find_overridden()
            self.failed.append(FailedHook(hook, method, error))
            run_log().warning(
                "the hook %s failed in %s and is put aside for the rest of this run",
                type(hook).__name__,
                method,
                exc_info=True,
            )


def _is_frozen(node_error: BaseException | None, error: Exception) -> bool:
    """Return True if ``error`` only says that ``node_error`` can't be given a traceback."""
    if node_error is None or error.__context__ is not node_error:
        return False
    traceback, modules, last = error.__traceback__, set(), ""
    while traceback is not None:
        modules.add(traceback.tb_frame.f_globals.get("__name__"))
        last = traceback.tb_frame.f_code.co_name
        traceback = traceback.tb_next
    return "contextlib" in modules and last in ("__setattr__", "__exit__")


def _checked(hook: object) -> Hook:
    if isinstance(hook, Hook):
        return hook
    wanted = f"{hook.__name__}()" if isinstance(hook, type) else "an instance of a Hook subclass"
    raise TypeError(f"{hook!r} can't watch a run: it is no Hook\n  give {wanted}")


def _awaited(hook: Hook) -> Names:
    names: object = hook.waits_for
    if isinstance(names, str):
        raise TypeError(
            f"waits_for of the hook {hook_name(hook)} is the string {names!r}; write [{names!r}]"
        )
    return hook.waits_for


def _overrides(hook: Hook, method: str) -> bool:
    """Return True if its class does, or this one hook alone: ``hook.before_node = ...``."""
    own = getattr(hook, "__dict__", {}).get(method)
    return callable(own) or getattr(type(hook), method, None) is not getattr(Hook, method)
