"""The objects of one run: ``ObjectRegistry``, and ``ObjPlacement``, which tells where each of
them lives. Both are importable from ``linepipe_core`` itself.
"""

from linepipe_core._store.registry import ObjectRegistry, ObjPlacement

__all__ = ["ObjPlacement", "ObjectRegistry"]
