"""Break the program by hand, one line at a time, and see whether the tests notice.

    python -m tests.mutations.run                        every mutation of the list
    python -m tests.mutations.run --sample 8 --seed 3    eight of them, the same ones for the same seed
    python -m tests.mutations.run journal-fsync host-ending

The working tree is copied to a temporary folder, so the files one works on are never touched. First the tests named in
the list must pass there unchanged; then each mutation is made alone, its tests run, and the file is put back. A
mutation is killed when its tests fail. Exit code 1: one survived, its original text is not found exactly once, or the
tests could not be run at all.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 300  # a mutation may make a test wait for ever
FAILED, TIMED_OUT = 1, 124  # pytest's exit code for failed tests; ours for tests that did not end
PLACE = re.compile(r"^(?:\S*/)?(tests/\S+\.py:\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of one mutation. `state` is "killed", "survived" or "broken" (it could not be tried)."""

    mutation: Mutation
    line: int
    state: str
    by: str  # the test's file and line, or what was wrong


def place_of(mutation: Mutation, root: Path) -> int:
    """The line, from 1, of the original text. Raises ValueError when it is not there exactly once."""
    text = (root / mutation.file).read_text(encoding="utf-8")
    found = text.count(mutation.original)
    if found != 1:
        raise ValueError(f"the original text is in the file {found} times, not once")
    return text[: text.index(mutation.original)].count("\n") + 1


def copy_tree(target: Path) -> None:
    """Every file that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode("utf-8").split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)


def run_tests(nodes: Sequence[str], root: Path) -> tuple[int, str]:
    """pytest's exit code and its output."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n0",
        "-x",
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "--durations=0",
        *nodes,
    ]
    data = ROOT.parent / "shared" / "data"
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",  # a mutation of the same length in the same second would find the old bytecode
        "HSI_STUDIO_TEST_DATA": os.environ.get("HSI_STUDIO_TEST_DATA", str(data)),
    }
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        return TIMED_OUT, ""
    return done.returncode, done.stdout + done.stderr


def tried(mutation: Mutation, root: Path) -> Outcome:
    """Make one mutation in the copy, run its tests, and put the file back."""
    file = root / mutation.file
    try:
        line = place_of(mutation, root)
    except (OSError, ValueError) as problem:
        return Outcome(mutation, 0, "broken", str(problem))
    before = file.read_bytes()
    text = before.decode("utf-8")
    try:
        file.write_bytes(text.replace(mutation.original, mutation.replacement).encode("utf-8"))
        code, output = run_tests(mutation.nodes, root)
    finally:
        file.write_bytes(before)
    if code == TIMED_OUT:
        return Outcome(mutation, line, "killed", f"its tests did not end within {WITHIN_S} s")
    if code == FAILED:
        found = PLACE.findall(output)
        return Outcome(mutation, line, "killed", found[-1] if found else mutation.nodes[0])
    if code == 0:
        return Outcome(mutation, line, "survived", ", ".join(mutation.nodes))
    return Outcome(mutation, line, "broken", f"pytest ended with {code}: {output.strip().splitlines()[-1:]}")


def chosen(ids: Sequence[str], sample: int | None, seed: int) -> list[Mutation]:
    """By id, else a sample, else all. Raises SystemExit for an unknown id."""
    known = {mutation.id: mutation for mutation in MUTATIONS}
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise SystemExit(f"There is no mutation {', '.join(unknown)}. Known: {', '.join(known)}.")
    found = [known[name] for name in ids] or list(MUTATIONS)
    return random.Random(seed).sample(found, min(sample, len(found))) if sample is not None else found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations.run", description="Do the tests notice?")
    parser.add_argument("ids", nargs="*", metavar="ID", help="default: every mutation")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    args = parser.parse_args(argv)
    mutations = chosen(args.ids, args.sample, args.seed)
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        root = Path(folder) / "tree"
        root.mkdir()
        copy_tree(root)
        code, output = run_tests(sorted({node for mutation in mutations for node in mutation.nodes}), root)
        if code != 0:
            print(output)
            print("The tests do not pass without any mutation: nothing can be said.")
            return 1
        outcomes = []
        for mutation in mutations:
            outcome = tried(mutation, root)
            outcomes.append(outcome)
            print(f"{outcome.state:9} {mutation.id:28} {mutation.file}:{outcome.line}  {outcome.by}", flush=True)
    wrong = [outcome for outcome in outcomes if outcome.state != "killed"]
    print(f"{len(outcomes) - len(wrong)} of {len(outcomes)} killed")
    for outcome in wrong:
        print(f"{outcome.state}: {outcome.mutation.id} ({outcome.mutation.meaning}): {outcome.by}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
