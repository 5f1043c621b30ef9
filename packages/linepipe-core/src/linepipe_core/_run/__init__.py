"""Runs the nodes: the one loop, steps, results, hooks, history, failures and the debugger.

Decides nothing about reuse and knows no files.
"""
