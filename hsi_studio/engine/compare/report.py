"""A comparison as a report: Markdown, and the same on one HTML page that needs no other file.

Both are made from the same blocks: sentence, tables, protocol, words of the arms, versions. Everything that a user or a
file can have written (arm names, classes, sentences) is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hsi_studio.engine.compare.findings import plain, told_needed
from hsi_studio.engine.compare.paces import largest_window
from hsi_studio.engine.compare.plan import ComparisonPlan
from hsi_studio.engine.compare.results import ArmResult, Comparison, Difference, Disagreement, Gap, Spread
from hsi_studio.files import write_text
from hsi_studio.humanize import counted, signed
from hsi_studio.methods import methods

REPORT = "comparison-report"  # name of the files
BASIS = {"reference": "the scene's reference map", "labels": "the project's labels (the scene has no reference map)"}


@dataclass(frozen=True)
class Table:
    head: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Block:
    """A heading with sentences, then tables with their own short titles, then bullets."""

    title: str
    words: tuple[str, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()
    bullets: tuple[str, ...] = ()


def write_report(comparison: Comparison, folder: Path, name: str = REPORT) -> list[Path]:
    """`folder`/NAME.md and NAME.html. Returns both."""
    files = [folder / f"{name}.md", folder / f"{name}.html"]
    for file, text in zip(files, (markdown(comparison), page(comparison)), strict=True):
        write_text(file, text)
    return files


def title_of(c: Comparison) -> str:
    used = {arm.method for arm in c.plan.arms}
    by = f", {method_title(used.pop())}" if len(used) == 1 else ""
    return c.plan.title or f"{' / '.join(arm.name for arm in c.plan.arms)}{by}, on {c.scene['title']}"


def method_title(name: str) -> str:
    """A method's title; its name when it is not there any more."""
    found = methods().entries.get(name)
    return name if found is None else str(found.title)


def blocks(c: Comparison) -> list[Block]:
    """The whole report."""
    return [
        Block("Result", c.sentences or (c.headline,)),
        Block("Accuracy", (_accuracy_words(c),), accuracy_tables(c)),
        Block("Differences", _difference_words(c), difference_tables(c.differences)),
        Block("Do the words help?", _control_words(c), difference_tables(c.controls)),
        Block("Classes", _class_words(c), class_tables(c.differences)),
        Block("McNemar's test", (), mcnemar_tables(c)),
        Block("How it was measured", (), (), protocol(c)),
        Block("The arms", (), (), arms(c)),
        Block("Made with", (), (("", Table(("", ""), tuple((k, v) for k, v in c.versions.items()))),)),
    ]


def accuracy_tables(c: Comparison) -> tuple[tuple[str, Table], ...]:
    head = ("Arm", *(f"{figure}, {protocol}" for protocol in c.plan.protocols for figure in ("OA", "AA", "κ")))
    body = [
        (a.name, *(plus_minus(s) for protocol in c.plan.protocols for s in _three(a, protocol)), _cost(a))
        for a in c.arms
    ]
    return (("", Table((*head, "fit + map, s"), tuple(body))),)


def difference_tables(differences: Sequence[Difference]) -> tuple[tuple[str, Table], ...]:
    head = ("Difference", "Test pixels", "OA", "AA", "κ", "Seeds", "Seeds needed", "Would have shown")
    body = [
        (
            f"{d.second} − {d.first}", d.protocol, points(d.oa), points(d.aa), points(d.kappa),
            "–" if d.oa is None else str(d.oa.n), seeds_needed(d.oa),
            "–" if d.oa is None or not d.oa.visible else f"{d.oa.visible:.1f}",
        )
        for d in differences
    ]  # fmt: skip
    return (("", Table(head, tuple(body))),) if body else ()


