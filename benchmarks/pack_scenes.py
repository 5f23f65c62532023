"""Write scenes as single .npz files that a machine without the data, or without their readers, can run a sweep on.

python -m benchmarks.pack_scenes packed indian_pines idtrees trento_simulated --data FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.common import exit_code, make_parser
from benchmarks.scenes import open_for_sweep, pack


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("scenes", nargs="+")
    parser.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    args = parser.parse_args(argv)
    return exit_code(lambda: _pack(args))


def _pack(args: argparse.Namespace) -> int:
    for spec in args.scenes:
        held = open_for_sweep(spec, args.data)
        file = pack(held, args.folder / f"{held.scene.name}.npz")
        splits = ", ".join(held.masks) or "–"
        print(f"{file}  {file.stat().st_size / 1e6:.1f} MB  {held.scene.shape}  splits: {splits}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
