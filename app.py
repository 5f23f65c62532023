"""HSI Studio in the browser: `python app.py`, or `python app.py --help`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Few-shot class maps of hyperspectral scenes, in the browser.")
    parser.add_argument("--scene", default="indian_pines", help="what opens first: a catalogue id or a file")
    parser.add_argument("--data", type=Path, help="folder the app may open files from (default: your home folder)")
    parser.add_argument("--home", type=Path, help="where projects are kept (default: ~/.hsi_studio)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument("--auth", metavar="USER:PASSWORD", help="ask for a name and password")
    parser.add_argument("--auth-file", type=Path, metavar="FILE", help="several users: lines of `hsi_studio password`")
    parser.add_argument("--per-session", action="store_true", help="each browser has its own projects, without a name")
    parser.add_argument("--max-jobs", type=int, metavar="N", help="trainings an owner may have waiting or running")
    parser.add_argument("--max-disk-gb", type=float, metavar="GB", help="what an owner's folder may hold")
    parser.add_argument("--max-scene-mpx", type=float, metavar="MPX", help="million pixels a scene may have")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name users reach it by")
    parser.add_argument(
        "--llm-url", metavar="URL", help="OpenAI-compatible server (or HSI_STUDIO_LLM_URL); key: see README"
    )
    parser.add_argument("--llm-model", metavar="NAME", help="its model, or a folder (or HSI_STUDIO_LLM_MODEL)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")

    from hsi_studio.errors import StudioError
    from hsi_studio.studio.facade import Studio
    from hsi_studio.text.llm.factory import writer

    if sum(map(bool, (args.auth, args.auth_file, args.per_session))) > 1:
        parser.error("choose one of --auth, --auth-file and --per-session")
    try:
        for name in ("max_jobs", "max_disk_gb", "max_scene_mpx"):
            if getattr(args, name) is not None:
                os.environ[f"HSI_STUDIO_{name.upper()}"] = str(getattr(args, name))
        from hsi_studio.ui.app import build
        from hsi_studio.ui.server.owners import owners_of
        from hsi_studio.users import Users

        users = Users.of_pair(args.auth) if args.auth else Users.of_file(args.auth_file) if args.auth_file else None
        several = users is not None or args.per_session
        drafts = writer(url=args.llm_url or "", model=args.llm_model or "")
        if several:
            studio = owners_of(args.home, args.data, lambda one: setattr(one.prompts.drafts, "writer", drafts))
        else:
            studio = Studio(home=args.home, data_root=args.data)
            studio.prompts.drafts.writer = drafts
        build(studio, args.scene).launch(
            host=args.host,
            port=args.port,
            users=users,
            hosts=tuple(args.allow_host),
            open_browser=not args.no_browser,
            per_session=args.per_session,
        )
    except StudioError as error:
        logging.getLogger("hsi_studio").error("error: %s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