def class_tables(differences: Sequence[Difference]) -> tuple[tuple[str, Table], ...]:
    head = ("Class", "Test pixels", "ΔF1", "Seeds", "Holds over all classes")
    return tuple(
        (
            f"{d.second} − {d.first}, {d.protocol}",
            Table(
                head,
                tuple(
                    (k.name, f"{k.n_test:,}", points(k.f1), str(k.f1.n), "yes" if k.real else "–") for k in d.classes
                ),
            ),
        )
        for d in differences
    )


def mcnemar_tables(c: Comparison) -> tuple[tuple[str, Table], ...]:
    head = (
        "Maps",
        "Test pixels",
        "Pixels",
        "Only the second right",
        "Only the first right",
        "p, all pixels",
        "p, blocks",
    )
    body = [
        (
            f"{d.second} − {d.first}",
            d.protocol,
            f"{m.n:,}",
            f"{m.only_second:,}",
            f"{m.only_first:,}",
            _p(m.p),
            _blocks(m),
        )
        for d in c.differences
        if (m := d.disagreement) is not None
    ]
    return (("", Table(head, tuple(body))),) if body else ()


def protocol(c: Comparison) -> tuple[str, ...]:
    """What was done, so that somebody else can do it again."""
    plan = c.plan
    return (
        f"Scene: {c.scene['title']} ({c.scene['rows']} × {c.scene['columns']} pixels, {c.scene['bands']} bands"
        f"{', surface model (DSM)' if c.scene['heights'] else ''}; id {c.scene['id']}), compared on {BASIS[c.basis]}.",
        f"{plan.shots} labelled pixels a class (half of a class's pixels at most), drawn with the seeds "
        f"{_listed_seeds(c.seeds)}; the same draw for every arm.",
        f"Test pixels: random = all other labelled pixels; {plan.protocols[1]} = those farther than {plan.buffer_px} "
        f"pixels from every training pixel ({_why_so_far(plan)}).",
        "Control: the same arm with its sentences exchanged among the classes, no class keeping its own; another "
        "exchange for every seed." if any(arm.control_of for arm in c.arms) else "No shuffled-words control was run.",
        "Differences are taken seed by seed. 95 % interval: bootstrap over seeds with expanded percentiles, Student's "
        "t below 7 seeds. Classes that hold: paired t tests under a false-discovery rate of 5 % over all classes.",
        *c.notes,
    )  # fmt: skip


def arms(c: Comparison) -> tuple[str, ...]:
    """Method, changed parameters and words of each arm."""
    out = []
    for arm in c.plan.arms:
        changed = ", ".join(f"{key} = {value}" for key, value in arm.params.items()) or "the method's defaults"
        found = c.arm(arm.name)
        words = f"; words: {arm.words}" if found is not None and found.words else ""
        out.append(f"{arm.name}: {arm.method}, {changed}{words}.")
        if words:
            out.extend(f"{arm.name}, {name}: {' '.join(said)}" for name, said in arm.sentences.items())
    return tuple(out)


def markdown(c: Comparison) -> str:
    lines = [f"# {_md(title_of(c))}", "", f"**{_md(c.headline)}**", ""]
    for block in _told(c):
        lines += [f"## {block.title}", ""]
        for words in block.words:
            lines += [_md_block(words), ""]
        for title, table in block.tables:
            if title:
                lines += [f"### {_md(title)}", ""]
            lines += [_row(table.head), "|" + "---|" * len(table.head), *map(_row, table.body), ""]
        if block.bullets:
            lines += [*(f"- {_md(text)}" for text in block.bullets), ""]
    return "\n".join(lines)


def joined(title: str, comparisons: Sequence[Comparison]) -> str:
    """Several comparisons in one Markdown text: their sentences first, then each in full."""
    lines = [f"# {_md(title)}", ""]
    lines += [f"- **{_md(title_of(c))}**: {_md(c.headline)}" for c in comparisons]
    for c in comparisons:
        lines += ["", re.sub(r"^(#+ )", r"#\1", markdown(c), flags=re.M).rstrip()]
    return "\n".join(lines) + "\n"


