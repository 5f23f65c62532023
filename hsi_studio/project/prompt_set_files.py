"""Prompt sets as files: JSON (everything) and CSV (class, sentence; one line a sentence).

JSON: {"format": "hsi-studio prompt set", "version": 1, "name", "language", "origin", "classes": {name: [sentence, …]}}.
A plain object {class name: sentence or [sentence, …]} is read too, and so are the p5 files in `assets/prompts`.

Unusual here: class names in a file are matched to the project's with `normalise` (case, punctuation and plural do not
count); names that fit no class are listed in the notes, never added. Nothing of a file is trusted: its size is looked
at first, its texts are cleaned.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsi_studio.errors import CorruptFile, FileProblem, LabelProblem, UnknownFormat
from hsi_studio.io.label_csv import escape_cell, unescape_cell
from hsi_studio.project.prompt_sets import MAX_SENTENCE, MAX_SENTENCES, MAX_SET_NAME, WordSet, clean_language
from hsi_studio.sanitize import clean_text
from hsi_studio.stored import loads
from hsi_studio.text.prompts import normalise
from hsi_studio.types import ClassSchema

FORMAT = "hsi-studio prompt set"
LARGEST = 5 << 20  # bytes
KINDS = ("json", "csv")
CLASS_COLUMNS = ("class", "class_name", "classname", "name", "label")
TEXT_COLUMNS = ("sentence", "prompt", "text", "description", "sentences")


@dataclass(frozen=True)
class ReadSet:
    """A prompt set from a file, tied to a project's classes."""

    name: str
    language: str
    sentences: dict[str, tuple[str, ...]]  # class id → sentences
    notes: tuple[str, ...]  # what was left out, for the user


def prompt_set_text(info: WordSet, sentences: Mapping[str, Sequence[str]], schema: ClassSchema, kind: str) -> str:
    """A set as the text of a file. `kind` is "json" or "csv"."""
    said = {c.name: list(sentences.get(c.id, ())) for c in schema.classes}
    if kind == "csv":
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(["class", "sentence"])
        writer.writerows([escape_cell(name), escape_cell(text)] for name, texts in said.items() for text in texts)
        return "\ufeff" + out.getvalue()  # spreadsheets take UTF-8 for their own code page without the mark
    if kind != "json":
        raise LabelProblem(f"Prompt sets are written as {' or '.join(KINDS)}, not {kind!r}.")
    value = {
        "format": FORMAT, "version": 1, "name": info.name, "language": info.language, "origin": info.origin,
        "set_version": info.version, "classes": said,
    }  # fmt: skip
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def read_prompt_set(path: Path | str, schema: ClassSchema) -> ReadSet:
    """Raises FileProblem: too large, no such form, or nothing in it fits a class."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise FileProblem(path, f"it has {size >> 20} MB, a prompt set has at most {LARGEST >> 20}", "Split it")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileProblem(path, f"it cannot be read ({error.strerror})", "Choose another file") from error
    except UnicodeDecodeError as error:
        raise CorruptFile(path, f"byte {error.start} is not UTF-8 text", "Save it as UTF-8") from error
    if path.suffix.lower() == ".json" or text.lstrip()[:1] == "{":
        name, language, said = _from_json(path, text)
    elif path.suffix.lower() in (".csv", ".txt", ".tsv"):
        name, language, said = "", "", _from_csv(path, text)
    else:
        raise UnknownFormat(path, "prompt sets are read from .json and .csv", "Export them as one of these")
    return _tied(path, name or path.stem, language, said, schema)


def _tied(path: Path, name: str, language: str, said: list[tuple[str, str, str]], schema: ClassSchema) -> ReadSet:
    """(where, class name, sentence) → sentences of the project's classes."""
    exact = {info.name.casefold(): info.id for info in schema.classes}
    loose = {normalise(info.name): info.id for info in schema.classes}
    found: dict[str, list[str]] = {}
    unknown: list[str] = []
    for where, class_name, sentence in said:
        text = clean_text(sentence)
        if len(text) > MAX_SENTENCE:
            raise CorruptFile(path, f"{where} has a sentence of {len(text)} characters", f"{MAX_SENTENCE} is the most")
        key = exact.get(clean_text(class_name).casefold()) or loose.get(normalise(class_name))
        if key is None:
            unknown.append(clean_text(class_name)[:80] or where)
        elif text and text not in found.setdefault(key, []):
            found[key].append(text)
            if len(found[key]) > MAX_SENTENCES:
                raise CorruptFile(path, f"{class_name!r} has over {MAX_SENTENCES} sentences", "Keep the best ones")
    found = {key: texts for key, texts in found.items() if texts}
    if not found:
        names = ", ".join(info.name for info in schema.classes[:4])
        raise FileProblem(path, "it has no sentence for a class of this project", f"Its classes are {names} …")
    notes = []
    if unknown:
        lost = list(dict.fromkeys(unknown))
        more = f" and {len(lost) - 8} more" if len(lost) > 8 else ""
        notes.append(f"Left out, no class of this name here: {', '.join(lost[:8])}{more}.")
    without = [info.name for info in schema.classes if info.id not in found]
    if without:
        notes.append(f"No sentence in the file for: {', '.join(without)}.")
    tied = {info.id: tuple(found[info.id]) for info in schema.classes if info.id in found}
    return ReadSet(clean_text(name)[:MAX_SET_NAME] or "Imported", language, tied, tuple(notes))


def _from_json(path: Path, text: str) -> tuple[str, str, list[tuple[str, str, str]]]:
    try:
        value = loads(text)
    except ValueError as error:
        raise CorruptFile(path, f"it is not JSON ({str(error)[:80]})", "Export it again") from error
    if not isinstance(value, dict):
        raise CorruptFile(path, "it is not a JSON object", 'Write {"class name": ["sentence", …], …}')
    classes = value.get("classes", value)
    if not isinstance(classes, dict):
        raise CorruptFile(path, "its “classes” is not an object", 'Write {"class name": ["sentence", …], …}')
    said = []
    for name, given in classes.items():
        sentences = [given] if isinstance(given, str) else given
        if not isinstance(sentences, list) or not all(isinstance(s, str) for s in sentences):
            raise CorruptFile(path, f"the sentences of {name[:40]!r} are not text", "Write a list of sentences")
        said += [(f"{name[:40]!r}", name, sentence) for sentence in sentences]
    own = classes is not value
    try:
        language = clean_language(value.get("language", "")) if own else ""
    except LabelProblem as problem:
        raise CorruptFile(path, str(problem).rstrip("."), "Correct or remove “language”") from problem
    return (str(value.get("name", "")) if own else ""), language, said


def _from_csv(path: Path, text: str) -> list[tuple[str, str, str]]:
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        head = [cell.strip().casefold() for cell in next(rows, [])]
        at_class = next((n for n, cell in enumerate(head) if cell in CLASS_COLUMNS), None)
        at_text = [n for n, cell in enumerate(head) if cell.rstrip("0123456789_ ") in TEXT_COLUMNS]
        if at_class is None or not at_text:
            raise CorruptFile(path, f"its first line is {first[:60]!r}", "It needs the columns class and sentence")
        said = []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            where = f"line {rows.line_num}"
            if len(row) <= at_class:
                raise CorruptFile(path, f"{where} has {len(row)} of {len(head)} columns", "Complete it")
            name = unescape_cell(row[at_class].strip())
            said += [(where, name, unescape_cell(row[n].strip())) for n in at_text if n < len(row)]
    except csv.Error as error:
        raise CorruptFile(path, f"line {rows.line_num}: {error}", "Export it again") from error
    return said
