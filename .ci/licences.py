"""Licences of everything that `pip install` brings: `python .ci/licences.py` writes docs/licences.md.

Read from the metadata of what is installed: the SPDX expression, else the licence field where it is short, else the
classifiers. `tests/test_licences.py` fails on a dependency whose licence is not permissive or cannot be told, and on
one that the table lacks. Table and check are those of the platform they run on; the CUDA build of torch brings NVIDIA's
libraries as well, which the page says in words.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"

PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC",
    "LLVM-exception", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
}  # fmt: skip
SPELLINGS = {  # what metadata of before SPDX expressions says, in lower case
    "apache software license": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "bsd license": "BSD",
    "new bsd": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
BY_HAND = {"xstatic-leaflet": "BSD-2-Clause"}  # "(same as Leaflet)"
WEAK_COPYLEFT = {  # MPL-2.0 asks only that changes to its own files are published: we change none
    "certifi": "a list of certificate authorities, unchanged",
    "orjson": "used unchanged",
    "tqdm": "used unchanged",
}
INTRODUCTION = """HSI Studio is under Apache-2.0. Installing it brings these packages (Linux, Python 3.11, a CPU build
of torch), read from their metadata by `.ci/licences.py`; a test fails on one that is not permissive or not in this
table.

MPL-2.0 (certifi, orjson, tqdm) covers the files of those packages only; they are used unchanged. Binary wheels carry
compiled libraries with licences of their own, listed in each wheel: among them GEOS (LGPL-2.1, linked dynamically) in
rasterio, and OpenBLAS (BSD) with GCC's Fortran runtime (GPL with the runtime exception, libquadmath LGPL-2.1) in NumPy
and SciPy. The CUDA build of torch brings NVIDIA's libraries, under NVIDIA's own terms.
"""
ONLY_CUDA = ("nvidia-", "cuda-", "triton")  # of torch's CUDA build


def installed(name: str) -> tuple[list[str], str]:
    """The requirements of an installed distribution, and its licence; "" = its metadata does not tell."""
    found = metadata.distribution(name)
    return found.requires or [], licence_of(found.metadata)


def licence_of(facts: metadata.PackageMetadata) -> str:
    """An SPDX expression where that can be told."""
    name = canonicalize_name(facts["Name"])
    if name in BY_HAND:
        return BY_HAND[name]
    if expression := facts.get("License-Expression"):
        return expression
    text = (facts.get("License") or "").strip()
    if text and "\n" not in text and len(text) < 40:
        return SPELLINGS.get(text.lower(), text)
    classes = [line.rpartition("::")[2].strip() for line in facts.get_all("Classifier", []) if "License ::" in line]
    return " AND ".join(SPELLINGS.get(one.lower(), one) for one in classes)


def closure(
    requirements: Iterable[str], look: Callable[[str], tuple[list[str], str]] = installed
) -> dict[str, tuple[str, set[str]]]:
    """Name → licence and who asks for it, of everything the requirements bring on this platform."""
    found: dict[str, tuple[str, set[str]]] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(line), "hsi-studio") for line in requirements]
    while waiting:
        wanted, by = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name.startswith(ONLY_CUDA):
            continue
        needs, licence = look(name)
        found.setdefault(name, (licence, set()))[1].add(by)
        for extra in ("", *wanted.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for need in map(Requirement, needs):
                if need.marker is None or need.marker.evaluate({"extra": extra}):
                    waiting.append((need, name))
    return dict(sorted(found.items()))


def problem(name: str, licence: str) -> str | None:
    """Why a dependency may not stay; None = it may. Every licence an expression names has to be permissive."""
    named = re.findall(r"[A-Za-z0-9][A-Za-z0-9.+-]*", re.sub(r"\b(AND|OR|WITH)\b|[()]", " ", licence))
    if not named:
        return f"{name}: its metadata names no licence. Look it up and add it to BY_HAND, or do without it."
    bad = set(named) - PERMISSIVE
    if bad and not (bad == {"MPL-2.0"} and name in WEAK_COPYLEFT):
        return f"{name}: {licence!r} is not permissive. Find another package."
    return None


def requirements() -> list[str]:
    """The lines of requirements.txt without their comments."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]


def page(found: dict[str, tuple[str, set[str]]]) -> str:
    lines = [
        "# Licences of the dependencies",
        "",
        INTRODUCTION,
        "| package | licence | needed by |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {licence} | {', '.join(sorted(by))} |" for name, (licence, by) in found.items()]
    return "\n".join(lines) + "\n"


def listed() -> set[str]:
    """Packages in the table."""
    return set(re.findall(r"^\| ([a-z0-9-]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) - {"package"}


def main() -> int:
    found = closure(requirements())
    problems = [text for name, (licence, _) in found.items() if (text := problem(name, licence))]
    sys.stderr.write("".join(f"{text}\n" for text in problems))
    PAGE.write_text(page(found), encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
