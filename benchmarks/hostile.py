"""Neighbours: eight people label and train while a ninth sends hostile requests; and what visitors leave behind.

    python -m benchmarks.hostile --sessions 8 --minutes 10      over HTTP, a server of its own
    python -m benchmarks.hostile --gone                         60 scenes, 200 exports, 100 visitors, in this process

The first part starts `app.py --auth-file` on the demo scene with an empty home. Each of the eight signs in, has a
project of its own, queues a training, and clicks every `--every` seconds by the routes of the page (`/hsi/acts`, then
`/hsi/follow`). The ninth does all of `ATTACKS` in turn the whole time, from threads: bodies of 190 MB, uploads without
end, 300 silent connections, heads that drip, wrong passwords, foreign pages, others' ids and files, JSON that is none,
floods of Gradio's queue. Told: the time of a click (request to answer, 95th percentile), refusals and errors of the
eight, and what the server's process holds each minute: memory, file descriptors, threads, children, waiting files.

The second part tells the same of this process, before, after and at each sixth of it.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gc
import http.client
import itertools
import json
import os
import random
import re
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.common import machine, make_parser, quantile
from hsi_studio import settings
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.ui.server.janitor import give_back_memory
from hsi_studio.ui.server.owners import Owners
from hsi_studio.ui.server.process_facts import process_facts
from hsi_studio.users import hashed
from tests.e2e.running import RunningApp

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
EVIL = "mallory"


class Person:
    """One of the eight: a signed-in browser, by its requests."""

    def __init__(self, url: str, name: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60, headers={"origin": url}, follow_redirects=True)
        self.client.post("/hsi/login", data={"name": name, "password": name}).raise_for_status()
        self.session, self.name = f"page-{name}", name
        self.config = self.client.get("/config").raise_for_status().json()
        self.ms: list[float] = []
        self.taken = 0
        self.not_taken: Counter[str] = Counter()  # why: a pixel without data, for one
        self.refused: list[str] = []
        self.project = str(self.event("load", [])[0])
        shown = json.loads(self.client.get(f"/hsi/follow/{self.project}").json()["show"]["hsi-classes"])
        self.classes = [str(one["id"]) for one in shown["classes"][:3]]

    def event(self, kind: str, data: list[Any], told: Any = None) -> list[Any]:
        """The outputs of the first handler of this kind of event, which is not queued or soon done."""
        found = next(fn for fn in self.config["dependencies"] if any(t[1] == kind for t in fn["targets"]))
        body = {"data": data, "fn_index": found["id"], "session_hash": self.session, "event_data": told}
        if not found["queue"]:
            answer = self.client.post("/gradio_api/run/predict", json=body)
            return list(answer.raise_for_status().json()["data"])
        self.client.post("/gradio_api/queue/join", json=body).raise_for_status()
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                said = json.loads(line[5:]) if line.startswith("data:") else {}
                if said.get("msg") == "process_completed":
                    return list(said["output"]["data"])
        raise RuntimeError("the queue gave no answer")

    def train(self) -> None:
        """By the Train tab's own event."""
        wanted = {"method": "forest", "params": "{}", "prompts": "", "seed": 0}
        self.event("start", [self.project], wanted)

    def click(self, pixel: tuple[int, int], number: int) -> None:
        act = {"do": "pick", "row": pixel[0], "col": pixel[1], "class_id": self.classes[number % 3], "n": number}
        began = time.perf_counter()
        try:
            answer = self.client.post(f"/hsi/acts/{self.project}", json={"acts": [act]})
            if answer.status_code != 200:
                self.refused.append(f"{self.name}: {answer.status_code} {answer.text[:200]}")
            self.ms.append(1000 * (time.perf_counter() - began))
            refused = json.loads(answer.json()["show"]["hsi-viewer"])["refused"]
            self.taken += not refused
            if refused:
                self.not_taken[re.sub(r"\d+", "n", str(refused))[:160]] += 1
            self.client.get(f"/hsi/follow/{self.project}")
        except httpx.HTTPError as error:
            self.refused.append(f"{self.name}: {error!r}")


# ── the ninth ───────────────────────────────────────────────────────────────────────────────────


