"""Pipelines, results and plans on a terminal, printed once.

``lanes`` (the lanes beside the rows), ``styled_text`` (lines of styled text at exact widths),
``views`` (the public functions).
"""
