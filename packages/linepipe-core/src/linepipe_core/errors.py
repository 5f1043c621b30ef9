"""Every error that linepipe raises on purpose, in one tree.

Each message says what is wrong, where, and how to mend it;
the culprits are attributes. A builtin is mixed in where callers would catch that builtin::

    LinepipeError
    ├── NodeDefinitionError    (TypeError, ValueError)  a Node that can't be
    ├── WiringError            (ValueError)             nodes that don't fit together
    ├── CompositionError       (ValueError)             pipelines that can't be added
    ├── UnknownNameError       (KeyError)               no node, output or object of that name
    ├── AmbiguousNameError     (KeyError)               more than one node of that name
    ├── MissingInputError      (KeyError)               a run lacks an object that it needs
    │   └── MissingConfigError                          ... and that object is a config path
    ├── ConstantError          (ValueError)             a constant would be overwritten or shadowed
    ├── OutputMismatchError    (ValueError)             a return value that doesn't fit the outputs
    ├── ObjectTypeError        (TypeError)              an object of another type than asked for
    ├── RegistryClosedError    (ValueError)             a registry used after its end
    ├── RunStateError                                   a run asked for what its state rules out
    ├── NodeExecutionError     (RuntimeError)           a node's function raised
    ├── MapError                                        some cases of map() failed
    ├── MissingExtraError      (ImportError)            an optional part isn't installed
    └── ShelfError                                      the persistent cache can't be used
        ├── ShelfPathError     (OSError)                its path isn't a shelf, or can't be one
        ├── ShelfPickleError   (TypeError)              an object can't be pickled
        ├── ShelfReadError     (OSError)                it can't be read just now: nothing is lost
        ├── ShelfTrustError    (PermissionError)        others could have written it
        └── ShelfWriteError    (OSError)                it can't be written: full, read-only, gone
"""

from linepipe_core._errors import (
    AmbiguousNameError,
    CompositionError,
    ConstantError,
    LinepipeError,
    MissingConfigError,
    MissingExtraError,
    MissingInputError,
    NodeDefinitionError,
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
from linepipe_core._run.failures import NodeExecutionError
from linepipe_core._run.map_result import MapError

__all__ = [
    "AmbiguousNameError",
    "CompositionError",
    "ConstantError",
    "LinepipeError",
    "MapError",
    "MissingConfigError",
    "MissingExtraError",
    "MissingInputError",
    "NodeDefinitionError",
    "NodeExecutionError",
    "ObjectTypeError",
    "OutputMismatchError",
    "RegistryClosedError",
    "RunStateError",
    "ShelfError",
    "ShelfPathError",
    "ShelfPickleError",
    "ShelfReadError",
    "ShelfTrustError",
    "ShelfWriteError",
    "UnknownNameError",
    "WiringError",
]

for _name in __all__:  # so that tracebacks and pickles name the path that users import
    globals()[_name].__module__ = __name__