def raw(port: int, data: bytes, wait: float = 0.3) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.settimeout(wait)
        with contextlib.suppress(OSError):
            sock.sendall(data)
        with contextlib.suppress(OSError):
            return sock.recv(200)
    return b""


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def hostile(port: int, ids: list[str], stop: threading.Event, told: Counter[str]) -> None:
    """All attacks in turn until `stop`; `told` counts the answers by kind."""
    rng, me = random.Random(0), basic(EVIL, EVIL)
    silent: list[socket.socket] = []

    def ask(method: str, path: str, body: Any = None, **headers: str) -> int:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            link.request(method, path, body, {"Authorization": me, **headers})
            return link.getresponse().status
        finally:
            link.close()

    def head(path: str, size: str) -> bytes:
        told = f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: {me}\r\n{size}\r\n\r\n"
        return told.encode()

    def large() -> int:
        return len(raw(port, head("/hsi/acts/p", "Content-Length: 190000000") + b"x" * 200_000))

    def endless() -> int:
        begin = head("/gradio_api/queue/join", "Transfer-Encoding: chunked")
        return len(raw(port, begin + b"ffff\r\n" + b"x" * 65_535 + b"\r\n"))

    def quiet() -> int:
        for old in silent:
            old.close()
        silent.clear()
        silent.extend(socket.create_connection(("127.0.0.1", port), 5) for _ in range(300))
        return len(silent)

    def drip() -> int:
        return len(raw(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * rng.randrange(50_000)))

    def event() -> int:
        body = {"data": [rng.choice(ids)] * 3, "fn_index": rng.randrange(90), "session_hash": f"x{rng.random()}"}
        return ask("POST", "/gradio_api/queue/join", json.dumps(body), **{"Content-Type": "application/json"})

    attacks: dict[str, Callable[[], int]] = {
        "large": large, "endless": endless, "quiet": quiet, "drip": drip, "event": event,
        "password": lambda: ask("GET", "/", Authorization=basic("ana", f"{rng.random()}")),
        "foreign": lambda: ask("POST", f"/hsi/acts/{rng.choice(ids)}", "{}", Origin="http://localhost:1"),
        "other": lambda: ask("GET", f"/hsi/map/{rng.choice(ids)}/0.bin"),
        "write": lambda: ask("POST", f"/hsi/acts/{rng.choice(ids)}", '{"acts": [{"do": "undo"}]}'),
        "path": lambda: ask("GET", f"/gradio_api/file=/etc/passwd{'/../..' * rng.randrange(5)}"),
        "nonsense": lambda: ask("POST", "/hsi/acts/p", rng.randbytes(rng.randrange(2000))),
        "upload": lambda: ask("POST", "/gradio_api/upload", rng.randbytes(200_000), **FORM),
        "tile": lambda: ask("GET", f"/hsi/tile/{rng.choice(ids)}/true/0-{rng.random() * 1e300}/-12/3/0.png"),
    }  # fmt: skip
    for name in itertools.cycle(attacks):
        if stop.is_set():
            break
        try:
            told[f"{name} {attacks[name]()}"] += 1
        except (OSError, http.client.HTTPException) as error:
            told[f"{name} {type(error).__name__}"] += 1
    for old in silent:
        old.close()


def neighbours(args: argparse.Namespace) -> dict[str, Any]:
    names = [f"user{n}" for n in range(args.sessions)]
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file, waiting = Path(folder) / "users.txt", Path(folder) / "waiting"
        file.write_text("".join(f"{name}:{hashed(name)}\n" for name in [*names, "ana", EVIL]))
        os.environ["GRADIO_TEMP_DIR"] = str(waiting)
        with RunningApp(Path(folder) / "app", ["--auth-file", str(file), "--scene", "demo"]) as app:
            assert app.process is not None
            people = [Person(app.url, name) for name in names]
            for number, person in itertools.product(range(3), people):
                person.click((10 + 20 * number, 10), number)
            for person in people:
                person.train()
            stop, told = threading.Event(), Counter[str]()
            ids = [person.project for person in people] + ["p", "../../etc"]
            evil = [threading.Thread(target=hostile, args=(app.port, ids, stop, told)) for _ in range(args.hostile)]
            for thread in evil:
                thread.start()
            proc, held = Path(f"/proc/{app.process.pid}"), list[dict[str, int]]()
            until, number, looked = time.monotonic() + 60 * args.minutes, 0, 0.0
            while time.monotonic() < until:
                began = time.monotonic()
                for person in people:
                    person.click((int(rng.integers(90)), int(rng.integers(90))), number)
                number += 1
                if time.monotonic() - looked > 60 * args.minutes / 10:
                    looked = time.monotonic()
                    people[len(held) % len(people)].train()
                    held.append(holds(proc, waiting))
                time.sleep(max(0.0, args.every - (time.monotonic() - began)))
            journals = (Path(folder) / "app").glob("users/user*/projects/*/journal.jsonl")
            labels = sum(file.read_text().count('"row"') for file in journals)
            stop.set()
            for thread in evil:
                thread.join()
            held.append(holds(proc, waiting))
    ms = [value for person in people for value in person.ms]
    return {
        "clicks": len(ms), "taken": sum(p.taken for p in people), "in_the_journals": labels,
        "not_taken": dict(sum((p.not_taken for p in people), Counter())),
        "median_ms": round(quantile(ms, 0.5)), "p95_ms": round(quantile(ms, 0.95)),
        "most_ms": round(max(ms)), "refused_of_the_eight": [text for p in people for text in p.refused][:20],
        "held": held, "hostile": dict(told.most_common()), "machine": machine(),
    }  # fmt: skip


