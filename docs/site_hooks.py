"""Hooks of mkdocs: the site is made of files that lie where they belong, so that nothing is written twice.

- `docs/pages/` holds the pages that are of the site alone. Others are brought from elsewhere in the repository
  (`BROUGHT`): the results, the changes, the pages on extending, figures, pictures.
- Notebooks become pages: text as it is, code as blocks. They are run by a test, not here.
- Folded parts (`<details>`) hold Markdown, which GitHub reads and Python's Markdown wants to be told.
- Links are written as they hold on disk, from file to file; here they become links from page to page. A file that is
  no part of the site is named without a link. A file that is not there is a broken link, which a strict build refuses.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = "docs/pages"
BROUGHT = {  # pattern in the repository → folder of the site, or the page itself
    "docs/settings.md": "settings.md",
    "docs/licences.md": "licences.md",
    "docs/extend/*.md": "extend/",
    "docs/figures/*.svg": "figures/",
    "docs/pictures/*.png": "pictures/",
    "docs/notebooks/*.ipynb": "notebooks/",
    "benchmarks/RESULTS.md": "results.md",
    "benchmarks/*.md": "results/",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"(^```.*?^```[^\n]*$)", re.DOTALL | re.MULTILINE)


def brought() -> dict[str, str]:
    """File of the repository → its page or file of the site; the first pattern that fits counts."""
    found: dict[str, str] = {}
    for pattern, target in BROUGHT.items():
        for path in sorted(ROOT.glob(pattern)):
            name = path.with_suffix(".md").name if path.suffix == ".ipynb" else path.name
            place = target + name if target.endswith("/") else target
            found.setdefault(path.relative_to(ROOT).as_posix(), place)
    return found


def on_files(files: Files, config: Any) -> Files:
    for source, place in brought().items():
        path = ROOT / source
        if path.suffix == ".ipynb":
            files.append(File.generated(config, place, content=as_markdown(path)))
        else:
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    places = brought()
    source = next((s for s, place in places.items() if place == page.file.src_uri), f"{PAGES}/{page.file.src_uri}")
    parts = FENCE.split(markdown)  # every second part is a code block
    parts[::2] = [LINK.sub(lambda m: site_link(m, source, page.file.src_uri, places), part) for part in parts[::2]]
    return "".join(parts).replace("<details>", '<details markdown="1">')


def site_link(link: re.Match[str], source: str, page: str, places: dict[str, str]) -> str:
    """A link of the file `source`, as it has to be on `page`."""
    picture, text, target, anchor = link.groups(default="")
    if re.match(r"[a-z]+:|/", target):
        return link.group(0)
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    place = places.get(wanted)
    if place is None and wanted.startswith(PAGES + "/"):
        place = wanted.removeprefix(PAGES + "/")
    if place is None and not picture and (ROOT / wanted).exists():
        return text
    new = posixpath.relpath(place, posixpath.dirname(page) or ".") if place is not None else target
    return f"{picture}[{text}]({new}{anchor})"


def as_markdown(notebook: Path) -> str:
    """A notebook's cells as a page, with a line on how to run it."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    where = os.path.relpath(notebook, ROOT).replace(os.sep, "/")
    parts = []
    for cell in cells:
        text = "".join(cell["source"]).strip()
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    title, *rest = "\n\n".join(parts).partition("\n")
    return f"{title}\n\nThis page is the notebook `{where}`; open it in Jupyter to run it.\n{''.join(rest)}\n"
