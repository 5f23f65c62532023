"""Figures and tables of the few-shot results, made from the packed sweep alone.

    python -m benchmarks.figures            docs/figures/*.svg, few_shot.md, and the generated parts of RESULTS.md
    python -m benchmarks.figures --check    writes nothing; exit code 1 when a file is not what the sweep says

Every figure names the version of matplotlib that drew it and a hash of the results it shows.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from benchmarks.common import exit_code, make_parser
from benchmarks.few_shot import PACKED, PUBLISHED
from benchmarks.packed import load, names
from benchmarks.result_figures import DRAWN, svg
from benchmarks.result_tables import Sweep, blocks, filled
from hsi_studio.engine.sweep.tables import markdown, tables

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures"
PAGE = Path(__file__).with_name("RESULTS.md")
EVERY_TABLE = Path(__file__).with_name("few_shot.md")
BASELINES = ("live", "diffclip, p5")


def results_hash(file: Path) -> str:
    """12 hex digits of a packed sweep's three files."""
    digest = hashlib.sha256()
    for part in names(file):
        digest.update(part.read_bytes())
    return digest.hexdigest()[:12]


def made(packed: Path = PACKED) -> dict[Path, str]:
    """Every generated file with what belongs into it. Raises FileProblem, CorruptFile, BadRequest."""
    cells = load(packed)
    sweep = Sweep(cells)
    source = f"{packed.name} {results_hash(packed)}"
    found = {FIGURES / f"{name}.svg": svg(sweep, name, source) for name in DRAWN}
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
