"""The plots of the gallery, which are also shown where their function is documented.

``gallery-plot:: NAME`` shows what docs/gallery/plots/NAME.py draws, and the code. The
docstring of the script says what is to be seen, for those who do not see it.
"""

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

PLOTS = Path(__file__).parent.parent / "gallery" / "plots"
_PACKAGE = "xent_metrics.plotting."


def text_and_code(path: Path) -> tuple[str, str]:
    """The docstring of a script, and what follows it."""
    source = path.read_text("utf-8")
    docstring, *_ = (tree := ast.parse(source)).body
    lines = source.splitlines()[docstring.end_lineno :]
    return ast.get_docstring(tree) or "", "\n".join(lines).strip()


class GalleryPlot(Directive):
    """The picture for a light page and for a dark one, and the code of both."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Show them."""
        (name,) = self.arguments
        text, code = text_and_code(PLOTS / f"{name}.py")
        pictures: list[nodes.Node] = [
            nodes.image(
                uri=f"/gallery/pictures/{name}_{page}.svg",
                alt=text,
                classes=[f"only-{page}"],
            )
            for page in ("light", "dark")
        ]
        return [*pictures, nodes.literal_block(code, code, language="python")]


def _add_picture(
    _app: Sphinx, what: str, name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """End the entry of a plot with its picture."""
    plot = name.removeprefix(_PACKAGE)
    if what == "function" and (PLOTS / f"{plot}.py").exists() and plot != name:
        lines += ["", ".. rubric:: Picture", "", f".. gallery-plot:: {plot}", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register both; numpydoc rewrites a docstring before the picture is added."""
    app.add_directive("gallery-plot", GalleryPlot)
    app.connect("autodoc-process-docstring", _add_picture, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
