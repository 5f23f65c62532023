"""The page's own modules at `/hsi/web/<version>/<path>`.

    /hsi/web/3f2a…/viewer/viewer.js             a script below `hsi_studio/ui`
    /hsi/web/3f2a…/plugin/<folder>/<file>.js    a script of a tab from elsewhere (`Tab.scripts`)

The version is a hash of all scripts. It stands in front of the path, so that what a module imports by a relative path
carries it too, and every script may be kept by the browser for good: another version has other addresses. Scripts of
plug-ins are asked for anew each time.

Only files found when the server starts are served; no path of a request is ever joined to a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

UI = Path(__file__).resolve().parent
TYPES = {".js": "text/javascript", ".css": "text/css", ".webp": "image/webp"}
KEPT = "public, max-age=31536000, immutable"
PLUGIN = "plugin"


def scripts() -> dict[str, Path]:
    """Every script, style sheet and picture of ours, by its path below `hsi_studio/ui`."""
    return {path.relative_to(UI).as_posix(): path for path in sorted(UI.rglob("*")) if path.suffix in TYPES}


@lru_cache(maxsize=1)
def version() -> str:
    """A hash of all scripts of ours as they were when the page was first built: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, path in scripts().items():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def address(script: Path) -> str:
    """Where the page finds a script: one of ours, or one of a tab from elsewhere."""
    script = script.resolve()
    below = script.relative_to(UI).as_posix() if script.is_relative_to(UI) else _plugin(script)
    return f"/hsi/web/{version()}/{below}"


def _plugin(script: Path) -> str:
    return f"{PLUGIN}/{script.parent.name}/{script.name}"


def router(plugins: Iterable[Path] = ()) -> APIRouter:
    """The route. `plugins` are scripts that lie outside `hsi_studio/ui`; others than .js and .css are left out."""
    api = APIRouter(prefix="/hsi/web")
    ours = scripts()
    found = [path.resolve() for path in plugins]
    theirs = {_plugin(path): path for path in found if path.suffix in TYPES and not path.is_relative_to(UI)}

    @api.get("/{asked}/{name:path}")
    def script(asked: str, name: str) -> FileResponse:
        path = ours.get(name) or theirs.get(name)
        if path is None or not path.is_file():
            raise HTTPException(404, "There is no such script.")
        kept = name in ours and asked == version()
        return FileResponse(
            path, media_type=TYPES[path.suffix], headers={"Cache-Control": KEPT if kept else "no-cache"}
        )

    return api
