"""Positions of boxes: sizes and edges in, coordinates out. It knows no pipeline.

A layered layout of our own, because it sees real box sizes, which keeps edges out of boxes,
and because it needs no dependency. The steps are the classical ones (Sugiyama), one a
module: ``layers`` (the row of each box), ``order`` (the order within a row), ``places`` (the x
coordinates), ``routes`` (how long edges pass between the boxes); ``boxes`` applies them.
"""
