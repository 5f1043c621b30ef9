"""Watching a run: ``Hook``, to be subclassed, the hooks that open a debugger, and the record
of a hook that failed.
"""

from linepipe_core._run.breakpoints import Breakpoint, PostMortem
from linepipe_core._run.hooks import Hook
from linepipe_core._run.result import FailedHook

__all__ = ["Breakpoint", "FailedHook", "Hook", "PostMortem"]
