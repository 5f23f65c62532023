"""Start the page: what `hsi-studio` does without a command, and `python app.py`.

Gradio and the studio are imported only after the arguments are understood: `--help` and a mistyped option answer at
once. Quotas and the language model given here win over the environment's (`settings.py`).
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

from threadpoolctl import threadpool_limits

from hsi_studio import settings
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.outgoing import Policy, without_network

log = logging.getLogger("hsi_studio")

LIBRARIES = ("matplotlib", "scipy.linalg", "sklearn.covariance")


def parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The options of the page's server. `prog`: default the file that Python runs."""
    made = argparse.ArgumentParser(
        prog=prog, description="Few-shot class maps of hyperspectral scenes, in the browser."
    )
    add = made.add_argument
    add("--scene", default="indian_pines", help="what opens first: a catalogue id or a file")
    add("--choose", action="store_true", help="open nothing first: the page offers scenes, projects, a drop area")
    add("--data", type=Path, help="folder the app may open files from (default: your home folder)")
    add("--home", type=Path, help="where projects are kept (default: ~/.hsi_studio)")
    add("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    add("--port", type=int, help="default: the first free one from 7860")
    add("--auth", metavar="USER:PASSWORD", help="ask for a name and password")
    add("--auth-file", type=Path, metavar="FILE", help="several users: lines of `hsi-studio password NAME`")
    add("--per-session", action="store_true", help="each browser has its own projects, without a name")
    add("--max-jobs", type=int, metavar="N", help="trainings an owner may have waiting or running")
    add("--max-disk-gb", type=float, metavar="GB", help="what an owner's folder may hold")
    add("--max-scene-mpx", type=float, metavar="MPX", help="million pixels a scene may have")
    add("--max-upload-gb", type=float, metavar="GB", help="what one upload may have (default: 4)")
    add("--operator", action="append", default=[], metavar="NAME", help="a user who may see /hsi/operator and /metrics")
    add("--allow-host", action="append", default=[], metavar="NAME", help="a name users reach it by")
    add("--llm-url", metavar="URL", help=f"OpenAI-compatible server (or {settings.LLM_URL.name}); key: see README")
    add("--llm-model", metavar="NAME", help=f"its model, or a folder (or {settings.LLM_MODEL.name})")
    add("--trust-local", action="store_true", help="read files without a process of their own: only your own files")
    add("--demo", action="store_true", help="a walk for a room: scene, words, clicks, comparison; → goes on")
    add("--no-browser", action="store_true", help="do not open a browser window")
    return made


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Serve until it is stopped; returns the exit code: 2 for what the user can mend, 130 for Ctrl-C."""
    reader = parser(prog)
    args = reader.parse_args(argv)
    if sum(map(bool, (args.auth, args.auth_file, args.per_session))) > 1:
        reader.error("choose one of --auth, --auth-file and --per-session")
    if args.demo and (args.auth or args.auth_file or args.per_session):
        reader.error("--demo shows one walk to one room: leave --auth, --auth-file and --per-session away")
    if args.operator and not (args.auth or args.auth_file):
        reader.error("--operator names a user: add --auth or --auth-file")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("rasterio._env").addFilter(lambda record: "to unload from GDAL_SKIP" not in record.getMessage())
    without_network()
    try:
        _check(args)
        _tell_readers(args)
        with (
            tempfile.TemporaryDirectory(prefix="hsi-demo-") if args.demo and not args.home else nullcontext() as folder
        ):
            args.home = Path(folder) if folder else args.home  # a demonstration leaves the projects of its owner alone
            _serve(args)
    except StudioError as error:
        log.error("error: %s", error)
        return 2
    except KeyboardInterrupt:
        log.warning("stopped")
        return 130
    return 0


def _check(args: argparse.Namespace) -> None:
    """What would be found out only when somebody needs it. Raises BadRequest."""
    from hsi_studio.ui.server.addresses import is_address

    settings.check()
    Policy.of_environment()
    if args.home:
        args.home = settings.folder_of(str(args.home), "--home")
        settings.check_folder(args.home, "--home")
    if args.data:
        args.data = settings.folder_of(str(args.data), "--data")
        if not args.data.is_dir():
            raise BadRequest(f"--data names {args.data}, which is no folder: give one that is there.")
    if wrong := next((name for name in args.allow_host if not is_address(name)), None):
        raise BadRequest(f"--allow-host {wrong}: give a name such as maps.example.org or maps.example.org:8443.")
    if args.max_upload_gb is not None and not 0 < args.max_upload_gb <= settings.MOST:
        raise BadRequest(f"--max-upload-gb {args.max_upload_gb:g}: give a number above 0, or leave it away for 4.")


def _tell_readers(args: argparse.Namespace) -> None:
    """In the environment, where the processes of trainings find it, too; drivers before GDAL is loaded."""
    from hsi_studio.scene.formats import gdal_safety
    from hsi_studio.scene.room import start

    gdal_safety.quieten(os.environ)
    if args.home and not settings.READER_FOLDER.text():
        os.environ[settings.READER_FOLDER.name] = str(args.home / "cache" / "opened")
    if args.trust_local:
        os.environ[settings.TRUST_LOCAL.name] = "1"
    elif not settings.TRUST_LOCAL.yes():
        start.warm()  # the libraries load while the page is built


def _serve(args: argparse.Namespace) -> None:
    from hsi_studio.users import Users

    users = Users.of_pair(args.auth) if args.auth else Users.of_file(args.auth_file) if args.auth_file else None
    if unknown := [name for name in args.operator if users is None or name not in users.names]:
        raise BadRequest(
            f"--operator {unknown[0]}: there is no such user. Users are: {', '.join(users.names if users else [])}."
        )

    from hsi_studio.studio.facade import Studio
    from hsi_studio.studio.quotas import Quotas
    from hsi_studio.text.llm.factory import writer
    from hsi_studio.ui.app import build
    from hsi_studio.ui.server.owners import Owners, owners_of

    quotas = Quotas.of_environment(args.max_jobs, args.max_disk_gb, args.max_scene_mpx)
    drafts = writer(url=args.llm_url or "", model=args.llm_model or "")
    served: Studio | Owners
    if users is not None or args.per_session:
        served = owners_of(args.home, args.data, lambda one: setattr(one.prompts.drafts, "writer", drafts), quotas)
    else:
        served = Studio(args.home, args.data, quotas=quotas)
        served.prompts.drafts.writer = drafts
    page = build(served, "" if args.choose else args.scene)
    opens = ""
    if args.demo and isinstance(served, Studio):
        from hsi_studio.ui import walk

        made = walk.Walk(served)
        log.warning("Making the map from words …")
        made.prepare()
        page.routes += (walk.router(made),)
        opens = f"/?project={made.project}&walk=0"
    load_libraries()
    one_thread_a_product()
    page.launch(
        host=args.host,
        port=args.port,
        users=users,
        hosts=tuple(args.allow_host),
        open_browser=not args.no_browser,
        per_session=args.per_session,
        operators=tuple(args.operator),
        max_upload_gb=args.max_upload_gb,
        opens=opens,
    )


def load_libraries() -> None:
    """What Gradio's first event and a project's first map would load while somebody waits for the page, a second of
    Python each. Scipy brings a second OpenBLAS."""
    for name in LIBRARIES:
        importlib.import_module(name)


def one_thread_a_product() -> None:
    """From now on a matrix product of numpy or scipy in this process takes one thread, that of whoever asked for it.

    OpenBLAS' threads wait for each other actively: on two cores a click of one user takes 28 ms with two threads and 23
    to 39 ms with one, but when four click at once 700 ms with two and 100 with one. Processes of trainings, and
    torch, have their own settings. Libraries loaded later are not limited, so all of the program is loaded before.
    """
    threadpool_limits(1, user_api="blas")
