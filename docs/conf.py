"""How the pages become a site: `nox -s docs`. Nothing is fetched, and a warning is an error."""

import html
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aimux import __version__  # noqa: E402
from tests.documents.drawing import drawn  # noqa: E402

project = "aimux"
author = "The aimux maintainers"
project_copyright = f"2026 {author}"
release = version = __version__
extensions = ["myst_parser"]
exclude_patterns = ["news/**"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
html_theme = "furo"
html_title = f"aimux {release}"
html_copy_source = False
nitpicky = True


class Picture(Directive):
    """A diagram of `stateDiagram-v2` or `flowchart` as a picture; its lines are its name."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        lines = list(self.content)
        said = html.escape("; ".join(line.strip() for line in lines[1:]))
        figure = f'<figure role="img" aria-label="{said}">{drawn(lines)}</figure>'
        return [nodes.raw("", figure, format="html")]


def setup(app: Sphinx) -> None:
    """Diagrams are drawn here: no program, no script from elsewhere."""
    app.add_directive("mermaid", Picture)
