"""`collection`: image-level classification from a shell.

python -m hsi_studio collection FOLDER --method s3fn --shots 5 --seeds 10
python -m hsi_studio collection FOLDER --method diffclip --folds 5 --json -
python -m hsi_studio collection FOLDER --save model.safetensors
python -m hsi_studio collection FOLDER --model model.safetensors
python -m hsi_studio collection deephs_fruit --columns ripeness_state,VIS,Kiwi
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from hsi_studio.cli.common import add_json, add_method, params, positive, progress, report, studio
from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.humanize import counted
from hsi_studio.studio.plugins import IMAGE_METHOD

FIGURES = (
    ("acc", "ACC %"), ("auc", "AUC %"), ("se", "SE %"), ("sp", "SP %"), ("oa", "OA %"), ("aa", "AA %"),
    ("kappa", "κ × 100"),
)  # fmt: skip


def add_commands(commands: Any) -> None:
    """Put the command of this file beside the others."""
    parser = commands.add_parser("collection", help="one label an image: accuracy, train, classify")
    parser.add_argument(
        "collection",
        metavar="FOLDER",
        help="a folder with a folder of images per class, a .csv, or the id of a public collection; with --model any "
        "folder of images",
    )
    parser.add_argument("--columns", metavar="IMAGE,CLASS[,GROUP]", default="", help="columns of a .csv; of a public "
                        "collection with annotations: MEASURE,CAMERA[,FRUIT]")  # fmt: skip
    add_method(parser, IMAGE_METHOD, f"default: {IMAGE_METHOD}; a wrong name lists them all")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--shots", type=positive, help="training images (or groups) a class, the rest tests (default 5)")
    how.add_argument("--folds", type=positive, help="parts that test in turn, instead of shots")
    how.add_argument("--save", metavar="FILE", help="train on all images and write the model (.safetensors)")
    how.add_argument("--model", metavar="FILE", help="classify the images with a saved model")
    parser.add_argument("--seeds", type=positive, default=5, help="draws 0 … N−1 (default 5)")
    parser.add_argument("--positive", metavar="CLASS", help="class SE and SP are of (default: the last of two by name)")
    parser.add_argument("--prompts", metavar="FILE", help="JSON: class name → list of sentences")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    verbs, values, prompts = studio().collections, params(args), _prompts(args.prompts)
    collection = verbs.open(args.collection, [c for c in args.columns.split(",") if c], labelled=not args.model)
    made: dict[str, Any]
    if args.model:
        answers = verbs.classify(args.model, collection, device=args.device, progress=progress())
        made = {"model": args.model, "images": [{**vars(a), "path": str(a.path)} for a in answers]}
        lines = [f"{a.path}  {a.label}  {100 * a.probability:.0f} %, {a.votes} of {a.of} votes" for a in answers]
        known = [a for a in answers if a.known]
        right = sum(a.label == a.known for a in known)
        lines += [f"{right} of {counted(len(known), 'image')} are of the class they were given"] if known else []
    elif args.save:
        model = verbs.train(
            collection, args.save, args.method, params=values, prompts=prompts, device=args.device, progress=progress()
        )
        made = {
            "model": args.save,
            "images": len(collection),
            "classes": model.schema.names,
            "notes": list(model.notes),
        }
        lines = [f"\n{args.save}: {args.method} on {len(collection)} images of {len(collection.schema)} classes"]
    else:
        shots = None if args.folds else args.shots or 5
        made = verbs.evaluate(
            collection, args.method, shots=shots, folds=args.folds, seeds=range(args.seeds), params=values,
            prompts=prompts, positive=args.positive, device=args.device, progress=progress(),
        ).to_json()  # fmt: skip
        lines = table(made)
    made["notes"] = [*made.get("notes", []), *collection.notes]
    if not report(args.json, made):
        print("\n".join([*lines, *made["notes"]]))
    return 0


def table(report: dict[str, Any]) -> list[str]:
    """The figures of `ImageResult.to_json`, mean ± standard deviation over seeds."""
    rows = report["seeds"]
    split = f"{counted(report['shots'], 'shot')} a class" if report["shots"] else counted(report["folds"], "fold")
    trained, tested = (sum(row[key] for row in rows) / len(rows) for key in ("n_train", "n_test"))
    lines = [
        f"\n{report['collection']}: {report['method']}, {split}, {counted(len(rows), 'seed')}, "
        f"{len(report['classes'])} classes, {trained:.0f} images to train on and {tested:.0f} to test on"
    ]
    for key, title in FIGURES:
        found = report["summary"][key]
        said = "not known" if found["mean"] is None else f"{found['mean']:6.2f}"
        if found["mean"] is not None and len(rows) > 1:  # one draw tells nothing of others
            said += f" ± {found['std']:.2f}"
        lines.append(f"  {title:8} {said}")
    of = f"of “{report['positive']}”" if report["positive"] else "the means over classes, each against the others"
    lines.append(f"  AUC, SE and SP are {of}.")
    if report["transductive"]:
        lines.append("  Stage 1 saw the test images, without their labels.")
    if report["left_out"]:
        lines.append(f"  Left out, with images of one group only: {', '.join(report['left_out'])}.")
    return lines


def _prompts(file: str | None) -> dict[str, list[str]] | None:
    if file is None:
        return None
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise FileProblem(file, f"this is not JSON ({error})", 'Write {"class": ["a sentence", …], …}') from error
    good = isinstance(found, dict) and all(
        isinstance(v, list) and v and all(isinstance(s, str) and s.strip() for s in v) for v in found.values()
    )
    if not good:
        raise BadRequest(f'{Path(file).name}: write {{"class": ["a sentence", …], …}}.')
    return {str(name): [str(s) for s in sentences] for name, sentences in found.items()}
