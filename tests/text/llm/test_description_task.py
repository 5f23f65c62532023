"""What a model is asked, how its answer is read, and what keeps a proposal from being used."""

from __future__ import annotations

import json

import pytest

from hsi_studio.text.llm.description_task import SYSTEM, Task, problems
from hsi_studio.types import ClassInfo, ClassSchema

SCHEMA = ClassSchema((
    ClassInfo("c", "Corn_notill", "#111111"), ClassInfo("w", "Woods", "#222222"), ClassInfo("r", "Roads", "#333333"),
))  # fmt: skip
TASK = Task("Indian Pines", SCHEMA, (400.0, 900.0), False, 20.0, 100, {"w": ("NDVI 0.8 (12 pixels)",)})
CORN = "Corn notill stands in low green rows with much bare soil and residue between them."
WOOD = "Woods are dark green and rough, with the highest near infrared of all the classes here."


def line(name: str, *sentences: str) -> str:
    return json.dumps({"class": name, "sentences": sentences})


def test_the_question_holds_names_facts_and_the_sensor() -> None:
    asked = TASK.question()
    assert "corn notill" in asked
    assert "measured: NDVI 0.8 (12 pixels)" in asked
    assert "100 bands from 400 to 900 nm, pixels of 20 m; no heights" in asked
    one = Task("x", SCHEMA, None, True, wanted=("w",)).question()
    assert "name none" in one
    assert "compare with: corn notill, roads" in one
    assert TASK.messages("  my own words ")[0]["content"] == "my own words"
    assert TASK.messages()[0]["content"] == SYSTEM


def test_proposals_are_there_as_soon_as_their_line_is() -> None:
    text = line("corn notill", CORN) + "\n" + line("Woods", WOOD)
    found, notes = TASK.read(text[: len(line("corn notill", CORN)) + 10])
    assert [(p.class_id, p.sentences, p.problems) for p in found] == [("c", (CORN,), ())]
    assert notes == []
    found, _ = TASK.read(text)
    assert TASK.missing(found) == ["Roads"]


@pytest.mark.parametrize(
    "text",
    [
        f"Here you are:\n```json\n[{line('Woods', WOOD)}, {line('corn notill', CORN)}]\n```\nGood luck!",
        json.dumps({"classes": [{"name": "woods", "description": WOOD}, {"name": "corn notill", "text": CORN}]}),
        json.dumps({"Woods": [WOOD], "corn-notill": CORN}),
        json.dumps({"Woods": [WOOD], "corn-notill": CORN}, indent=2),
        json.dumps({"Woods": {"sentences": [WOOD]}, "corn-notill": {"description": CORN}}),
        f"<think>{line('Woods', 'no')}</think>" + line("WOODS", WOOD) + line("Corn_notill", CORN),
        "{oops " + line("Woods", WOOD) + "} {" + line("corn notill", CORN),
    ],
)
def test_every_form_of_answer_is_read(text: str) -> None:
    found, _ = TASK.read(text)
    assert [(p.class_id, p.sentences) for p in found] == [("c", (CORN,)), ("w", (WOOD,))]


def test_classes_nobody_asked_for_are_named_and_left_out() -> None:
    found, notes = TASK.read(line("Barley", CORN) + line("woods", WOOD) + line("woods", "second try"))
    assert [p.sentences for p in found] == [(WOOD,)]
    assert notes == [
        "Described more than once, the first is shown: Woods.",
        "Left out, no class of this name was asked for: Barley.",
    ]
    assert TASK.read(line("woods", WOOD) * 2)[1] == []  # the same twice is nothing lost
    assert TASK.read("I am sorry, I cannot do that.") == ([], [])
    assert TASK.read('{"class": 3, "sentences": {"a": 1}} {"class": "woods", "sentences": 5}')[0][0].problems


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Woods are dark.", "3 words"),
        ("Woods " + "are dark " * 40, "81 words"),
        (WOOD.replace("Woods", "They"), "does not name"),
        (WOOD + " It absorbs at 1450 nm.", "1450 nm"),
        (WOOD + " Dark in the short-wave infrared.", "short-wave infrared"),
        ("**Woods** " + WOOD, "markup"),
        ("- " + WOOD, "markup"),
        (WOOD + " <script>alert(1)</script>", "markup"),
        (WOOD + " See https://example.org", "markup"),
        ("", "no sentence"),
    ],
)
def test_what_keeps_a_proposal_from_being_used(sentence: str, said: str) -> None:
    assert said in " ".join(problems([sentence], "Woods", (400.0, 900.0)))


@pytest.mark.parametrize(
    ("sentence", "english"),
    [
        (WOOD, True),
        ("Woods: dark green crowns, rough and tall, high near infrared, deep leaf water absorption.", True),
        ("Woods ist eine dunkelgrüne, hohe Fläche in der Nähe von Feldern mit rauer Textur.", False),
        ("Woods est une surface sombre et haute, plus rugueuse que les champs voisins.", False),
        ("Woods 是 一种 深绿色 的 高大 植被 其 近红外 反射率 很 高", False),
    ],
)
def test_a_proposal_in_another_language_is_remarked_on_but_may_be_used(sentence: str, english: bool) -> None:
    ((proposal,), _) = TASK.read(line("Woods", sentence))
    assert (proposal.remarks == ()) is english
    assert proposal.problems == ()


def test_a_good_proposal_has_no_problem() -> None:
    assert problems([CORN, CORN + " Its red edge is near 720 nm."], "Corn_notill", (400.0, 900.0)) == []
    assert problems([WOOD] * 7, "Woods", None) == ["It has 7 sentences; 6 are the most."]
