"""What stands in the page before Gradio's part: the product's name, for the seconds that Gradio takes to begin, and the
addresses of what the first view needs.

Gradio fetches a component's script when it makes the component, the browser what that one imports when it has read it,
and so on: five rounds after Gradio's own. Named here, all of them come while Gradio's scripts are being read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from hsi_studio.ui.web_component import PANELS
from hsi_studio.ui.web_routes import UI, address

FIRST = ("top", "viewer", "strip", "spectrum", "classes")  # of `PANELS`, in the order in which the page makes them
SHEETS = ("viewer/viewer.css", "opening/opening.css")
LEAFLET = {"style": "/hsi/leaflet/leaflet.css", "script": "/hsi/leaflet/leaflet.js"}
IMPORTED = re.compile(r"""^import .*?from ["'](\.[^"']+)["']""", re.MULTILINE)
NAME = (  # until `viewer/title_bar.js` takes it away, at the place where it then stands
    '<p id="hsi-loading" role="status" style="position: fixed; top: 8px; left: 16px; margin: 0; '
    'font: 15px/1.5 system-ui, sans-serif"><b style="font-weight: 650">HSI Studio</b> is loading …</p>'
)


def before_gradio() -> str:
    """HTML without any value of a user's."""
    modules = with_imports(PANELS[name].script for name in FIRST)
    links = [f'<link rel="modulepreload" href="{address(path)}">' for path in modules]
    links += [f'<link rel="preload" as="style" href="{address(UI / name)}">' for name in SHEETS]
    links += [f'<link rel="preload" as="{kind}" href="{name}">' for kind, name in LEAFLET.items()]
    return "\n".join([NAME, *links])


def with_imports(scripts: Iterable[Path]) -> list[Path]:
    """These modules and all that they import, each once, the nearest first."""
    found = dict.fromkeys(scripts)
    waiting = list(found)
    while waiting:
        script = waiting.pop(0)
        for name in IMPORTED.findall(script.read_text(encoding="utf-8")):
            path = (script.parent / name).resolve()
            if path not in found:
                found[path] = None
                waiting.append(path)
    return list(found)
