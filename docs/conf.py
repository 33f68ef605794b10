"""The site: `pip install -e ".[docs]" && python -m sphinx -W --keep-going docs build/site`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

project = "rushlight"
author = "rushlight's authors"
html_title = "rushlight"
extensions = ["myst_parser", "sphinx_copybutton", "sphinx_design", "tools.pages.extension"]
exclude_patterns = ["operations/README.md"]
root_doc = "index"
language = "en"
nitpicky = True

myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
highlight_language = "text"
pygments_style = "default"
pygments_dark_style = "github-dark"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/mark.svg"
html_logo = "_static/mark.svg"
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {
        "color-brand-primary": "#8a5200",
        "color-brand-content": "#8a5200",
        "color-brand-visited": "#8a5200",
    },
    "dark_css_variables": {
        "color-brand-primary": "#ffb54d",
        "color-brand-content": "#ffb54d",
        "color-brand-visited": "#ffb54d",
    },
}
copybutton_exclude = ".linenos, .gp, .go"
