"""Declarations: nodes, config references, how nodes fit together, how pipelines are joined.

Pure: nothing here runs a node's function or touches a disk.
"""
