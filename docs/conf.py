"""Sphinx: pages in Markdown, the reference from docstrings, warnings as errors (``make docs``)."""

import importlib.metadata

project = "textcnn"
author = copyright = "the textcnn authors"
version = release = importlib.metadata.version("textcnn")
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "textcnn"
html_static_path = ["_static"]
html_css_files = ["output.css"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
nitpicky = False
