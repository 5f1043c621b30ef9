"""linepipe's core: run plain Python functions, step by step, as one pipeline.

No dependencies; pandas, numpy and sqlite3 are imported when they are needed. The modules without
an underscore are what users import; the wings behind them, each importing only from those below
it, are described in "Architecture" in the docs.
"""

from linepipe_core._declare.config import is_config_reference
from linepipe_core._reuse.plan import Plan, PlanEntry
from linepipe_core._reuse.reasons import Action, Reason, ReasonKind
from linepipe_core._run.history import HistoryEntry
from linepipe_core._run.map_result import MapResult
from linepipe_core._run.result import RunResult
from linepipe_core._run.run import Run
from linepipe_core._run.step import MemoryUse, Status, Step
from linepipe_core._values.file import File
from linepipe_core._values.fingerprints import register_fingerprint
from linepipe_core._values.rules import register_snapshot
from linepipe_core.errors import (
    AmbiguousNameError,
    CompositionError,
    ConstantError,
    LinepipeError,
    MapError,
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
    ShelfReadError,
    ShelfTrustError,
    ShelfWriteError,
    UnknownNameError,
    WiringError,
)
from linepipe_core.hooks import Breakpoint, FailedHook, Hook, PostMortem
from linepipe_core.node import Node, create_named_partial_function
from linepipe_core.pipeline import Pipeline
from linepipe_core.registry import ObjectRegistry, ObjPlacement

__version__ = "2.0.0"

__all__ = [
    "Action",
    "AmbiguousNameError",
    "Breakpoint",
    "CompositionError",
    "ConstantError",
    "FailedHook",
    "File",
    "HistoryEntry",
    "Hook",
    "LinepipeError",
    "MapError",
    "MapResult",
    "MemoryUse",
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
    "Reason",
    "ReasonKind",
    "RegistryClosedError",
    "Run",
    "RunResult",
    "RunStateError",
    "ShelfError",
    "ShelfPathError",
    "ShelfPickleError",
    "ShelfReadError",
    "ShelfTrustError",
    "ShelfWriteError",
    "Status",
    "Step",
    "UnknownNameError",
    "WiringError",
    "create_named_partial_function",
    "is_config_reference",
    "register_fingerprint",
    "register_snapshot",
]
