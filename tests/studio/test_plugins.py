"""What there is to choose from: sources of plug-ins alone, problems said once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hsi_studio.registry import Registry, Source
from hsi_studio.studio import plugins


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> tuple[Registry, Registry]:
    """Formats and methods: one built in and one from a package each, one problem that both have."""
    made = []
    for own, other in (("npy", "grid"), ("lda", "toy")):
        entries = {name: SimpleNamespace(name=name, title=name.upper()) for name in (own, other)}
        problems = ["the folder /none is no folder", f"{other}2 cannot be imported"]
        made.append(Registry(entries, problems, {other: Source("package hsi-toys 1.0")}))
    monkeypatch.setattr(plugins, "readers", lambda: made[0])
    monkeypatch.setattr(plugins, "methods", lambda: made[1])
    return made[0], made[1]


def test_what_is_built_in_has_no_source(registries: tuple[Registry, Registry]) -> None:
    assert plugins.listed_formats() == [("npy", "NPY", ""), ("grid", "GRID", "package hsi-toys 1.0")]
    assert plugins.listed_methods() == [("lda", "LDA", ""), ("toy", "TOY", "package hsi-toys 1.0")]


def test_every_problem_is_said_once_those_of_formats_first(registries: tuple[Registry, Registry]) -> None:
    shared = "the folder /none is no folder"
    assert plugins.problems() == [shared, "grid2 cannot be imported", "toy2 cannot be imported"]
    tabs = Registry(problems=[shared, "tab.py is left out"])
    assert plugins.problems(tabs)[-1] == "tab.py is left out"
    assert plugins.problems(tabs).count(shared) == 1
