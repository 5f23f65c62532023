"""Questions in words over the demo scene, with a bag of words in place of the sentence encoder."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from hsi_studio.engine.query.graded_superpixels import COVER_KEYS, GradedSuperpixels, graded_superpixels
from hsi_studio.engine.query.matcher import Matcher, ask_described, ask_model, clean, suggest_threshold
from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.engine.query.regions import candidates, deepest, top_regions
from hsi_studio.engine.query.spectral_words import SpectralWords, spectral_words
from hsi_studio.engine.query.zero_shot import accuracy_on, learning_curve, zero_shot
from hsi_studio.errors import BadRequest, Cancelled
from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods.contract import TextSpace
from hsi_studio.scene.demo import demo_scene
from hsi_studio.text.materials.names import named
from hsi_studio.text.query_parser import parse_query
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, Scene
from tests.engine.word_bag import WordBag


@functools.cache
def scene() -> Scene:
    return demo_scene()


@functools.cache
def pixel_facts() -> PixelFacts:
    return PixelFacts(scene().without_reference(), FeatureCache())


@functools.cache
def words() -> GradedSuperpixels:
    return graded_superpixels(pixel_facts())


@functools.cache
def matcher() -> Matcher:
    return Matcher(words(), WordBag())


def average_precision(values: FloatArray, name: str) -> float:
    from sklearn.metrics import average_precision_score

    reference = scene().reference
    assert reference is not None
    known = (reference > 0) & scene().valid
    value = next(v for v, n in scene().reference_classes if n == name)
    return float(average_precision_score(reference[known] == value, values[known]))


def test_a_scene_that_cannot_tell_what_is_asked_finds_nothing() -> None:
    """Without wavelengths every pixel fits every question: that is no answer, nor a place to be near to."""
    seen = words()
    blind = replace(seen, things=(), grades=np.zeros((seen.count, 0), np.float32), traits={})
    for text in ("water", "dark and smooth", "vegetation near water", "grass far from trees", "green car"):
        with pytest.raises(BadRequest, match=r"can be measured on this scene.*wavelengths"):
            ask_described(Matcher(blind, WordBag()), text)
    partly = Matcher(replace(blind, traits={"tall": seen.traits["tall"]}), WordBag())
    answer = ask_described(partly, "tall vegetation near water")
    assert any("vegetation” is left out" in note for note in answer.notes)
    assert any("“water” alone is not found" in note for note in answer.notes)
    assert answer.score is not None
    assert np.isfinite(partly.near("tall")[1]).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "name", "least"),
    [("metal roof", "Metal roof", 0.8), ("water", "Water", 0.85), ("red tile roof", "Tile roof", 0.7),
     ("bare soil", "Bare soil", 0.7), ("asphalt road", "Asphalt", 0.7), ("conifers", "Conifers", 0.45)],
)  # fmt: skip
def test_a_question_finds_its_class_far_above_chance(text: str, name: str, least: float) -> None:
    assert average_precision(ask_described(matcher(), text).map, name) > least


@pytest.mark.slow
def test_an_answer_is_a_map_of_the_scene_between_0_and_1() -> None:
    answer = ask_described(matcher(), "metal roof")
    assert answer.map.shape == scene().shape[:2]
    assert answer.map.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(answer.map), scene().valid)
    assert np.nanmin(answer.map) >= 0.0
    assert np.nanmax(answer.map) <= 1.0
    assert 0.0 < answer.threshold < 1.0
    assert answer.likeness[0].weight >= answer.likeness[-1].weight


@pytest.mark.slow
def test_traits_and_neighbours_narrow_an_answer() -> None:
    trees = ask_described(matcher(), "vegetation").map
    tall = ask_described(matcher(), "tall vegetation").map
    near = ask_described(matcher(), "tall vegetation near water").map
    height = pixel_facts().rasters()["height"]
    low = scene().valid & (np.nan_to_num(height) < 1.0)
    assert np.nanmean(tall[low]) < 0.3 * np.nanmean(trees[low])
    water = words().paint(words().distance_px[:, COVER_KEYS.index("water")])
    far = scene().valid & (water > 60)
    assert np.nanmean(near[far]) < 0.35 * np.nanmean(tall[far])


@pytest.mark.slow
def test_without_takes_a_thing_out() -> None:
    everything = ask_described(matcher(), "roofs").map
    without = ask_described(matcher(), "roofs without metal roof").map
    metal = ask_described(matcher(), "metal roof").map > 0.8
    assert np.nanmean(without[metal]) < 0.5 * np.nanmean(everything[metal])


class Listening:
    """In place of the spectra of materials: hears what it is asked, and knows nothing."""

    absolute = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.others: list[object] = []

    def named(self, text: str) -> str | None:
        return named(text)

    def query(self, text: str, others: object) -> None:
        self.asked.append(text)
        self.others.append(others)

    def cannot_tell(self, text: str) -> str:
        return ""


def test_what_a_place_is_near_to_is_found_as_the_question_of_its_own_is() -> None:
    """ "trees" was found as a question, and "grass far from trees" said that there are none: other rivals."""
    spectral = Listening()
    own, names = Matcher(words(), WordBag(), cast(SpectralWords, spectral)), ("Roof", "Tree")
    answer = ask_described(own, "grass far from trees", others=names)
    assert spectral.asked == ["grass", "trees"]
    assert spectral.others == [names, names]
    ask_described(own, "grass far from trees")  # other class names since: looked for again
    assert spectral.asked == ["grass", "trees"] * 2
    nowhere = Matcher(replace(words(), grades=np.zeros_like(words().grades)), WordBag())
    answer = ask_described(nowhere, "tall grass far from trees")
    everything = replace(answer, threshold=0.0)
    regions = top_regions(everything, 0.0, pixel_facts(), nowhere)
    facts = [fact for region in regions for reason in region.reasons for fact in reason.facts]
    assert facts
    assert not any("nan" in fact or "inf" in fact for fact in facts)


def test_an_answer_says_whose_spectrum_took_part() -> None:
    own = pixel_facts()
    ask = Matcher(words(), WordBag(), spectral_words(own, words().index, WordBag().encode))
    assert ask_described(ask, "metal roof").by_spectrum == "metal roof"
    assert ask_described(ask, "tall trees").by_spectrum == "tree"
    assert ask_described(ask, "smooth").by_spectrum == ""
    assert ask_described(matcher(), "metal roof").by_spectrum == ""


def test_a_name_with_a_word_of_a_trait_is_asked_as_it_is() -> None:
    spectral = Listening()
    own = Matcher(words(), WordBag(), cast(SpectralWords, spectral))
    for text in ("dry grass", "low vegetation", "tall trees"):
        own.score(parse_query(text))
    assert spectral.asked == ["dry grass", "low vegetation", "trees"]


def test_of_young_crops_half_is_sparse_vegetation() -> None:
    """ "corn notill" is a name of young maize, whatever the encoder takes it for; grown maize is not."""
    sparse = words().things.index("sparse")
    _, young = matcher()._likeness(parse_query("corn notill"))
    _, grown = matcher()._likeness(parse_query("maize"))
    assert young.sum() == pytest.approx(1.0)
    assert young[sparse] >= 0.5 > grown[sparse]


@pytest.mark.parametrize("foreign", ["Wald", "树木"])
def test_names_in_other_languages_are_asked_as_the_material_that_they_are(foreign: str) -> None:
    """The encoder reads English only."""
    for mine, english in zip(
        matcher()._likeness(parse_query(foreign)), matcher()._likeness(parse_query("tree")), strict=True
    ):
        np.testing.assert_allclose(mine, english, atol=1e-6)
    assert not any("Nothing" in note for note in ask_described(matcher(), foreign).notes)


def test_a_text_that_is_close_to_nothing_means_more_things() -> None:
    """The softmax over things is as wide as the best likeness is small."""
    _, clear = matcher().weights(["metal roof"])
    _, vague = matcher().weights(["metal roof zebra giraffe lion tiger bear wolf"])
    assert matcher().cosines(["metal roof zebra giraffe lion tiger bear wolf"]).max() > 0
    assert vague.max() < clear.max()


def test_what_nothing_sounds_like_is_said_to_be_so() -> None:
    answer = ask_described(matcher(), "zebra")
    assert any("Nothing this program can measure" in note for note in answer.notes)


@pytest.mark.slow
def test_the_same_question_gives_the_same_map_and_needs_no_reference() -> None:
    again = Matcher(graded_superpixels(PixelFacts(scene().without_reference(), FeatureCache())), WordBag())
    first, second = ask_described(matcher(), "gravel"), ask_described(again, "gravel")
    np.testing.assert_array_equal(first.map, second.map)


@pytest.mark.slow
def test_words_are_cached_by_content(tmp_path: Path) -> None:
    one = graded_superpixels(PixelFacts(scene(), FeatureCache(), tmp_path))
    assert len(list(tmp_path.glob("*.npz"))) == 2  # rasters and superpixels
    two = graded_superpixels(PixelFacts(scene(), FeatureCache(), tmp_path))
    np.testing.assert_array_equal(one.grades, two.grades)


def test_making_the_words_can_be_stopped() -> None:
    def stop(done: float) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        graded_superpixels(PixelFacts(scene(), FeatureCache()), stop)


def test_sentences_of_superpixels_are_embedded_once_each() -> None:
    bag = WordBag()
    own = Matcher(words(), bag)
    said, which = words().sentences
    own.cosines(["water"])  # the words' own vectors are there
    before = bag.asked
    own.prepare_sentences()
    assert bag.asked - before == len(said) < words().count
    assert len(set(said)) <= len(said)
    assert which.size == words().count
    ask_described(own, "water", "both")
    own.prepare_sentences()
    assert bag.asked - before < len(said) + 10


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_empty_and_endless_questions_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        clean(text)


def test_the_best_places_say_what_they_are_and_why() -> None:
    answer = ask_described(matcher(), "metal roof")
    regions = top_regions(answer, answer.threshold, pixel_facts(), matcher())
    assert regions
    assert regions[0].pixels > 100
    best = regions[0]
    assert "above the ground" in best.description.text
    reason = best.reasons[0]
    assert "metal roof" in reason.text
    assert reason.grade > 0.8
    assert any(fact.startswith("height above ground") for fact in reason.facts)
    assert answer.map[best.row, best.col] >= answer.threshold
    assert best.area_m2 == pytest.approx(best.pixels * 1.5**2)


def test_no_place_above_the_threshold_is_no_error() -> None:
    answer = ask_described(matcher(), "metal roof")
    assert top_regions(answer, 1.01, pixel_facts(), matcher()) == []


def test_candidates_lie_inside_and_apart() -> None:
    answer = ask_described(matcher(), "water")
    regions = top_regions(answer, answer.threshold, pixel_facts(), matcher(), 2)
    pixels = candidates(answer, answer.threshold, regions, 4)
    assert 4 < len(pixels) <= 8
    assert len(set(pixels)) == len(pixels)
    assert all(answer.map[p] >= answer.threshold for p in pixels)
    first = np.array(pixels[:4])
    distance = np.hypot(*(first[:, None] - first[None]).transpose(2, 0, 1))
    assert distance[np.triu_indices(4, 1)].min() > 2


def test_the_deepest_pixel_of_a_square_is_its_middle() -> None:
    mask = np.zeros((9, 9), dtype=bool)
    mask[1:8, 1:8] = True
    assert deepest(mask, 1) == [(4, 4)]
    assert deepest(np.zeros((3, 3), dtype=bool), 2) == []


def test_otsu_parts_two_heaps() -> None:
    rng = np.random.default_rng(0)
    score = np.concatenate([rng.normal(0.1, 0.02, 900), rng.normal(0.8, 0.03, 100)]).astype(np.float32)
    assert 0.35 < suggest_threshold(score, np.ones(1000, dtype=np.int64)) < 0.75
    assert suggest_threshold(np.full(5, 0.3, np.float32), np.ones(5, dtype=np.int64)) == 0.5


def test_a_models_space_is_stretched_over_the_scene() -> None:
    class Space:
        def query(self, sentences: list[str]) -> FloatArray:
            out = np.linspace(-0.2, 0.6, 12, dtype=np.float32).reshape(3, 4)
            out[0, 0] = np.nan
            return out

    space = Space()
    assert isinstance(space, TextSpace)
    answer = ask_model(space, "my model", "corn", ["Corn", "Woods"])
    assert np.isnan(answer.map[0, 0])
    assert np.nanmax(answer.map) == 1.0
    assert answer.engine == "my model"
    assert "Corn, Woods" in answer.notes[0]


def schema() -> ClassSchema:
    return ClassSchema(tuple(ClassInfo.new(n, "#000000", v) for v, n in scene().reference_classes))


def test_a_map_from_names_alone_is_far_above_the_largest_class() -> None:
    classes = schema()
    made = zero_shot(matcher(), classes, {c.id: [c.name] for c in classes.classes})
    assert accuracy_on(made, scene()) > 0.5  # the largest class has 0.24
    assert (made.label[~scene().valid] == 0).all()
    assert np.isnan(made.confidence[~scene().valid]).all()
    inside = made.confidence[scene().valid]
    assert (inside > 0).all()
    assert (inside <= 1).all()


def test_the_order_of_classes_changes_nothing() -> None:
    classes = schema()
    texts = {c.id: [c.name] for c in classes.classes}
    turned = ClassSchema(classes.classes[::-1])
    one, two = zero_shot(matcher(), classes, texts), zero_shot(matcher(), turned, texts)
    np.testing.assert_array_equal(one.label[scene().valid], 13 - two.label[scene().valid])


def test_the_curve_counts_a_class_that_has_only_the_name_of_the_references() -> None:
    """As the accuracy beside it does: a class that was deleted and made again has no value in the reference."""
    classes = schema()
    made = zero_shot(matcher(), classes, {c.id: [c.name] for c in classes.classes})
    named = replace(made, schema=ClassSchema(tuple(replace(c, reference_value=None) for c in classes.classes)))
    assert accuracy_on(named, scene()) == accuracy_on(made, scene()) > 0.5


def test_a_map_needs_two_texts() -> None:
    classes = schema()
    with pytest.raises(BadRequest, match="at least two classes"):
        zero_shot(matcher(), classes, {classes.classes[0].id: ["trees"]})


def test_the_learning_curve_starts_at_the_map_from_texts() -> None:
    class Found:
        def __init__(self, shots: int) -> None:
            self.shots = shots

        def to_json(self) -> dict[str, object]:
            return {"summary": {"oa": {"mean": 50.0 + self.shots, "std": 2.0}}}

    classes = schema()
    made = zero_shot(matcher(), classes, {c.id: [c.name] for c in classes.classes})
    points = learning_curve(scene(), made, lambda shots, seeds: Found(shots), (1, 5), 3)
    assert [p.clicks for p in points] == [0, 1, 5]
    assert points[0].oa == accuracy_on(made, scene())
    assert points[2].oa == pytest.approx(0.55)
    assert points[1].std == pytest.approx(0.02)
    assert points[1].seeds == 3


def test_short_wave_infrared_alone_answers_by_the_spectra_of_materials() -> None:
    whole = scene()
    nm = whole.bands.wavelength_nm
    assert nm is not None
    bands = replace(whole.bands, usable=nm > 1000)
    own = PixelFacts(replace(whole, id="swir", bands=bands, dsm=None, gsd_m=None).without_reference(), FeatureCache())
    graded = graded_superpixels(own)
    assert graded.things == ()
    ask = Matcher(graded, WordBag(), spectral_words(own, graded.index, WordBag().encode))
    for text, name in (("dry grass", "Dry grass"), ("metal roof", "Metal roof"), ("bare soil", "Bare soil")):
        assert average_precision(ask_described(ask, text).map, name) > 0.9
    assert ask_described(ask, "metal roof").notes[0].startswith("Found by spectra alone, as metal roof")
    assert ask_described(ask, "metal roof").by_spectrum == ""  # said already
    names = ("Kaolinite #1", "Kaolinite #2", "Dry grass", "Water")
    assert ask.spectral is not None
    told = [note for note in ask.spectral.classes(names).notes if "do not separate" in note]
    assert len(told) == 1
    assert "Kaolinite #1 and Kaolinite #2: each of a pair means the same here" in told[0]
    kept = ask_described(ask, "bare soil without trees")
    assert any("“without trees” cannot be told" in note for note in kept.notes)
    with pytest.raises(BadRequest, match="can be measured"):
        ask_described(ask, "smooth")


def test_a_sensor_without_short_wave_infrared_answers_too() -> None:
    """Traits whose facts it lacks in part (dry: leaf water) are judged by the rest, and the reasons name only those."""
    whole = scene()
    nm = whole.bands.wavelength_nm
    assert nm is not None
    usable = nm < 1000
    narrow = replace(whole, id="narrow", bands=replace(whole.bands, usable=usable), dsm=None, gsd_m=None)
    own = PixelFacts(narrow.without_reference(), FeatureCache())
    ask = Matcher(graded_superpixels(own), WordBag())
    answer = ask_described(ask, "dry straw")
    regions = top_regions(answer, answer.threshold, own, ask)
    assert regions
    assert any("cannot be measured" in note for note in ask_described(ask, "tall trees").notes)
    assert not [
        w for r in regions for w in r.reasons if any("1200" in fact or "above ground" in fact for fact in w.facts)
    ]
