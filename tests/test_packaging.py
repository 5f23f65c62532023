"""Files that other programs read: they parse, and what they say again agrees with where it is said first."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

import hsi_studio

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def last(instruction: str) -> list[str]:
    """The words of an instruction in its JSON form."""
    return cast(list[str], json.loads(re.findall(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1]))


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == hsi_studio.__version__ == read("CITATION.cff")["version"]
    assert project["license"] == read("CITATION.cff")["license"]


def test_the_citation_has_what_cff_1_2_demands() -> None:
    cff = read("CITATION.cff")
    assert cff["cff-version"] == "1.2.0"
    assert {"authors", "message", "title"} <= set(cff)
    assert all("name" in one or "family-names" in one for one in cff["authors"])


@pytest.mark.parametrize("name", ["bug_report.yml", "proposal.yml"])
def test_an_issue_form_asks_for_something(name: str) -> None:
    form = read(f".github/ISSUE_TEMPLATE/{name}")
    assert {"name", "description", "body"} <= set(form)
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(set(ids)) == len(ids) > 0


def test_the_workflow_runs_what_is_run_here() -> None:
    steps = read(".github/workflows/ci.yml")["jobs"]["checks"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").is_file()


def test_pre_commit_has_the_two_linters() -> None:
    hooks = {hook["id"] for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]}
    assert hooks == {"ruff-check", "ruff-format", "eslint"}


def test_the_image_asks_for_a_password_and_is_not_root() -> None:
    """Its command has options that the app knows, it listens to others only with names, and its user has no rights."""
    from hsi_studio.ui.launch import parser

    assert last("ENTRYPOINT") == ["hsi-studio"]
    args = parser().parse_args(last("CMD"))
    assert (args.host, args.port, args.no_browser) == ("0.0.0.0", 7860, True)
    assert args.auth_file is not None
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "10001"
    assert "HSI_STUDIO_HOME=/data" in DOCKERFILE
    assert re.search(r"^VOLUME /data$", DOCKERFILE, re.MULTILINE)


def test_the_image_has_the_torch_of_the_requirements() -> None:
    wanted = re.search(r"^torch==\S+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert wanted
    assert set(re.findall(r"torch==[\d.]+", DOCKERFILE)) == {wanted[0]}


def test_the_image_can_copy_what_it_names() -> None:
    """.dockerignore leaves everything out but what it names with "!"."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    }
    assert copied == let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []
