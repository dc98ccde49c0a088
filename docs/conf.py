"""Settings of Sphinx, which makes a site of these pages: `make docs`.

The pages are plain Markdown, so that they read as well where they lie.
"""

from qa_sweep import __version__

project = "qa_sweep"
version = release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 4  # links to headings, as [text](page.md#heading)
highlight_language = "none"  # of blocks that name no language: they are for the terminal

smartquotes = False  # what is typed is shown as it is typed

html_theme = "furo"  # it loads nothing from elsewhere
html_title = f"qa_sweep {release}"
html_copy_source = False
