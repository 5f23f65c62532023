"""For whoever runs the server: users, disk, jobs, memory, log; and the same as figures for Prometheus.

    GET /hsi/operator     a page without scripts; load it again for newer figures
    GET /metrics          Prometheus' text format (HTTP Basic with an operator's name works for the scraper)
    GET /healthz          "ok", for everybody; answered by the guard, before any name is asked for

The guard says in a header who is an operator (`--operator NAME`; alone on this machine, whoever opens the page). To
everybody else these addresses do not exist. Nothing here changes anything, and no label, text or file name of a user is
shown: user names, numbers, and the server's own log.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from hsi_studio.humanize import size_text
from hsi_studio.ui.server.owners import OPERATOR
from hsi_studio.ui.server.watch import Watch

STYLE = """:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif}
body{max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;font-weight:400}h2{font-size:1.05rem;margin:2rem 0 .4rem}.wide{overflow-x:auto}
table{border-collapse:collapse;min-width:28rem}
th,td{text-align:left;padding:.25rem 1.2rem .25rem 0;border-bottom:1px solid #8a94a355}
td:not(:first-child),th:not(:first-child){text-align:right;font-variant-numeric:tabular-nums}
pre{overflow-x:auto;background:#8a94a322;padding:.8rem;border-radius:4px;font-size:13px;max-height:30rem}p{color:#5b6675}
@media(prefers-color-scheme:dark){p{color:#a8b3c2}}"""


@dataclass(frozen=True)
class Table:
    """One part of the page. Cells are texts, already in the reader's units."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str = "None."


@dataclass(frozen=True)
class Overview:
    """What the page shows, but for the log."""

    tables: Sequence[Table] = field(default_factory=list)


def router(look: Callable[[], Overview], watch: Watch) -> APIRouter:
    """The routes. `look` collects the tables; it may take as long as counting the files of all owners."""

    def only_operators(request: Request) -> None:
        if request.headers.get(OPERATOR) != "1":
            raise HTTPException(404, "There is no such page.")

    api = APIRouter(dependencies=[Depends(only_operators)], include_in_schema=False)

    @api.get("/hsi/operator")
    def page() -> Response:
        return Response(rendered(look(), watch), media_type="text/html", headers={"Cache-Control": "no-store"})

    @api.get("/metrics")
    def metrics() -> Response:
        return Response(
            watch.text(), media_type="text/plain; version=0.0.4; charset=utf-8", headers={"Cache-Control": "no-store"}
        )

    return api


def rendered(overview: Overview, watch: Watch) -> str:
    """The whole page; every text is escaped."""
    since = time.strftime("%d %b %Y, %H:%M", time.localtime(watch.began))
    parts = [_table(table) for table in overview.tables]
    lines = "\n".join(html.escape(line) for line in reversed(watch.log.lines))
    log = f"<pre>{lines}</pre>" if lines else "<p>No warning since the start.</p>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Operator · HSI Studio</title><style>{STYLE}</style><h1><b>HSI</b> Studio: this server</h1>"
        f"<p>Since {since}. Load the page again for newer figures; the same for Prometheus at /metrics.</p>"
        f"{''.join(parts)}<h2>Log</h2><p>Warnings and errors, newest first.</p>{log}</html>"
    )


def _table(table: Table) -> str:
    title = f"<h2>{html.escape(table.title)}</h2>"
    if not table.rows:
        return f"{title}<p>{html.escape(table.empty)}</p>"
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f'{title}<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def size(number: float) -> str:
    """Bytes for people; "not known" below 0."""
    return size_text(number) if number >= 0 else "not known"
