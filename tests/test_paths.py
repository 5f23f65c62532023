"""The program's own data: found in a checkout, and where it is missing the error says so. `test_wheel.py` has the
installed package."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio import paths
from hsi_studio.errors import FileProblem
from hsi_studio.io.palette import _categorical
from hsi_studio.scene.public_facts import public_facts
from hsi_studio.text import prompts


def test_in_a_checkout_they_stand_beside_the_package() -> None:
    assert Path(__file__).resolve().parents[1] / "assets" == paths.ASSETS
    assert paths.asset("datasets.json").is_file()


@pytest.mark.parametrize(
    ("cached", "name"),
    [(prompts.descriptions, "prompts"), (_categorical, "palettes.json"), (public_facts, "datasets.json")],
)
def test_missing_data_is_an_error_never_a_substitute(
    cached: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the descriptions, p5 was once a template for every class and nobody was told."""
    cached.cache_clear()  # type: ignore[attr-defined]
    monkeypatch.setattr(paths, "ASSETS", tmp_path)
    try:
        with pytest.raises(paths.AssetMissing, match=f"{name}: .*Install HSI Studio again"):
            cached()  # type: ignore[operator]
    finally:
        cached.cache_clear()  # type: ignore[attr-defined]
    assert issubclass(paths.AssetMissing, FileProblem)


def test_an_empty_folder_of_descriptions_is_missing_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prompts").mkdir()
    prompts.descriptions.cache_clear()
    monkeypatch.setattr(paths, "ASSETS", tmp_path)
    with pytest.raises(paths.AssetMissing):
        prompts.sentences_for(["Corn"], "p5", "indian_pines")
    prompts.descriptions.cache_clear()


def test_the_folder_of_projects_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_HOME", str(tmp_path / "elsewhere"))
    assert paths.home() == tmp_path / "elsewhere"
    assert not paths.home().exists()
    monkeypatch.setenv("HSI_STUDIO_HOME", "")
    assert paths.home() == Path.home() / ".hsi_studio"
