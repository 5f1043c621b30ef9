"""The pipeline as pictures and views see it: its cards and edges, and what is known of each node.

``cards`` (nodes, free inputs and the edges between them), ``records`` (what a run, a failure or
a plan says about each node), ``details`` (signature, docstring and types for tooltips).
"""
