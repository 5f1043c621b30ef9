"""``linepipe.registry``: one run's objects, from linepipe_core."""

from linepipe_core.registry import ObjectRegistry, ObjPlacement

__all__ = ["ObjPlacement", "ObjectRegistry"]
