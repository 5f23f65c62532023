"""Typed errors. Each message says what was wrong, with the numbers, and what to do next.

The CLI prints `str(error)` and exits with 2; the UI shows the same text. Anything that is not a
`StudioError` is a bug and keeps its traceback in the log.
"""

from __future__ import annotations

from pathlib import Path


class StudioError(Exception):
    """Base of every error a user may see."""


class FileProblem(StudioError):
    """A file that cannot be used. The message starts with the file's name and ends with the remedy."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = Path(path), problem, remedy
        super().__init__(f"{self.path.name}: {problem.rstrip('.')}. {remedy.rstrip('.')}.")


class UnknownFormat(FileProblem):
    """No reader recognises the file."""


class CorruptFile(FileProblem):
    """Truncated, empty, or not what its name or header says."""


class ReaderStopped(CorruptFile):
    """The process that read the file crashed or came to a limit; the app did not."""


class ChooseVariable(FileProblem):
    """Several arrays in one file fit. `candidates` holds (name, shape, dtype) for the UI to offer."""

    def __init__(
        self, path: Path | str, problem: str, remedy: str, candidates: list[tuple[str, tuple[int, ...], str]]
    ) -> None:
        self.candidates = candidates
        super().__init__(path, problem, remedy)


class ChooseLabels(FileProblem):
    """A file of labels that can be read in several ways. `field`: the option that says which ("attribute", "layer",
    "crs", "first", "per_area"); `options`: (value, what it is, in words) for the page to offer."""

    def __init__(self, path: Path | str, problem: str, remedy: str, field: str, options: list[tuple[str, str]]) -> None:
        self.field, self.options = field, options
        super().__init__(path, problem, remedy)


class SizeMismatch(FileProblem):
    """Two rasters that should lie on each other have different sizes."""


class BadValues(FileProblem):
    """Data that cannot be worked with: all NaN, no band that varies, a reference without labels."""


class LabelProblem(StudioError):
    """A label action that makes no sense: a pixel outside the scene, an unknown class."""


class TooFewLabels(StudioError):
    """A method needs more labels than there are. A designed answer, not a failure."""


class SceneMismatch(StudioError):
    """A fitted model met a scene with other bands or another normalisation."""


class ModelMissing(StudioError):
    """A text model that is not on this machine, or not in a form that is safe to load."""


class Cancelled(StudioError):
    """The user stopped the work."""


class BadRequest(StudioError):
    """A parameter, a name or a command-line value that does not exist or is out of range."""


class LanguageModelProblem(StudioError):
    """A language model that cannot be asked or did not answer as it should. Nothing of the project depends on it.

    `retry_after`: seconds the server asks to wait, where it said so.
    """

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(text)