def holds(proc: Path, waiting: Path) -> dict[str, int]:
    now = process_facts(proc)
    threads = len(list((proc / "task").iterdir()))
    files = sum(1 for path in waiting.rglob("*") if path.is_file()) if waiting.is_dir() else 0
    return {"mb": now.memory >> 20, "files": now.files, "threads": threads, "children": now.children, "temp": files}


# ── what is left behind ─────────────────────────────────────────────────────────────────────────


def gone(args: argparse.Namespace) -> dict[str, Any]:
    """Scenes opened and closed, exports, visitors; the budgets are small and the clock is turned: it is quick."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, data = Path(folder) / "home", Path(folder) / "data"
        os.environ |= {
            settings.SCENE_MEMORY_GB.name: "0.25",
            settings.FEATURE_MEMORY_GB.name: "0.1",
            settings.CACHE_GB.name: "0.05",
        }
        data.mkdir()
        owners = Owners(home, data, SharedServer(home))
        turned = [0.0]
        owners.server.scenes._clock = lambda: time.monotonic() + turned[0]
        told: dict[str, Any] = {"before": holds(Path("/proc/self"), home)}
        told["scenes"] = each(args.scenes, lambda n: one_scene(owners, data, n, turned))
        studio = owners.studio("ana")
        project = studio.latest_project()
        assert project is not None
        print(json.dumps(told), file=sys.stderr)
        told["exports"] = each(args.exports, lambda n: studio.export(project.id, Path(folder) / "out"))
        print(json.dumps(told["exports"]), file=sys.stderr)
        told["visitors"] = each(args.visitors, lambda n: one_visitor(owners, n, turned))
        owners.close()
        gc.collect()
        told["after"], told["machine"] = holds(Path("/proc/self"), home), machine()
        return told


def each(count: int, do: Callable[[int], object]) -> list[dict[str, int]]:
    """What this process holds after each sixth of `count` times."""
    found = []
    for number in range(count):
        do(number)
        give_back_memory()  # as the janitor does
        if (number + 1) % max(1, count // 6) == 0:
            gc.collect()
            found.append(holds(Path("/proc/self"), Path("/nonexistent")))
    return found


def one_scene(owners: Owners, data: Path, number: int, turned: list[float]) -> None:
    """200 × 200 pixels, 100 bands, packed: 16 MB in memory."""
    rng = np.random.default_rng(number)
    cube = rng.normal(0.2, 0.05, (200, 200, 100)).astype(np.float32)
    cube[100:, :, 50:] += 0.3
    file = data / f"scene{number}.npz"
    np.savez_compressed(file, cube=cube)
    studio = owners.studio("ana")
    project = studio.new_project(file, axes="rows,cols,bands")  # of noise, its axes are a question
    for k, name in enumerate(("upper", "lower")):
        project.add_class(name)
        studio.label(project.id, 5 + 120 * k, 5, project.schema.classes[-1].id)
    status = studio.live(project.id).wait(project.revision, 600)
    assert status.prediction is not None, status
    turned[0] += 61
    owners.server.tidy()


def one_visitor(owners: Owners, number: int, turned: list[float]) -> None:
    studio = owners.studio(f"s-{number:040x}")
    project = studio.new_project("demo")
    valid = np.argwhere(studio.scene_of(project.id).valid)
    for k in range(2):
        row, col = (int(n) for n in valid[(k + 1) * len(valid) // 3])
        studio.label(project.id, row, col, project.schema.classes[k].id)
    studio.live(project.id).wait(project.revision, 120)
    turned[0] += 61
    for owner in owners._used:
        owners._used[owner] -= 61
    owners.tidy()
    owners.server.tidy()


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=3, help="seconds between clicks of a session")
    parser.add_argument("--hostile", type=int, default=2, help="threads of the ninth")
    parser.add_argument("--gone", action="store_true", help="the second part instead")
    for what, count in (("scenes", 60), ("exports", 200), ("visitors", 100)):
        parser.add_argument(f"--{what}", type=int, default=count)
    args = parser.parse_args(argv)
    told = gone(args) if args.gone else neighbours(args)
    print(json.dumps(told, indent=1, ensure_ascii=False))
    return 1 if told.get("refused_of_the_eight") else 0


if __name__ == "__main__":
    sys.exit(main())
