"""The page's scripts, as far as that goes without a page: their tests, their types, what they must not do.

Node runs the tests of the pure parts. TypeScript and ESLint are looked for in `tests/web/node_modules`, where
`npm ci` puts them; whoever only runs the app needs none of the three.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hsi_studio.ui.web_routes import UI, scripts

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NODE = shutil.which("node")


def run(command: list[str], where: Path) -> None:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"[-6000:]


def tool(name: str) -> str:
    """A tool of `npm ci`; in CI it must be there."""
    found = HERE / "node_modules" / ".bin" / name
    if not found.exists():
        assert os.environ.get("CI") != "true", f"{name} is missing: run `npm ci` in tests/web"
        pytest.skip(f"{name} is not installed: `npm ci` in tests/web brings it")
    return str(found)


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_pure_parts_in_node() -> None:
    files = [path.name for path in sorted(HERE.glob("*.test.mjs"))]
    assert files
    run([str(NODE), "--import", "./as_modules.mjs", "--test", *files], HERE)


@pytest.mark.slow
def test_types() -> None:
    run([tool("tsc"), "--project", str(UI / "web" / "tsconfig.json")], HERE)


def test_lint() -> None:
    config = UI / "web" / "eslint.config.mjs"
    run([tool("eslint"), "--config", str(config), str(UI), str(HERE)], ROOT)


@pytest.mark.parametrize("name", [name for name in scripts() if name.endswith(".js")])
def test_a_script_is_a_checked_module_that_never_makes_html_of_text(name: str) -> None:
    text = scripts()[name].read_text(encoding="utf-8")
    assert text.startswith("// @ts-check\n")
    assert "export " in text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert len(text.splitlines()) <= 450


def test_the_pages_events_are_all_declared_and_all_used() -> None:
    declared = set(re.findall(r'"(hsi:[a-z-]+)"', (UI / "web" / "events.d.ts").read_text(encoding="utf-8")))
    texts = [path.read_text(encoding="utf-8") for name, path in scripts().items() if name.endswith(".js")]
    sources = "\n".join([*texts, (UI / "bus.py").read_text(encoding="utf-8")])
    told = set(re.findall(r"""(?:\btell\(|CustomEvent\()\s*["'](hsi:[a-z-]+)""", sources))
    heard = set(re.findall(r"""\bonPage\(["'](hsi:[a-z-]+)""", sources))
    assert declared == told == heard
