"""The list of mutations is in step with the program and its tests; `python -m tests.mutations.run` tries it."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutations.mutations import MUTATIONS, Mutation
from tests.mutations.run import ROOT, chosen, place_of

EACH = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.id)


def functions(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


@EACH
def test_it_can_be_made(mutation: Mutation) -> None:
    assert place_of(mutation, ROOT) >= 1
    assert mutation.replacement != mutation.original
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    compile(text.replace(mutation.original, mutation.replacement), mutation.file, "exec")


@EACH
def test_its_tests_are_there(mutation: Mutation) -> None:
    assert mutation.tests
    assert set(mutation.tests) <= functions(ROOT / mutation.test_file)


def test_every_mutation_has_a_name_and_a_meaning_of_its_own() -> None:
    for values in ([m.id for m in MUTATIONS], [m.meaning for m in MUTATIONS]):
        assert [value for value, count in Counter(values).items() if count > 1 or not value] == []


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    first = chosen([], 8, 3)
    assert len(set(first)) == 8
    assert chosen([], 8, 3) == first
    assert chosen([], 8, 4) != first
    assert chosen([], 10_000, 0) != []
    assert chosen(["journal-fsync"], None, 0)[0].file.endswith("journal.py")
    with pytest.raises(SystemExit, match="no-such-mutation"):
        chosen(["no-such-mutation"], None, 0)
