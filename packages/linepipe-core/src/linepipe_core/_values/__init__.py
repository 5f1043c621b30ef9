"""Values: how to copy, compare and pickle them.

One module a library (numpy, pandas, ...); the others know Python's own types only. Nothing here
knows names, nodes or files.
"""
