"""Which text models a user, or a file of theirs, may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.methods import methods
from hsi_studio.methods.contract import make_params
from hsi_studio.text.model_files import check_allowed, find_model, own_folder
from tests.text import small


@pytest.mark.parametrize("name", ["minilm", " MiniLM ", "scratch", "BAAI/bge-large-en-v1.5"])
def test_what_comes_with_the_program_or_a_preset_is_allowed(name: str) -> None:
    check_allowed(name)


@pytest.mark.parametrize(
    "name", ["/etc", "..", "../..", "~", "~root", "a" * 5000, "\x00", "hub/any", "{x}", "file:///etc", "C:\\models"]
)
def test_any_other_folder_of_the_machine_and_any_hub_id_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match=r"may not be opened here: use 'minilm'.*HSI_STUDIO_HUB_MODELS=yes"):
        check_allowed(name)


def test_a_folder_of_the_operators_is_allowed_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small.bert(tmp_path / "models" / "tiny")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models" / "way out").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("HSI_STUDIO_TEXT_MODELS", str(tmp_path / "models"))
    check_allowed("tiny")
    check_allowed(str(folder))
    assert find_model("tiny").path == folder.resolve()
    for outside in ("way out", "../elsewhere", ".", "", str(tmp_path / "models")):
        assert own_folder(outside) is None


def test_hub_ids_are_for_the_operator_to_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_HUB_MODELS", "yes")
    check_allowed("intfloat/multilingual-e5-small")
    with pytest.raises(BadRequest, match="may not be opened"):
        check_allowed("/etc")
    monkeypatch.setenv("HSI_STUDIO_HUB_MODELS", "perhaps")
    with pytest.raises(BadRequest, match="give yes or no"):
        check_allowed("intfloat/multilingual-e5-small")


@pytest.mark.parametrize(
    ("method", "field"),
    [
        ("diffclip", "text_encoder"),
        ("diffclip", "tokenizer_source"),
        ("s3fn", "text_encoder"),
        ("curated", "text_encoder"),
    ],
)
def test_every_parameter_that_names_one_is_checked(method: str, field: str) -> None:
    with pytest.raises(BadRequest, match="may not be opened"):
        make_params(methods().entries[method].Params, {field: "/etc"})
