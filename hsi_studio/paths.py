"""Where things lie: the program's data, the user's projects and caches.

The program's data (`assets/`: scene catalogue, palettes, class descriptions) is beside the package in a checkout and
in an editable install of it, and inside the package, as `hsi_studio/assets`, in a wheel. Trap: in a wheel the folder
beside the package is `site-packages`, where another project may have put a folder of that name; inside comes first.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from hsi_studio import settings
from hsi_studio.errors import BadRequest, FileProblem

PACKAGE = Path(str(resources.files("hsi_studio")))
BESIDE = PACKAGE.parent  # what has to be on Python's path for `import hsi_studio`
ASSETS = next((at for at in (PACKAGE / "assets", BESIDE / "assets") if at.is_dir()), PACKAGE / "assets")


class AssetMissing(FileProblem):
    """A file of the program itself is not there: the installation is not whole."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, f"the program's own data is not where it should be ({path})", "Install HSI Studio again")


def asset(name: str) -> Path:
    """A file or folder of `assets/`, such as "palettes.json". Raises AssetMissing."""
    path = ASSETS / name
    if not path.exists():
        raise AssetMissing(path)
    return path


def home() -> Path:
    """Projects and caches: $HSI_STUDIO_HOME, else ~/.hsi_studio. Not created here. Raises BadRequest."""
    return (settings.HOME.folders() or (user_home() / ".hsi_studio",))[0].absolute()


def user_home() -> Path:
    """The user's own folder. Raises BadRequest for one who has none, as in some containers."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise BadRequest(
            "This user has no home folder: name one with the variable HOME, or folders of your choice with --home (or "
            f"{settings.HOME.name}) and --data."
        ) from error
