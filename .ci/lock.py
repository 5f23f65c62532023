"""requirements.lock: every package that `pip install` brings, one version each, with the hashes of its files.

    python .ci/lock.py           resolves requirements.txt anew and writes the lock (needs uv and the network)
    pip-audit --require-hashes --disable-pip -r requirements.lock        asks for known weaknesses of just these
    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    pip install --require-hashes --no-deps -r requirements.lock          installs just these

Unusual: torch, with NVIDIA's libraries and triton that its CUDA build brings, stands in requirements.txt alone with its
exact version: its builds for CPUs and for each CUDA lie on different indexes, under other hashes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
WITHOUT = re.compile(r"(?:torch|triton|nvidia-.*|cuda-.*)")
HEAD = "# Written by `python .ci/lock.py`, which says what it is for. torch is not in it: see there.\n"


def entries(text: str) -> list[str]:
    """One text a package, with its hashes and comments."""
    found: list[str] = []
    for line in text.splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            found.append(line)
        elif found:
            found[-1] += f"\n{line}"
    return found


def main() -> int:
    """Write the lock."""
    made = subprocess.run(
        ["uv", "pip", "compile", "requirements.txt", "--universal", "--generate-hashes", "--python-version", "3.11",
         "--no-header", "--no-annotate", "--quiet"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    kept = [one for one in entries(made) if not WITHOUT.fullmatch(one.split("==")[0])]
    LOCK.write_text(HEAD + "\n".join(kept) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(kept)} packages in {LOCK.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
