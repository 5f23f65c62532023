"""Sentences that come up in a corner of the page for a moment. Always text: a name of a file or a class is no markup.

Gradio 6.31 puts a toast's text into the page as HTML (after taking scripts out), so that a class called `<h1>corn</h1>`
became a heading. Here everything is escaped first. To be used in place of `gr.Info`, `gr.Warning` and `gr.Error`.
"""

from __future__ import annotations

import html
import logging

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.ui.server.fair import BUSY, Busy

log = logging.getLogger(__name__)


def tell(text: str) -> None:
    """What was done."""
    gr.Info(html.escape(text, quote=False))


def warn(text: object) -> None:
    """What was not, and why; an error is told by its sentence."""
    gr.Warning(html.escape(str(text), quote=False))


def told(error: Exception) -> Exception:
    """What the page shows of an error that a handler let through: the sentence of a typed one; of any other its kind
    only, since its text may hold folders of the server, and the log has the rest."""
    made: Exception = error
    if isinstance(error, gr.Error):
        return made
    if isinstance(error, Busy):
        text = BUSY
    elif isinstance(error, StudioError):
        text = str(error)
    else:
        log.error("a handler of the page failed", exc_info=error)
        text = f"This did not work ({type(error).__name__}). The server's log has the details; try again."
    made = gr.Error(html.escape(text, quote=False), print_exception=False)
    return made
