"""Every command of the shell and every verb of the studio takes hostile values: a result, or a typed error."""

from __future__ import annotations

import argparse
import inspect
import typing
from pathlib import Path
from types import UnionType
from typing import Any

import pytest

from hsi_studio.cli import main as cli
from hsi_studio.edges import as_typed
from hsi_studio.errors import StudioError
from hsi_studio.studio import Subject
from hsi_studio.types import Scene
from tests.edges.hostile import SOME, nothing_unforeseen
from tests.studio.models import labelled

NUMBERS = ("-1", "0", "1e999", "NaN", "9" * 60, "٣", "")
FINE = {"SCENE": "FILE", "PROJECT|SCENE": "FILE", "PROJECT": "x", "RUN": "x"}
LEFT_OUT = {"backup", "restore", "password"}  # write whole archives; wait for standard input
SLOW = {"close", "wait", "mend", "latest_project", "draft"}


def commands() -> list[tuple[str, argparse.ArgumentParser]]:
    parser = cli._parser()
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return sorted(actions[0].choices.items())


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, _ in commands() if name not in LEFT_OUT])
def test_a_command_takes_hostile_values(
    name: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each argument in turn, the others as they should be; --shots 0 so that nothing honest is begun."""
    monkeypatch.chdir(tmp_path)
    parser = dict(commands())[name]
    places = [a for a in parser._actions if not a.option_strings]
    options = [a for a in parser._actions if a.option_strings and a.dest != "help" and a.nargs != 0]
    needed = [text for a in options if a.required for text in (a.option_strings[0], str(file))]
    tried = 0
    for hostile in (*places, *options):
        number = hostile.type is not None and hostile.type is not Path
        for value in NUMBERS if number else SOME:
            words = [value if one is hostile else str(file) for one in places]
            given = [*needed, *([hostile.option_strings[0], value] if hostile.option_strings else [])]
            try:
                code = cli.main([name, *given, "--", *words]) if words else cli.main([name, *given])
            except SystemExit as left:  # argparse says what it does not understand
                code = int(left.code or 0)
            assert code in (0, 2), (name, given, words)
            tried += 1
    said = capsys.readouterr()
    assert "Traceback" not in said.err + said.out
    assert tried or not (places or options)


def verbs(studio: Any) -> list[tuple[str, Any]]:
    """(name, bound method) of every public verb of the façade and of its subjects."""
    found = [("", studio), *((name, one) for name, one in vars(studio).items() if isinstance(one, Subject))]
    out = []
    for prefix, holder in found:
        for name, _ in inspect.getmembers(type(holder), inspect.isfunction):
            if not name.startswith("_") and name not in SLOW:
                out.append((f"{prefix}.{name}".strip("."), getattr(holder, name)))
    return out


def signature(verb: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(verb).parameters.values())


def hostile_for(kind: Any, value: str, scene: Scene) -> Any:
    """A hostile value of the type that a verb asks for; `pytest.skip` for objects that no stranger can hand in."""
    options = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, UnionType) else (kind,)
    if Scene in options:
        return scene
    for one in options:
        if one in (str, Any, "str"):
            return value
        if one is Path:
            return Path(value or "x")
        if one is bool:
            return True
        if one in (int, float):
            return {"": -1, "NaN": 2**70}.get(value, -(2**40))
    raise LookupError(kind)


@pytest.mark.slow
def test_a_verb_of_the_studio_takes_hostile_values(studio: Any, file: Path) -> None:
    """Of the types that it asks for, by themselves and beside a project that exists: one of its own, for a verb may
    put it into the trash."""
    project = str(labelled(studio, file).id)
    scene, tried, bugs = studio.scene_of(project), set(), []
    for name, verb in verbs(studio):
        try:
            kinds = typing.get_type_hints(verb)
        except NameError:  # imported for the type checker alone
            continue
        wanted = [
            one for one in signature(verb)
            if one.default is inspect.Parameter.empty and one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ]  # fmt: skip
        if any(one.default is one.empty and one.kind is one.KEYWORD_ONLY for one in signature(verb)):
            continue
        for value in ("../../etc/passwd", "\x00", "a" * 5000):
            for known in (False, True):
                try:
                    given = [
                        project
                        if known and one.name == "project_id"
                        else hostile_for(kinds.get(one.name), value, scene)
                        for one in wanted
                    ]
                except LookupError:
                    break
                tried.add(name)
                try:
                    verb(*given)
                except Exception as error:
                    if as_typed(error) is not None:
                        continue
                    bugs.append(f"{name}{tuple(str(one)[:20] for one in given)}: {type(error).__name__}: {error}"[:300])
    assert len(tried) > 60
    assert not bugs, "\n".join(sorted(set(bugs)))


def test_parameters_of_a_command_are_no_way_round(studio: Any, project: str) -> None:
    for method, params in (
        ("s3fn", {"channels": [10**12, 1, 1]}),
        ("knn", {"smoothing_steps": [10**9]}),
        ("diffclip", {"pretrain_seed": 2**64}),
        ("diffclip", {"text_encoder": "/etc"}),
        ("diffclip", {"tokenizer_source": "../../etc"}),
        ("live", {"scales": [0]}),
        ("svm", {"cost": float("nan")}),
        ("svm", {"cost": float("inf")}),
    ):
        with nothing_unforeseen(), pytest.raises(StudioError, match=r"Parameter|text model"):
            studio.runs.start(project, method, params)
    with pytest.raises(StudioError, match="seed"):
        studio.runs.start(project, "svm", seed=2**63)
