"""``linepipe.registry``: the objects of one run, from linepipe_core."""

from linepipe_core.registry import ObjectRegistry, ObjPlacement

__all__ = ["ObjPlacement", "ObjectRegistry"]
