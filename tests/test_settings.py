"""Settings: one place knows every HSI_STUDIO_ variable, and what is shown of them is that place's."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from hsi_studio import paths, settings
from hsi_studio.errors import BadRequest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [ROOT / "app.py", *(ROOT / "hsi_studio").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]


def test_nobody_else_names_a_variable_of_ours_in_code() -> None:
    """A string that is the name, or begins with it and "=", is how one would read or set it. Prose may name it."""
    found = []
    for file in SOURCES:
        if file == ROOT / "hsi_studio" / "settings.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if re.fullmatch(r"HSI_STUDIO_[A-Z_]*=?", text):
                found.append(f"{file.relative_to(ROOT)}:{node.lineno} {text}")
    assert found == []


def test_every_variable_that_the_sources_or_the_readme_name_exists() -> None:
    known = {one.name for one in settings.SETTINGS}
    named = set()
    for file in [*SOURCES, ROOT / "README.md", *(ROOT / "tests").rglob("*.py")]:
        named |= set(re.findall(r"HSI_STUDIO_[A-Z]+(?:_[A-Z]+)*", file.read_text(encoding="utf-8")))
    assert named == known


def test_the_options_named_are_the_apps() -> None:
    from hsi_studio.ui.launch import parser

    options = {text for action in parser()._actions for text in action.option_strings}
    assert {one.option for one in settings.SETTINGS if one.option} <= options


def test_the_docs_show_this_table() -> None:
    assert settings.table() in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "ten", "1e999"])
def test_a_number_that_is_none_is_refused_with_the_name(text: str) -> None:
    with pytest.raises(BadRequest, match=r"HSI_STUDIO_MAX_DISK_GB is .*above 0.*no limit"):
        settings.MAX_DISK_GB.number({"HSI_STUDIO_MAX_DISK_GB": text})


def test_a_number_of_jobs_is_whole() -> None:
    assert settings.MAX_JOBS.whole({"HSI_STUDIO_MAX_JOBS": " 3 "}) == 3
    with pytest.raises(BadRequest, match="whole number"):
        settings.MAX_JOBS.whole({"HSI_STUDIO_MAX_JOBS": "2.5"})


def test_what_is_not_set_is_none() -> None:
    assert settings.MAX_JOBS.whole({}) is None
    assert settings.MAX_DISK_GB.number({"HSI_STUDIO_MAX_DISK_GB": "  "}) is None
    assert settings.HOME.text({}) == ""


@pytest.mark.parametrize("one", settings.SETTINGS, ids=lambda one: one.name)
def test_a_value_that_cannot_be_meant_is_told_before_anything_begins(one: settings.Setting, tmp_path: Path) -> None:
    """By `check`, whatever the setting is for, with the variable's name."""
    (file := tmp_path / "a file").touch()
    wrong = {
        "whole number": ["x", "-1", "0", "1.5", "1e300"],
        "yes or no": ["maybe", "2"],
        "secret": ["key\nkey", "kéy", "two words"],
        "folder": [str(file), str(file / "below")],
        "folders": [f"{tmp_path}{os.pathsep}{file}", "~nobody-of-this-name/x"],
    }
    numbers = ["ten", "-1", "0", "nan", "1e300"]
    for text in numbers if one.kind.startswith("number") else wrong.get(one.kind, []):
        with pytest.raises(BadRequest, match=one.name):
            settings.check({one.name: text})
    settings.check({one.name: ""})


def test_a_switch_that_says_no_is_off() -> None:
    for text in ("no", "false", "off", "0", ""):
        assert not settings.TRUST_LOCAL.yes({"HSI_STUDIO_TRUST_LOCAL": text})


def test_the_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A shell leaves it in `HSI_STUDIO_HOME="~/maps"`, a service file always."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("HSI_STUDIO_HOME", "~/maps")
    assert paths.home() == tmp_path / "maps"
