"""Objects on disk and in memory, by name.

Knows bytes, files and names; no node's code, and nothing of when an object may be reused.
"""
