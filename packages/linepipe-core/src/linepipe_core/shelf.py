"""The persistent cache as a mapping: ``ObjectShelf``.

Apart from the other names of ``linepipe_core``, because it loads sqlite3 and shelve.
"""

from linepipe_core._store.info import ObjectInfo
from linepipe_core._store.object_shelf import ObjectShelf

__all__ = ["ObjectInfo", "ObjectShelf"]
