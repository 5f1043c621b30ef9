"""How Sphinx builds the site: Markdown pages, docstrings as reference, warnings as errors."""

import linepipe_core

project = "linepipe"
author = "the linepipe authors"
release = linepipe_core.__version__
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"linepipe {version}"
html_show_copyright = False
html_static_path: list[str] = []
html_extra_path = ["pages"]  # stands beside the pages as it is

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
