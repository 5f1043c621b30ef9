"""linepipe's core: run plain Python functions, step by step, as one pipeline.

No dependencies, and nothing heavy is imported before it is needed. The floors of the house,
each importing only from those below it, are told in the file names; see "Architecture" in
the docs.
"""

from linepipe_core.config import is_config_reference
from linepipe_core.debugging import Breakpoint, PostMortem
from linepipe_core.errors import (
    AmbiguousNameError,
    CompositionError,
    ConstantError,
    LinepipeError,
    MissingConfigError,
    MissingExtraError,
    MissingInputError,
    NodeDefinitionError,
    NodeExecutionError,
    ObjectTypeError,
    OutputMismatchError,
    RegistryClosedError,
    RunStateError,
    ShelfError,
    ShelfPathError,
    ShelfPickleError,
    ShelfTrustError,
    ShelfWriteError,
    UnknownNameError,
    WiringError,
)
from linepipe_core.history import HistoryEntry
from linepipe_core.hook_calls import FailedHook
from linepipe_core.hooks import Hook
from linepipe_core.node import Node, create_named_partial_function
from linepipe_core.pipeline import Pipeline
from linepipe_core.registry import ObjectRegistry
from linepipe_core.result import RunResult, Step
from linepipe_core.run import Run
from linepipe_core.snapshot import register_snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from linepipe_core.freshness import Plan as Plan
    from linepipe_core.freshness import PlanEntry as PlanEntry
    from linepipe_core.placement import ObjPlacement as ObjPlacement
del TYPE_CHECKING

__version__ = "2.0.0"

__all__ = [
    "AmbiguousNameError",
    "Breakpoint",
    "CompositionError",
    "ConstantError",
    "FailedHook",
    "HistoryEntry",
    "Hook",
    "LinepipeError",
    "MissingConfigError",
    "MissingExtraError",
    "MissingInputError",
    "Node",
    "NodeDefinitionError",
    "NodeExecutionError",
    "ObjPlacement",
    "ObjectRegistry",
    "ObjectTypeError",
    "OutputMismatchError",
    "Pipeline",
    "Plan",
    "PlanEntry",
    "PostMortem",
    "RegistryClosedError",
    "Run",
    "RunResult",
    "RunStateError",
    "ShelfError",
    "ShelfPathError",
    "ShelfPickleError",
    "ShelfTrustError",
    "ShelfWriteError",
    "Step",
    "UnknownNameError",
    "WiringError",
    "create_named_partial_function",
    "is_config_reference",
    "register_snapshot",
]


# Few ask for these, and their modules import much that a run doesn't need.
_HOME = {"ObjPlacement": "placement", "Plan": "freshness", "PlanEntry": "freshness"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
