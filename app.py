"""HSI Studio in the browser: `python app.py`, or `python app.py --help`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Few-shot class maps of hyperspectral scenes, in the browser.")
    parser.add_argument("--scene", default="indian_pines", help="what opens first: a catalogue id or a file")
    parser.add_argument("--data", type=Path, help="folder the app may open files from (default: your home folder)")
    parser.add_argument("--home", type=Path, help="where projects are kept (default: ~/.hsi_studio)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument("--auth", metavar="USER:PASSWORD", help="ask for a name and password; needed with --host")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name users reach it by")
    parser.add_argument(
        "--llm-url", metavar="URL", help="OpenAI-compatible server (or HSI_STUDIO_LLM_URL); key: see README"
    )
    parser.add_argument("--llm-model", metavar="NAME", help="its model, or a folder (or HSI_STUDIO_LLM_MODEL)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")

    from hsi_studio.errors import StudioError
    from hsi_studio.studio import Studio
    from hsi_studio.text.llm import writer

    user, colon, password = (args.auth or "").partition(":")
    if args.auth and not (user and colon and password):
        parser.error("--auth needs USER:PASSWORD")
    try:
        studio = Studio(home=args.home, data_root=args.data)
        studio.prompts.drafts.writer = writer(url=args.llm_url or "", model=args.llm_model or "")
        from hsi_studio.ui.app import build

        build(studio, args.scene).launch(
            host=args.host,
            port=args.port,
            auth=(user, password) if args.auth else None,
            hosts=tuple(args.allow_host),
            open_browser=not args.no_browser,
        )
    except StudioError as error:
        logging.getLogger("hsi_studio").error("error: %s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
