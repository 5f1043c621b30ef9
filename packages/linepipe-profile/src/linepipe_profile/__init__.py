"""Memory profiles of linepipe nodes: how much memory each one kept, and its peak.

A distribution of its own, so that a service that never profiles installs neither
memory_profiler nor psutil. ``Node(profile=True)`` uses it where it is installed;
``run(hooks=[MemoryProfile()])`` profiles every node.
"""

from linepipe_core import __version__ as __version__
from linepipe_profile.hook import MemoryProfile
from linepipe_profile.record import MemoryRecord, Sample

__all__ = ["MemoryProfile", "MemoryRecord", "Sample"]
