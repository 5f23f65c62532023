"""What goes wrong in a request, told to whoever asked: one place for the routes, one for the page's verbs.

Nothing else has to catch what it cannot mend. A typed error becomes its sentence; one of a library becomes typed
(`hsi_studio/edges.py`); one that nobody foresaw becomes a sentence with a number, and a traceback under that number in
the log. Where a server has several owners, folders are cut from every sentence: they are nobody's business.

Unusual: Starlette takes a handler of `Exception` as that of status 500, raises the error again after it and so puts
every foreseen one into the log; so the handler is set for the families below `Exception`, and for it as the last.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from hsi_studio.edges import as_typed, names_only, sentence
from hsi_studio.errors import StudioError
from hsi_studio.files import json_text
from hsi_studio.ui.toasts import warn

log = logging.getLogger(__name__)

STRANGE = "This was not sent by the page as it is now, or names a file that was not uploaded: load the page again"
FAMILIES = (StudioError, OSError, ValueError, ArithmeticError, LookupError, TypeError, RuntimeError, MemoryError,
            AttributeError, AssertionError, EOFError, Exception)  # fmt: skip


def guard_routes(server: FastAPI, several: bool) -> None:
    """Set the handlers of an application's own routes. `several`: owners, who see names of files only."""

    async def failed(_: Request, error: Exception) -> Response:
        return told(400 if as_typed(error) is not None else 500, sentence(error), several)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return told(error.status_code, str(error.detail), several, error.headers)

    async def misread(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]  # without what was sent: it may be anything, and as long as anything
        where = ".".join(str(part) for part in first["loc"])[:80]
        return told(422, f"This request makes no sense: {where}: {first['msg']}.", several)

    for family in FAMILIES:
        server.add_exception_handler(family, failed)
    server.add_exception_handler(HTTPException, refused)
    server.add_exception_handler(RequestValidationError, misread)


def told(status: int, words: str, several: bool, headers: Any = None) -> Response:
    """{"detail": words}, as FastAPI answers; half characters, which UTF-8 cannot hold, become "?"."""
    body = json_text({"detail": names_only(words) if several else words})
    return Response(body, status, headers, media_type="application/json")


def guard_verbs(blocks: gr.Blocks, several: bool) -> None:
    """Have every verb of the page end in a toast and a page as it was, whatever is raised in it; and whatever is raised
    before it, by values that the page would not send, in a sentence."""
    for made in blocks.fns.values():
        if made.fn is not None:
            public = made.api_visibility == "public"
            made.fn = _refusing(made.fn, several) if public else _toasting(made.fn, len(made.outputs), several)
    take, within = blocks.preprocess_data, blocks.process_api

    async def preprocess_data(*given: Any, **options: Any) -> Any:
        try:
            return await take(*given, **options)
        except gr.Error as error:  # it repeats what was sent
            raise gr.Error(f"{STRANGE} ({error.message[:200]}).", print_exception=False) from error
        except Exception as error:  # Gradio's components raise any; what they said may quote any path
            log.warning("values that no page sends: %s", type(error).__name__)
            raise gr.Error(f"{STRANGE} ({type(error).__name__}).", print_exception=False) from error

    async def process_api(*given: Any, **options: Any) -> Any:
        try:
            return await within(*given, **options)
        except gr.Error:
            raise
        except Exception as error:
            words = names_only(sentence(error)) if several else sentence(error)
            raise gr.Error(words, print_exception=False) from error

    blocks.preprocess_data = preprocess_data
    blocks.process_api = process_api


def _refusing(verb: Callable[..., Any], several: bool) -> Callable[..., Any]:
    """The verb of another program, which is told what went wrong by an error: it sees no toast."""

    @functools.wraps(verb)
    def guarded(*given: Any, **options: Any) -> Any:
        try:
            return verb(*given, **options)
        except Exception as error:
            words = sentence(error)
            raise gr.Error(names_only(words) if several else words, print_exception=False) from error

    return guarded


def _toasting(verb: Callable[..., Any], outputs: int, several: bool) -> Callable[..., Any]:
    """The verb, which on an error warns and leaves its outputs as they are."""
    if inspect.iscoroutinefunction(verb):
        raise TypeError(f"{verb} is a coroutine: {__name__} has to learn how to guard it")

    def toast(error: Exception) -> Any:
        words = sentence(error)
        warn(names_only(words) if several else words)
        return None if outputs == 0 else gr.skip() if outputs == 1 else tuple(gr.skip() for _ in range(outputs))

    @functools.wraps(verb)
    def guarded(*given: Any, **options: Any) -> Any:
        try:
            return verb(*given, **options)
        except gr.Error:
            raise
        except Exception as error:
            return toast(error)

    @functools.wraps(verb)
    def guarded_steps(*given: Any, **options: Any) -> Iterator[Any]:
        try:
            yield from verb(*given, **options)
        except gr.Error:
            raise
        except Exception as error:
            yield toast(error)

    return guarded_steps if inspect.isgeneratorfunction(verb) else guarded
