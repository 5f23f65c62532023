"""The package as a user gets it: built, installed without the checkout, started from another folder.

The environment is a fresh one in which only the wheel is installed; what the wheel depends on is lent by the one that
runs the tests (a .pth file, whose folders come after the fresh one's own packages), so nothing is downloaded. The
checkout is on no path: a file that the wheel lacks cannot come from there.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from hatchling import build as b; b.build_wheel(sys.argv[1]); b.build_sdist(sys.argv[1])"
DEVELOPMENT = re.compile(
    r"(^|/)(tests?|benchmarks|docs|checkpoints|node_modules|__pycache__|readme)/|\.test\.m?js$|eslint"
    r"|(^|/)(package|package-lock|tsconfig)[^/]*\.json$"
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive, as `pip wheel .` and `python -m build` make them."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def files(built: Path) -> set[str]:
    (wheel,) = built.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def bin_folder(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `python` and `hsi-studio` of the fresh environment are."""
    (wheel,) = built.glob("*.whl")
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    installed = subprocess.run(
        [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-deps", "--no-index", wheel],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    place = subprocess.run(
        [scripts / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(place.stdout.strip(), "lent.pth").write_text("\n".join(sorted(lent)) + "\n")
    return scripts


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Without a path that leads to the checkout, with a home folder of its own."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    return {**inherited, "HSI_STUDIO_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}


def run(*words: object, cwd: Path, environment: dict[str, str]) -> str:
    """A program's output. It has to end with 0."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ── what is in it ───────────────────────────────────────────────────────────────────────────────


def tracked(folder: str) -> set[str]:
    """Files of the checkout that git does not ignore, below a folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a checkout")
    return {name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()}


def test_every_file_of_the_package_is_in_the_wheel(files: set[str]) -> None:
    wanted = {name for name in tracked("hsi_studio") if not DEVELOPMENT.search(name)}
    assert wanted - files == set()


def test_every_data_file_is_in_the_wheel_as_hsi_studio_assets(files: set[str]) -> None:
    wanted = {f"hsi_studio/{name}" for name in tracked("assets") if not name.startswith("assets/readme/")}
    assert "hsi_studio/assets/prompts/indian_pines.json" in wanted
    assert wanted - files == set()


def test_nothing_of_the_development_is_shipped(built: Path, files: set[str]) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        source = {name.partition("/")[2] for name in opened.getnames()}
    assert [name for name in sorted(files | source) if DEVELOPMENT.search(name)] == []
    assert {name.split("/")[0] for name in files if ".dist-info/" not in name} == {"hsi_studio"}


def test_an_editable_install_is_the_checkout_on_the_path(tmp_path: Path) -> None:
    """Then `assets/` is beside the package, where `paths.py` looks second."""
    code = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        (paths,) = [opened.read(name).decode() for name in opened.namelist() if name.endswith(".pth")]
        assert paths.split() == [str(ROOT)]
        assert [name for name in opened.namelist() if name.startswith("hsi_studio/")] == []


def test_the_extras_dev_and_docs_are_requirements_dev() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert wanted == ["-r requirements.txt", *extras["dev"], *extras["docs"]]
    assert set(extras) == {"gpu", "sensors", "cluster", "mcp", "docs", "dev"}


# ── what it does ────────────────────────────────────────────────────────────────────────────────


def test_commands_and_descriptions_work_from_any_folder(
    bin_folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "from hsi_studio import __file__, paths; from hsi_studio.text.prompts import sentences_for; "
        "told = sentences_for(['Corn-notill'], 'p5', 'indian_pines')[0]['Corn-notill']; "
        "print(__file__, paths.ASSETS, *told, sep='\\n')"
    )
    package, assets, *sentences = run(
        bin_folder / "python", "-c", code, cwd=tmp_path, environment=environment
    ).splitlines()
    fresh = bin_folder.parent
    assert Path(package).is_relative_to(fresh)
    assert Path(assets) == Path(package).parent / "assets"
    assert len(sentences) == 2
    assert all(len(sentence.split()) >= 15 for sentence in sentences)  # a template has eleven words at most
    scenes = run(bin_folder / "hsi-studio", "scenes", cwd=tmp_path, environment=environment)
    assert re.search(r"^indian_pines +offline ", scenes, re.MULTILINE)
    assert "houston2013" in scenes


def test_a_training_runs_in_its_own_process(bin_folder: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """The worker is another Python: it has to find the package, and Python's own `types` before ours."""
    words = ("train", "indian_pines", "--shots", "2", "--method", "knn")
    run(bin_folder / "hsi-studio", *words, cwd=tmp_path, environment=environment)
    assert "done" in run(bin_folder / "hsi-studio", "runs", cwd=tmp_path, environment=environment)


@contextmanager
def serving(bin_folder: Path, environment: dict[str, str], folder: Path) -> Iterator[httpx.Client]:
    """Asks the page, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [bin_folder / "hsi-studio", "--no-browser", "--port", str(port), "--home", folder / "home"]
    with (folder / "page.log").open("wb") as log:
        process = subprocess.Popen([str(word) for word in words], cwd=folder, env=environment, stdout=log, stderr=log)
    until = time.monotonic() + 120
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            while True:
                with suppress(httpx.TransportError):
                    client.get("/")
                    break
                assert process.poll() is None, (folder / "page.log").read_text()
                assert time.monotonic() < until, "the page did not come up"
                time.sleep(0.2)
            yield client
    finally:
        process.terminate()
        process.wait(20)


def loaded(client: httpx.Client, config: dict[str, Any]) -> dict[str, Any]:
    """The viewer's value that the page's load event brings."""
    load = next(fn for fn in config["dependencies"] if any(event == "load" for _, event in fn["targets"]))
    ask = {"data": [], "fn_index": load["id"], "session_hash": "fresh"}
    assert client.post("/gradio_api/queue/join", json=ask).status_code == 200
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "fresh"}) as answers:
        for line in answers.iter_lines():
            message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if message.get("msg") == "process_completed":
                assert message["success"], message
                return next(v for v in map(_value, message["output"]["data"]) if "scene" in v)
    raise AssertionError("the page's load event had no answer")


def _value(packed: Any) -> dict[str, Any]:
    found = json.loads(packed) if isinstance(packed, str) and packed.startswith("{") else {}
    return cast(dict[str, Any], found)


def test_the_page_is_served_with_all_it_loads_and_opens_indian_pines(
    bin_folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with serving(bin_folder, environment, tmp_path) as client:
        page = client.get("/").text
        config = client.get("/config")
        addresses = set(re.findall(r'(?:src|href)="\./([^"]+\.(?:js|css))"', page))
        addresses |= set(re.findall(r"/hsi/web/[\w./-]+\.(?:js|css)", config.text))
        assert addresses
        for address in [*addresses, "/hsi/leaflet/leaflet.js", "/hsi/leaflet/leaflet.css", "/hsi/plotly.min.js"]:
            assert client.get(address).status_code == 200, address
        assert "hsi-viewer" in config.text
        value = loaded(client, config.json())
        assert (value["scene"]["h"], value["scene"]["w"], value["scene"]["b"]) == (145, 145, 200)
        assert len(value["classes"]) == 16
        assert client.get(f"/hsi/spectrum/{value['project']}/3/3").status_code == 200
    assert (tmp_path / "home" / "projects" / value["project"] / "journal.jsonl").is_file()
    assert "Traceback" not in (tmp_path / "page.log").read_text()