def page(c: Comparison) -> str:
    """One HTML page with its style inside."""
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    parts = [f"<h1>{_h(title_of(c))}</h1>", f'<p class="headline">{_h(c.headline)}</p>']
    for block in _told(c):
        parts.append(f"<h2>{_h(block.title)}</h2>")
        parts += [f"<p>{_h(words)}</p>" for words in block.words]
        for title, table in block.tables:
            if title:
                parts.append(f"<h3>{_h(title)}</h3>")
            head = "".join(f"<th>{_h(text)}</th>" for text in table.head)
            body = "".join(f"<tr>{''.join(f'<td>{_h(text)}</td>' for text in row)}</tr>" for row in table.body)
            parts.append(
                f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
            )
        if block.bullets:
            parts.append(f"<ul>{''.join(f'<li>{_h(text)}</li>' for text in block.bullets)}</ul>")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_h(title_of(c))}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def plus_minus(found: Spread | None) -> str:
    if found is None:
        return "–"
    return f"{found.mean:.1f} ± {found.std:.1f}" if len(found.values) > 1 else f"{found.mean:.1f}"


def points(found: Gap | None) -> str:
    """ "+1.8 [0.6, 3.1]"."""
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return signed(found.value)
    return f"{signed(found.value)} [{plain(found.low)}, {plain(found.high)}]"


def seeds_needed(found: Gap | None) -> str:
    if found is None or not told_needed(found):
        return "–"
    return "more than 1,000" if found.needed is None else f"about {max(found.needed, found.n + 1):,}"


def _told(c: Comparison) -> list[Block]:
    return [b for b in blocks(c) if b.words or b.tables or b.bullets]


def _three(a: ArmResult, protocol: str) -> tuple[Spread | None, ...]:
    found = a.figures[protocol]
    return found.oa, found.aa, found.kappa


def _cost(a: ArmResult) -> str:
    return f"{a.fit_s + a.map_s:.1f}"


def _difference_words(c: Comparison) -> tuple[str, ...]:
    if not c.differences:
        return ()
    return (
        "Percent points [95 % interval], paired by seed. Seeds needed: to show a difference this large (where the "
        "interval covers 0). Would have shown: the smallest difference that this many seeds find 80 times in 100.",
    )


def _control_words(c: Comparison) -> tuple[str, ...]:
    if not c.controls:
        return ()
    return ("Shuffled words − right words: what is lost (negative) is what the words' meaning was worth.",)


def _class_words(c: Comparison) -> tuple[str, ...]:
    if not c.differences:
        return ()
    return ("F1 in percent points [95 % interval of each class on its own].",)


def _accuracy_words(c: Comparison) -> str:
    if len(c.seeds) == 1:
        return "Percent, κ × 100, of one seed."
    return f"Percent, κ × 100: mean ± standard deviation over {counted(len(c.seeds), 'seed')}."


def _listed_seeds(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} … {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _blocks(found: Disagreement) -> str:
    return "–" if found.p_blocks is None else f"{_p(found.p_blocks)} ({found.blocks})"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_md(cell) for cell in cells) + " |"


def _md(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(text.split()))


def _md_block(text: str) -> str:
    """The same at the beginning of a line: no heading, no list."""
    return re.sub(r"^(\d+)\.(?=\s)", r"\1\\.", re.sub(r"^([#+-])", r"\\\1", _md(text)))


def _h(text: str) -> str:
    return html.escape(text, quote=True)


def _why_so_far(plan: ComparisonPlan) -> str:
    """Whether the buffer is as wide as the windows that are compared. Of a method that is gone nothing is known."""
    known = methods().entries
    side = max((largest_window(arm) for arm in plan.arms if arm.method in known), default=1)
    if plan.buffer_px >= side // 2:
        return f"the largest window here is {side} × {side}: no test pixel's window holds a shot"
    return f"the largest window here is {side} × {side}: windows of some test pixels hold a shot"
