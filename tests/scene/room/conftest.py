"""The room as the app has it, and a reader that does whatever its file says: what happens when a file takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hsi_studio.errors import StudioError
from hsi_studio.scene.formats import registry
from hsi_studio.scene.room import start

OBEDIENT = '''
from pathlib import Path

from hsi_studio.errors import FileProblem
from hsi_studio.scene.raster import first_bytes


class Obedient:
    """Runs what the file says after its first four bytes; `said` is handed back as the problem of an error."""

    name, title, extensions = "obedient", "Anything", (".any",)

    def sniff(self, path):
        return first_bytes(path, 4) == b"RUN!"

    def open(self, path, variable):
        given = {"path": path, "said": "nothing"}
        exec(path.read_text()[4:], given)
        raise FileProblem(path, str(given["said"]), "Nothing")

    layer = open

    def variables(self, path):
        return []


READER = Obedient()
'''


@pytest.fixture(scope="session")
def _obedient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "obedient.py").write_text(OBEDIENT, encoding="utf-8")
    return folder


def _forget() -> None:
    for one in (registry.readers, start.starter, start.reader_roots):
        one.cache_clear()


@pytest.fixture(scope="session")
def _spawner(_obedient: Path) -> Iterator[start.Starter]:
    """One for all tests, started with the plug-in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HSI_STUDIO_PLUGINS", str(_obedient))
        _forget()
        made = start.starter()
        if isinstance(made, start.Spawner):
            made.ready()
    yield made
    if isinstance(made, start.Spawner):
        made.close()
    _forget()


@pytest.fixture
def room(
    _obedient: Path, _spawner: start.Starter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path, str], StudioError]]:
    """Files are read in rooms in this test. Gives the way to open a file that says what its reader shall do."""
    from hsi_studio.scene.open import open_scene

    monkeypatch.delenv("HSI_STUDIO_TRUST_LOCAL")
    monkeypatch.setenv("HSI_STUDIO_PLUGINS", str(_obedient))
    registry.readers.cache_clear()
    start.reader_roots.cache_clear()
    monkeypatch.setattr(start, "starter", lambda: _spawner)
    monkeypatch.setattr("hsi_studio.scene.room.opening.starter", lambda: _spawner)

    def told(folder: Path, code: str) -> StudioError:
        (folder / "a.any").write_text("RUN!" + code, encoding="utf-8")
        with pytest.raises(StudioError) as caught:
            open_scene(folder / "a.any")
        return caught.value

    yield told
    registry.readers.cache_clear()
    start.reader_roots.cache_clear()
