"""A transformers folder as language model: a tiny one made here, whose words mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.errors import Cancelled, LanguageModelProblem, ModelMissing, StudioError
from hsi_studio.text.llm.factory import writer
from hsi_studio.text.llm.local import LocalModel
from hsi_studio.text.llm.settings import MODEL

MESSAGES = [{"role": "system", "content": "describe the classes"}, {"role": "user", "content": "corn, woods"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    from hsi_studio.text.model_files import find_model

    path = tmp_path_factory.mktemp("models") / "tiny-writer"
    file = find_model("minilm", weights=False).path / "tokenizer.json"
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file), pad_token="[PAD]", eos_token="[SEP]")
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=1, n_head=2, eos_token_id=None)
    GPT2LMHeadModel(config).save_pretrained(path, safe_serialization=True)
    tokenizer.save_pretrained(path)
    return path


def test_it_writes_piece_by_piece(folder: Path) -> None:
    model = writer({MODEL: str(folder)})
    assert model is not None
    assert (model.name, model.place) == ("tiny-writer", "this machine")
    pieces: list[str] = []
    answer = model.write(MESSAGES, pieces.append, lambda: False, limit=20)
    assert answer.text == "".join(pieces) != ""
    assert answer.usage is not None
    assert answer.usage.answer_tokens == 20
    assert "20 tokens" in answer.cut
    assert model.write(MESSAGES, lambda _: None, lambda: False, limit=20) == answer


def test_it_stops_when_told(folder: Path) -> None:
    pieces: list[str] = []
    with pytest.raises(Cancelled):
        LocalModel(folder).write(MESSAGES, pieces.append, lambda: bool(pieces), limit=40)


def test_a_question_too_long_is_refused(folder: Path) -> None:
    with pytest.raises(LanguageModelProblem, match="reads 64 tokens"):
        LocalModel(folder).write([{"role": "user", "content": "corn " * 60}], lambda _: None, lambda: False)


def test_a_folder_that_is_no_writer(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        LocalModel(tmp_path / "none")
    with pytest.raises(StudioError):
        LocalModel(tmp_path)
