"""Figures and tables of the results, made from the files in results/ alone.

    python -m benchmarks.figures            docs/figures/*.svg, few_shot.md, and the generated parts of RESULTS.md
    python -m benchmarks.figures --check    writes nothing; exit code 1 when a file is not what the results say

Every figure names the version of matplotlib that drew it and a hash of the results it shows.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import measured, measured_figures, result_figures, result_tables
from benchmarks.common import exit_code, make_parser
from benchmarks.few_shot import PACKED, PUBLISHED
from benchmarks.packed import load, names
from benchmarks.result_figures import svg
from benchmarks.result_tables import Sweep, filled
from hsi_studio.engine.sweep.tables import markdown, tables

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures"
PAGE = Path(__file__).with_name("RESULTS.md")
EVERY_TABLE = Path(__file__).with_name("few_shot.md")
BASELINES = ("live", "diffclip, p5")


def hash_of(files: Iterable[Path]) -> str:
    """12 hex digits of the files' content."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def sources() -> dict[str, str]:
    """Figure → the file it is made from and a hash of what stands in it, as the figure itself says."""
    of_sweep = f"{PACKED.name} {hash_of(names(PACKED))}"
    by_hand = {name: measured.file_of(table) for name, (table, _) in measured_figures.DRAWN.items()}
    return dict.fromkeys(result_figures.DRAWN, of_sweep) | {
        name: f"{file.name} {hash_of([file])}" for name, file in by_hand.items()
    }


def blocks(sweep: Sweep) -> dict[str, list[str]]:
    """Every generated part of RESULTS.md by its name: those of the sweep, and the tables written down by hand."""
    return result_tables.blocks(sweep) | {f"measured {name}": measured.table(name) for name in measured.every_name()}


def made() -> dict[Path, str]:
    """Every generated file with what belongs into it. Raises FileProblem, CorruptFile, BadRequest."""
    cells = load(PACKED)
    sweep = Sweep(cells)
    draw: dict[str, Callable[[], Any]] = {name: partial(one, sweep) for name, one in result_figures.DRAWN.items()}
    draw |= {name: one for name, (_, one) in measured_figures.DRAWN.items()}
    found = {FIGURES / f"{name}.svg": svg(draw[name], source) for name, source in sources().items()}
    found[PAGE] = filled(PAGE.read_text(encoding="utf-8"), blocks(sweep))
    every = markdown(tables(cells, json.loads(PUBLISHED.read_text(encoding="utf-8")), BASELINES))
    found[EVERY_TABLE] = (
        "# Every few-shot table\n\nMade by `python -m benchmarks.figures` from `results/few_shot.csv`; what the tables "
        f"say, and what is missing, stands in [RESULTS.md](RESULTS.md).\n\n{every.strip()}\n"
    )
    return found


def stale(found: dict[Path, str]) -> list[Path]:
    """The files whose content is not what belongs into them."""
    return [file for file, text in found.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are not up to date")
    args = parser.parse_args(argv)
    return exit_code(lambda: _write(made(), args.check))


def _write(found: dict[Path, str], check: bool) -> int:
    changed = stale(found)
    for file in changed:
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(found[file], encoding="utf-8")
        print(f"{'not up to date' if check else 'written'}: {file.relative_to(ROOT)}")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
