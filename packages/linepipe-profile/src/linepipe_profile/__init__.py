"""Memory profiles of linepipe nodes: how much each one kept, and how high it went.

A distribution of its own, so that a service that never profiles carries neither
memory_profiler nor psutil. ``Node(profile=True)`` uses it when it is installed;
``run(hooks=[MemoryProfile()])`` profiles every node.
"""

from linepipe_core import __version__ as __version__
from linepipe_profile.hook import MemoryProfile
from linepipe_profile.record import MemoryRecord, Sample

__all__ = ["MemoryProfile", "MemoryRecord", "Sample"]
