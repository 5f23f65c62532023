"""A language model on this machine: a transformers folder for text generation, safetensors only, no server.

The folder is opened by the first question and kept. Nothing is downloaded and no code of the folder is run. Models of
half a billion parameters write some 5 to 15 words a second on two cores; larger ones need a GPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

from hsi_studio.errors import Cancelled, LanguageModelProblem, ModelMissing
from hsi_studio.text.llm.protocol import MAX_CHARACTERS, Answer, Message, Usage
from hsi_studio.text.model_files import ModelFolder, damaged, find_model


class LocalModel:
    """One folder; one answer at a time. Raises ModelMissing, CorruptFile, BadRequest when it holds no model."""

    place = "this machine"

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        if not folder.is_dir():
            raise ModelMissing(f"There is no folder {folder} with a language model. Give an existing one.")
        self.folder: ModelFolder = find_model(str(folder))
        self.device = device
        self._lock = threading.Lock()
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def name(self) -> str:
        return self.folder.path.name

    def write(
        self, messages: list[Message], on_text: Callable[[str], None], cancelled: Callable[[], bool], limit: int = 2000
    ) -> Answer:
        """See `Writer`."""
        with self._lock:
            return self._write(messages, on_text, cancelled, limit)

    def _write(
        self, messages: list[Message], on_text: Callable[[str], None], cancelled: Callable[[], bool], limit: int
    ) -> Answer:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        self._open()
        if cancelled():
            raise Cancelled("Stopped.")
        prompt = self._tokenizer(self._prompt(messages), return_tensors="pt", return_token_type_ids=False)
        size = int(prompt["input_ids"].shape[1])
        context = int(getattr(self._model.config, "max_position_embeddings", 0) or 4096)
        room = min(limit, context - size)
        if room < 16:
            raise LanguageModelProblem(
                f"{self.name} reads {context} tokens, the question alone has {size}. Take a model with a longer "
                "context, or describe fewer classes at once."
            )
        stop = threading.Event()

        class Stopped(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((input_ids.shape[0],), stop.is_set() or cancelled(), device=input_ids.device)

        streamer: Any = TextIteratorStreamer(self._tokenizer, skip_prompt=True, timeout=0.2, skip_special_tokens=True)
        problem: list[Exception] = []
        made: list[int] = []

        def generate() -> None:
            try:
                with torch.inference_mode():
                    out = self._model.generate(
                        **prompt.to(self.device), max_new_tokens=room, do_sample=False, streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([Stopped()]),
                        pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id or 0,
                    )  # fmt: skip
                made.append(int(out.shape[1]) - size)
            except (RuntimeError, ValueError, IndexError) as error:  # out of memory, a broken configuration
                problem.append(error)
                streamer.end()

        thread = threading.Thread(target=generate, name="language model", daemon=True)
        thread.start()
        text, cut = "", ""
        while True:
            try:
                piece = next(streamer)
            except Empty:
                if cancelled():
                    break
                continue
            except StopIteration:
                break
            piece = piece[: MAX_CHARACTERS - len(text)]
            text += piece
            on_text(piece)
            if len(text) >= MAX_CHARACTERS:
                cut = f"it was cut after {MAX_CHARACTERS:,} characters"
                break
        stop.set()
        thread.join()
        if cancelled():
            raise Cancelled("Stopped.")
        if problem:
            raise LanguageModelProblem(f"{self.name} could not write: {problem[0]}. Take a smaller model.")
        tokens = made[0] if made else 0
        return Answer(text, Usage(size, tokens), cut or (f"its {room} tokens were used up" if tokens >= room else ""))

    def _prompt(self, messages: list[Message]) -> str:
        """The messages as the model was trained to read them; models without a chat template get plain text."""
        if getattr(self._tokenizer, "chat_template", None):
            return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        return "\n\n".join(m["content"] for m in messages) + "\n\n"

    def _open(self) -> None:
        if self._model is not None:
            return
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer

        path = str(self.folder.path)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                path, use_safetensors=True, local_files_only=True, trust_remote_code=False
            )
        except (SafetensorError, OSError, ValueError, RuntimeError) as error:
            raise damaged(self.folder.path, "it cannot be loaded as a text-generation model", error) from error
        self._model = loaded.eval().requires_grad_(False).to(self.device)
