"""The display list: a picture as plain shapes that any back-end can draw.

``measure`` (sizes of texts and cards), ``ports`` and ``arrangement`` (positions of cards, pills
and wires), ``shapes`` (the records of the display list), ``pipeline_scene`` (all of it for a
pipeline).
"""
