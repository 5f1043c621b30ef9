"""The standalone page: a pipeline to walk through, in one HTML file that needs no network.

``document`` (the page), ``model`` (what its script knows of the nodes), ``page.js`` and
``page.css`` (what is put into it as it is).
"""
