"""How the pages are built: ``make docs``. Nothing here reaches the network, nor do the pages."""

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

import glassnet

LOG = logging.getLogger(__name__)

project = "glassnet"
copyright = "the glassnet developers"
version = release = glassnet.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# Markdown: formulas between dollars, and headings that links can lead to
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# the reference: numpydoc's sections tell the types, so signatures stay short
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
default_role = "py:obj"
# a name in backticks may be an argument; one that begins with glassnet must lead somewhere
nitpick_ignore_regex = [("py:.*", r"(?!glassnet\.).*")]

toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "glassnet"
html_static_path = ["_static"]
html_css_files = ["glassnet.css"]
html_show_sphinx = False
html_copy_source = False
html_math_renderer = "mathml"

# methods that only glassnet's own rooms call
INSIDE = {"check_targets", "recorded", "replay", "score", "start_output", "step"}


def hide(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out of the reference what is no business of a reader's, or is scikit-learn's own."""
    home = str(getattr(thing, "__module__", ""))
    inside = home in ("glassnet.base", "glassnet.network") and name in INSIDE
    routing = name.endswith(("_request", "_routing"))
    return True if inside or routing or home.startswith("sklearn") else None


def formula(writer: Any, node: Any) -> None:
    """Write a formula as MathML, which browsers show without any script."""
    block = isinstance(node, nodes.math_block)
    try:
        mathml = tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        LOG.warning("formula: %s", error, location=node)
        raise nodes.SkipNode from None
    writer.body.append(f'<div class="formula">{mathml}</div>' if block else mathml)
    raise nodes.SkipNode


def trim(app: Any, doctree: Any) -> None:
    """Show no blank line at the end of a block; doctests want one before the fence."""
    for block in doctree.findall(nodes.literal_block):
        block.rawsource = block.astext().rstrip()
        block.children = [nodes.Text(block.rawsource)]


def setup(app: Any) -> None:
    """Tell Sphinx of these."""
    app.connect("autodoc-skip-member", hide)
    app.connect("doctree-read", trim)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
