"""One opening as it is now: its files and their roles, what is said about them, and the plan that comes of it.

`openings.py` moves it on. What a page says of an opening may name its own files, and files that may be read, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hsi_studio.errors import BadRequest
from hsi_studio.scene.plan import is_list
from hsi_studio.scene.preview import Look
from hsi_studio.scene.rules.masks import OTHER_WAY, by_name, turned
from hsi_studio.scene.rules.roles import VECTORS, main_file, roles_of
from hsi_studio.types import Progress

SAID = ("axes", "nodata", "wavelengths", "unit", "scale", "mask", "quality", "crs", "variable", "reference")
NO_READING = ("variable", "reference")  # of these: which arrays of the file they are
ROLES = ("scene", "surface model", "reference", "mask", "labels", "goes with it", "not used")
LAYERS = {"dsm": "surface model", "reference": "reference"}


@dataclass
class Opening:
    """One opening, as it is now. `stage`: taking, reading, plan, opening, done, failed or cancelled. `problem`: why it
    is no further, in a sentence. `files`: those given, with `roles` by name. `said`: options of `Workspace.open`."""

    id: str
    name: str
    stage: str = "taking"
    progress: Progress = field(default_factory=lambda: Progress("Looking at the files"))
    problem: str = ""
    files: list[Path] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    found: Look | None = None
    variables: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)
    project: str = ""
    notes: list[str] = field(default_factory=list)  # of what was done when it opened
    turn: int = 0  # a thread of another turn has been stopped
    sealed: bool = False  # its project is being made: too late to stop it

    def options(self) -> dict[str, Any]:
        """Of `Workspace.open`, as a project keeps them."""
        layers = {role: spec for role, spec in self.layers(self.said).items() if self._fits(role)}
        said = {key: value for key, value in self.said.items() if key != "reference"}
        return said | self.mask(self.said) | layers

    def _fits(self, role: str) -> bool:
        fact = None if self.found is None else self.found.layers.get(role)
        return fact is not None and fact.value is not None

    def scene_file(self) -> Path:
        """Raises BadRequest where none of the files is the scene."""
        scenes = [file for file in self.files if self.roles.get(file.name) == "scene"]
        if not scenes:
            kinds = {file.suffix.lower() for file in self.files}
            if kinds <= VECTORS | {".shx", ".dbf", ".prj", ".cpg", ".qmd"}:
                raise BadRequest("These are labels, and no image is among them: add them in Map → Import labels.")
            raise BadRequest("Say which of the files is the scene.")
        return scenes[0]

    def layers(self, said: Mapping[str, Any]) -> dict[str, str]:
        """Specs of the surface model and the reference: files of these roles, or the scene's own array that is said."""
        found = {key: str(file) for key, role in LAYERS.items() for file in self.files
                 if self.roles.get(file.name) == role}  # fmt: skip
        own = {"reference": f"{self.scene_file()}:{said['reference']}"} if said.get("reference") else {}
        return found | own

    def own(self, said: Mapping[str, Any], confined: Callable[[str], Path]) -> dict[str, Any]:
        """What is said, with every file it names one of the opening's, or one that this server may read. Raises
        BadRequest."""
        out, known = dict(said), {file.name: file for file in self.files}
        if mask := str(said.get("mask") or ""):
            spec, other_way = turned(mask)
            name, colon, variable = spec.rpartition(":")
            if spec in known or len(name) < 2:  # without a variable; a drive letter is no file
                name, colon, variable = spec, "", ""
            file = known.get(name) or confined(name)
            out["mask"] = f"{OTHER_WAY if other_way else ''}{file}{colon}{variable}"
        if (wanted := said.get("reference")) and wanted not in self._own_maps():
            raise BadRequest(f"There is no class map “{str(wanted)[:80]}” in the scene's file.")
        waves = said.get("wavelengths")
        if isinstance(waves, str) and not is_list(waves):
            out["wavelengths"] = str(confined(waves.strip()))
        return out

    def _own_maps(self) -> tuple[str, ...]:
        plan = None if self.found is None else self.found.plan
        return plan["reference"].choices if plan is not None and "reference" in plan else ()

    def mask(self, said: Mapping[str, Any]) -> dict[str, str]:
        """The option of the file whose role that is; {} where another is said."""
        masks = [by_name(file) for file in self.files if self.roles.get(file.name) == "mask"]
        return {"mask": masks[0]} if masks and not said.get("mask") else {}


def first_roles(files: Sequence[Path]) -> dict[str, str]:
    """The role of each file by its name, as the rules of `scene.rules.roles` have it."""
    cube = main_file(files)
    if len(files) > 1 and cube.suffix.lower() in VECTORS:
        return {file.name: "labels" if file.suffix.lower() in VECTORS else "goes with it" for file in files}
    found = roles_of(files, cube)
    named = {found.dsm: "surface model", found.reference: "reference", found.mask: "mask"}
    out: dict[str, str] = {}
    stems = {cube.stem.lower(), *(file.stem.lower() for file in named if file is not None),
             *(file.stem.lower() for file in found.labels)}  # fmt: skip
    for file in files:
        if file == cube and cube.suffix.lower() not in VECTORS:
            out[file.name] = "scene"
        elif file in named:
            out[file.name] = named[file]
        elif file in found.labels or (file == cube and cube.suffix.lower() in VECTORS):
            out[file.name] = "labels"
        else:
            part = file.stem.lower() in stems or file.name.lower() in stems or file.suffix.lower() == ".xml"
            out[file.name] = "goes with it" if part else "not used"
    return out


def with_roles(now: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Other roles for some files: what is there once (all but labels) is taken from the file that had it."""
    out = dict(now)
    for name, role in wanted.items():
        if name not in out:
            continue
        if role in ("scene", "surface model", "reference", "mask"):
            out = {other: "not used" if had == role else had for other, had in out.items()}
        out[name] = role
    return out
