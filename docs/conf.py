"""Settings of the docs site: `make docs` builds it from the pages as they lie in the repository, without a network."""

from __future__ import annotations

import sys
from pathlib import Path

import heirloom

sys.path.insert(0, str(Path(__file__).parent))

project = "Heirloom"
author = "The Heirloom maintainers"
copyright = author  # noqa: A001 - the name that Sphinx reads
version = release = heirloom.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "extension"]
root_doc = "docs/index"
include_patterns = [
    *("docs/**", "examples/*/README.md", "data/README.md"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
]
exclude_patterns = [".*", "build", "logs", "results", "src", "tests", "benchmarks", "data/*/*", "docs/report"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
default_role = "literal"
smartquotes = False  # it would make a dash of the two hyphens of an option

myst_heading_anchors = 6  # spelt as a forge spells them, so that a link works in both places
nb_execution_mode = "off"  # outputs are stored; a test runs the notebook
autodoc_typehints = "signature"
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"Heirloom {release}"
html_show_sphinx = False
