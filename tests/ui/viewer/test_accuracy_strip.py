"""Figures as the page shows them: in percent, named as remote sensing names them, never without their pixels."""

from __future__ import annotations

from types import SimpleNamespace

from hsi_studio.engine.evaluation.map_accuracy import ClassScore
from hsi_studio.studio.facade import AccuracyReport, Estimate, ScoreBlock
from hsi_studio.types import ClassInfo
from hsi_studio.ui.viewer.accuracy_strip import brief, model_group, per_class_value, strip_value

ROOF, WATER = ClassInfo.new("roof", "#112233"), ClassInfo.new("water", "#445566")
BLOCK = ScoreBlock(
    "Reference", "on 96 reference pixels", 96, Estimate(0.842, 0.81, 0.871), Estimate(0.8), None,
    (ClassScore(ROOF, 80, 0.75, 0.9, 0.818), ClassScore(WATER, 16, None, None, None)),
)  # fmt: skip


def test_classes_have_producers_and_users_accuracy() -> None:
    """Producer's accuracy is recall, user's is precision (Congalton, 1991, doi:10.1016/0034-4257(91)90048-B)."""
    (section,) = per_class_value(AccuracyReport("reference", BLOCK, None, 1))["sections"]
    assert section["head"] == [
        "Class", "Pixels", "Producer's accuracy (recall) %", "User's accuracy (precision) %", "F1 %",
    ]  # fmt: skip
    assert section["table"] == [["roof", "80", "75.0", "90.0", "81.8"], ["water", "16", "–", "–", "–"]]
    assert "share mapped as it" in section["words"]


def test_before_a_map_the_table_says_when_it_comes() -> None:
    assert per_class_value(None) == {"sections": [], "empty": "Accuracy per class appears with the first map."}


def test_a_figure_has_its_interval_and_its_pixels() -> None:
    value = strip_value(AccuracyReport("reference", BLOCK, None, 1, ("A note.",)), stale=False)
    (group,) = value["groups"]
    overall, average = group["figures"]  # κ is not defined here and left out
    assert (overall["value"], overall["low"], overall["high"]) == ("84.2", "81.0", "87.1")
    assert average["low"] == average["high"] == ""
    assert "Too few pixels for an interval" in average["help"]
    assert group["words"] == "On 96 reference pixels."
    assert (value["state"], value["text"]) == ("figures", "A note.")
    assert strip_value(AccuracyReport("reference", BLOCK, BLOCK, 1), stale=True)["state"] == "busy"


def test_a_room_sees_the_stricter_figures_where_there_are_any() -> None:
    none = ScoreBlock("Farther than 5 pixels", "", problem="Too few pixels.")
    for buffered, strict in ((BLOCK, True), (none, None)):
        groups = strip_value(AccuracyReport("reference", BLOCK, buffered, 1), stale=False)["groups"]
        assert [group.get("strict") for group in groups] == [None, strict]


def test_an_interval_is_not_rounded_to_a_point() -> None:
    def said(estimate: Estimate) -> str:
        return brief(AccuracyReport("reference", ScoreBlock("Reference", "", 900, estimate), None, 1))

    assert said(Estimate(0.842, 0.81, 0.871)) == "OA 84.2 (81 to 87)"
    assert said(Estimate(0.9996, 0.9961, 0.9999)) == "OA 100.0 (99.6 to 100.0)"
    assert said(Estimate(1.0, 1.0, 1.0)) == "OA 100.0 (100 to 100)"
    score = ClassScore(ROOF, 80, 0.998, None, None, recall_range=(0.9952, 0.9996))
    block = ScoreBlock("Reference", "on 80 reference pixels", 80, Estimate(0.998), classes=(score,))
    (section,) = per_class_value(AccuracyReport("reference", block, None, 1))["sections"]
    assert section["table"][0][2] == "99.8 (99.5–100.0)"


def test_what_is_missing_is_said_in_place_of_figures() -> None:
    missing = ScoreBlock("Reference", "", problem="Label a second class.")
    (group,) = strip_value(AccuracyReport("reference", missing, None, 1), stale=False)["groups"]
    assert (group["figures"], group["words"]) == ([], "Label a second class.")


def test_a_models_figures_are_those_of_its_training_and_of_its_scene_only() -> None:
    accuracy = SimpleNamespace(oa=0.9, aa=None, kappa=0.85, on="on 50 pixels")
    facts = SimpleNamespace(accuracy=accuracy, scene=SimpleNamespace(id="here", title="", name="Halves"))
    group = model_group("Mine", facts, "here")
    assert group["title"] == "Mine · when it was trained"
    assert [(f["name"], f["value"]) for f in group["figures"]] == [("OA", "90.0"), ("κ", "85.0")]
    elsewhere = model_group("Mine", facts, "another scene")
    assert elsewhere["figures"] == []
    assert "Halves" in elsewhere["words"]
    assert model_group("Mine", None, "here")["figures"] == []


def test_the_leading_figures_are_those_away_from_the_labels_where_there_are_any() -> None:
    away = ScoreBlock("Farther than 5 pixels", "", 60, Estimate(0.731))
    both = AccuracyReport("reference", BLOCK, away, 1)
    assert both.leading is away
    assert brief(both) == "OA 73.1 away from labels"
    none = ScoreBlock("Farther than 5 pixels", "", problem="No pixel is left.")
    assert AccuracyReport("reference", BLOCK, none, 1).leading is BLOCK
    assert not AccuracyReport("leave_one_out", BLOCK, None, 1).away
