"""The picture of the page in README.md, taken anew: python docs/take_picture.py.

Needs chromium, and the site or ``python docs/make_pictures.py`` for the page. The
picture is committed, as README.md is read where nothing is built.
"""

import subprocess
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
PAGE = DOCS / "_extra" / "first_report.html"
PICTURE = DOCS / "_static" / "page.png"
SIZE = (960, 1010)


def take() -> None:
    """Write the upper part of the page of "Your first report", in few colours."""
    width, height = SIZE
    subprocess.run(  # noqa: S603 - a page of this project
        [
            *("chromium", "--headless", "--no-sandbox", "--hide-scrollbars"),
            *(f"--window-size={width},{height}", f"--screenshot={PICTURE}"),
            PAGE.absolute().as_uri(),
        ],
        check=True,
    )
    with Image.open(PICTURE) as picture:
        few = picture.convert("RGB").quantize(64)
    few.save(PICTURE, optimize=True)


if __name__ == "__main__":
    take()
