"""Does an export open right in QGIS? Every kind of layer is exported, opened by QGIS without a window, and drawn.

    python -m benchmarks.in_qgis FOLDER [--python /usr/bin/python3]

Exports the simulated town (200 × 200 pixels of 4 m, UTM): the reference, the live map, a map from class names, a
trained run, that run's model, the live map after a sieve, and an arm of a comparison, each as the archive that the
page gives. Then QGIS, by its own Python (Debian: `apt-get install python3-qgis`, then /usr/bin/python3), opens each
class map, confidence, polygons, labels and the random pixels of a certificate, and says

    place      metres between where QGIS has the corners and where the scene has them; half a pixel is the limit
    pixel      whether QGIS reads the class of 200 pixels where the map has it, by map coordinates
    names      how many classes it names and paints as the map does, by the style beside the raster, and inside the
               GeoPackage for the polygons

and draws FOLDER/pictures/NAME.png. The exit status is 1 when anything is not right. GDAL's and rasterio's reading is
in tests/studio/test_bundle.py and runs without QGIS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROBES = 200
CHECKED = ("_map.tif", "_map.gpkg", "_confidence.tif", "_labels.geojson")


def export(folder: Path) -> list[dict[str, Any]]:
    """Everything as the page exports it, and what QGIS should find: [{file, kind, bounds, probes, classes}]."""
    import zipfile

    import numpy as np

    from hsi_studio import Studio

    studio = Studio(home=folder / "home")
    try:
        project = studio.new_project("demo", title="For QGIS")
        studio.labels.draw(project.id, 5, 0)
        studio.displayed.find(project.id, "live")
        texts = studio.queries.text_maps
        texts.request(project.id, "names", curve=False)
        run = studio.runs.start(project.id, "svm", {}, "p5", 0)
        _wait(lambda: studio.runs.get(run.id).state in ("done", "failed"), "the training")
        plan = studio.compare.plan(
            project.id, [studio.compare.side("svm"), studio.compare.side("lda")], shots=5, seeds=2, control=False
        )
        comparison = studio.compare.start(project.id, plan)
        _wait(lambda: texts.get(project.id).state != "working", "the map from names")
        _wait(lambda: studio.compare.get(comparison).run.state in ("done", "failed"), "the comparison")
        edited = studio.edits.add(project.id, "sieve=400", of="live")
        layers = dict.fromkeys([*(one.id for one in studio.displayed.maps(project.id)), f"model:{run.id}", edited])
        scene = studio.scene_of(project.id)
        assert scene.transform is not None
        a, _, c, _, e, f = scene.transform
        height, width, _ = scene.shape
        bounds = [c, f + height * e, c + width * a, f]
        found: list[dict[str, Any]] = []
        for layer in layers:
            print(f"exporting {layer}")
            out = folder / "exports" / "".join(ch if ch.isalnum() else "-" for ch in layer)
            with zipfile.ZipFile(studio.exports.bundle(project.id, out / "made", which=layer)) as archive:
                archive.extractall(out)
            shown = studio.displayed.find(project.id, layer).prediction
            rng = np.random.default_rng(0)
            mapped = np.argwhere(shown.label > 0)
            at = mapped[rng.choice(len(mapped), PROBES)]
            probes = [[c + (q + 0.5) * a, f + (r + 0.5) * e, int(shown.label[r, q])] for r, q in at.tolist()]
            classes = [[info.name, info.color] for info in shown.schema.classes]
            for file in sorted(out.iterdir()):
                if file.name.endswith(CHECKED):
                    kind = "labels" if file.suffix == ".geojson" else file.name.rpartition("_")[2]
                    found.append({
                        "name": f"{out.name}-{kind}", "file": str(file), "kind": kind, "bounds": bounds,
                        "probes": probes, "classes": classes, "pixel": abs(a), "crs": scene.crs,
                    })  # fmt: skip
        studio.certify.draw(project.id, "live")
        sample = studio.certify.write_file(project.id, folder / "exports" / "random-pixels.gpkg")
        found.append({
            "name": "certificate", "file": str(sample), "kind": "points", "bounds": bounds, "probes": [], "classes": [],
            "pixel": abs(a), "crs": scene.crs,
        })  # fmt: skip
    finally:
        studio.close()
    return found


def _wait(done: Any, what: str, most_s: float = 900.0) -> None:
    import time

    until = time.monotonic() + most_s
    while not done():
        if time.monotonic() > until:
            raise SystemExit(f"{what} is not over after {most_s:.0f} s")
        time.sleep(0.3)


def look(folder: Path) -> int:
    """The half that runs in QGIS's Python. How many things are not right."""
    from qgis.core import (  # type: ignore[import-not-found,unused-ignore]
        QgsApplication,
        QgsCoordinateReferenceSystem,
        QgsCoordinateTransform,
        QgsPointXY,
        QgsProject,
        QgsRasterLayer,
        QgsVectorLayer,
    )

    application = QgsApplication([], False)
    application.initQgis()
    wrong = 0
    (folder / "pictures").mkdir(exist_ok=True)
    for one in json.loads((folder / "expected.json").read_text(encoding="utf-8")):
        raster = one["file"].endswith(".tif")
        layer = QgsRasterLayer(one["file"], one["name"]) if raster else QgsVectorLayer(one["file"], one["name"], "ogr")
        if not layer.isValid():
            print(f"{one['name']}: QGIS cannot open it", flush=True)
            wrong += 1
            continue
        box, want = layer.extent(), one["bounds"]
        has = [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
        if one["kind"] in ("labels", "points"):
            ground = QgsCoordinateReferenceSystem.fromWkt(one["crs"])  # labels are in degrees, as GeoJSON has it
            to_ground = QgsCoordinateTransform(layer.crs(), ground, QgsProject.instance())
            spots = [to_ground.transform(feature.geometry().asPoint()) for feature in layer.getFeatures()]
            x, y = [spot.x() for spot in spots], [spot.y() for spot in spots]
            has = [min(x), min(y), max(x), max(y)]
        half = one["pixel"] / 2
        if one["kind"] in ("map.tif", "confidence.tif", "map.gpkg"):
            place = max(abs(p - q) for p, q in zip(has, want, strict=True))
        else:  # points lie inside
            place = max(want[0] - has[0], want[1] - has[1], has[2] - want[2], has[3] - want[3], 0.0)
        said, good = [f"CRS {layer.crs().authid() or 'none'}", f"place {place:.3g} m"], place <= half
        if one["kind"] == "map.tif":
            read = [layer.dataProvider().sample(QgsPointXY(x, y), 1) for x, y, _ in one["probes"]]
            same = sum(
                ok and round(value) == code for (value, ok), (_, _, code) in zip(read, one["probes"], strict=True)
            )
            painted = {round(c.value): (c.label, c.color.name()) for c in _palette(layer)}
            named = sum(painted.get(k) == (name, color) for k, (name, color) in enumerate(one["classes"], 1))
            said += [f"pixel {same} of {len(read)}", f"names {named} of {len(one['classes'])}"]
            good = good and same == len(read) and named == len(one["classes"])
        elif one["kind"] == "map.gpkg":
            mapped = {one["classes"][code - 1][0] for _, _, code in one["probes"]}
            renderer = layer.renderer()
            painted = {c.label(): c.symbol().color().name() for c in getattr(renderer, "categories", list)()}
            named = sum(painted.get(name) == color for name, color in one["classes"] if name in mapped)
            said += [f"{layer.featureCount()} polygons", f"names {named} of {len(mapped)}"]
            good = good and named == len(mapped)
        elif not raster:
            said.append(f"{layer.featureCount()} points")
        _draw(layer, folder / "pictures" / f"{one['name']}.png")
        print(f"{'right' if good else 'WRONG'}  {one['name']}: {', '.join(said)}", flush=True)
        wrong += not good
    return wrong


def _palette(layer: Any) -> list[Any]:
    renderer = layer.renderer()
    return list(renderer.classes()) if hasattr(renderer, "classes") else []


def _draw(layer: Any, path: Path) -> None:
    from qgis.core import QgsMapRendererSequentialJob, QgsMapSettings  # type: ignore[import-not-found,unused-ignore]
    from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found,unused-ignore]

    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(layer.extent())
    settings.setOutputSize(QSize(600, 600))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(str(path))


def main(argv: list[str] | None = None) -> int:
    from benchmarks.common import make_parser

    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path, help="a folder for exports and pictures; it is made")
    parser.add_argument("--python", default="/usr/bin/python3", help="QGIS's own Python")
    args = parser.parse_args(argv)
    folder = args.folder.resolve()
    asked = subprocess.run([args.python, "-c", "import qgis.core"], capture_output=True, text=True, check=False)
    if asked.returncode:
        print(f"{args.python} has no QGIS: apt-get install python3-qgis, or name QGIS's Python with --python")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expected.json").write_text(json.dumps(export(folder)), encoding="utf-8")
    environment = {"QT_QPA_PLATFORM": "offscreen", "PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
    done = subprocess.run([args.python, __file__, "--look", str(folder)], env=environment, check=False)
    return done.returncode


if __name__ == "__main__":
    if sys.argv[1:2] == ["--look"]:  # in QGIS's Python, which has nothing of ours
        os._exit(min(look(Path(sys.argv[2])), 1))  # QGIS without a window may crash while it goes
    sys.exit(main())
