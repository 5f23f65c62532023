"""What the operator's page and the metrics tell of a server with one owner or several."""

from __future__ import annotations

from hsi_studio.humanize import ago, size_text
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.plugins import protections
from hsi_studio.studio.shared_server import size_of
from hsi_studio.studio.uploads import waiting_room
from hsi_studio.ui.server.connections import Idle
from hsi_studio.ui.server.fair import Budget
from hsi_studio.ui.server.logins import Logins
from hsi_studio.ui.server.operator_page import Overview, Table, size
from hsi_studio.ui.server.owners import NOBODY, Owners
from hsi_studio.ui.server.process_facts import process_facts
from hsi_studio.ui.server.watch import Gauges


class Facts:
    """Collects figures when they are asked for. Used from threads."""

    def __init__(self, served: Owners | Studio, budget: Budget, logins: Logins | None, idle: Idle) -> None:
        self.served, self.budget, self.logins, self.idle = served, budget, logins, idle
        self.server = served.server if isinstance(served, Owners) else served.workspace.server

    def gauges(self) -> Gauges:
        """Nothing that walks through folders: a scraper asks every few seconds."""
        now, (scenes, scene_bytes) = process_facts(), self.server.scenes.count()
        present = self.served.present() if isinstance(self.served, Owners) else {"": 0.0}
        found: Gauges = {
            "memory_bytes": ("Resident memory of the server's process", now.memory),
            "open_files": ("File descriptors, sockets among them", now.files),
            "threads": ("Threads of the server's process", now.threads),
            "child_processes": ("Workers of trainings and readers of files", now.children),
            "open_scenes": ("Scenes in memory", scenes),
            "open_scene_bytes": ("Bytes they take", scene_bytes),
            "owners_present": ("Owners whose studio is in memory", len(present)),
            "jobs": ("Trainings that wait or run", sum(self.server.queue.load().values())),
            "models_loaded": ("Models in memory", len(self.server.manager.loaded())),
            "busy_refusals_total": ("Requests refused because their owner had too many under way", self.budget.refused),
            "idle_connections": ("Connections without a request at work", len(self.idle)),
            "idle_closed_total": ("Connections closed for being silent or slow", self.idle.closed),
        }
        if self.logins is not None:
            found["sessions"] = ("Signed-in browsers", sum(self.logins.sessions.count().values()))
            found["wrong_passwords_total"] = ("Wrong names or passwords", self.logins.attempts.wrong)
        return found

    def overview(self) -> Overview:
        """With the size of every owner's folder, which takes a while on a large disk."""
        now = process_facts()
        process = [
            ("Memory", size(now.memory)),
            ("Open files and sockets", str(now.files)),
            ("Threads", str(now.threads)),
            ("Child processes", str(now.children)),
            ("Open scenes", f"{self.server.scenes.count()[0]}, {size_text(self.server.scenes.count()[1])}"),
            ("Cache on disk", size_text(size_of(self.server.cache_folder))),
            ("Uploads that wait", size_text(size_of(waiting_room()))),
        ]
        jobs = [(slot, str(count)) for slot, count in sorted(self.server.queue.load().items()) if count]
        models = [
            (key, placement.device, size_text(taken), "in use" if used else "idle")
            for key, (placement, taken, used) in sorted(self.server.manager.loaded().items())
        ]
        walls = [(what, "yes" if holds else "no", away) for what, holds, away in protections()]
        tables = [
            Table("Users", ("User", "Projects", "Disk", "Sessions", "Last seen"), self._users(), "Nobody yet."),
            Table("Jobs", ("Device", "Waiting or running"), jobs, "No training waits or runs."),
            Table("Models in memory", ("Model", "Device", "Memory", "State"), models),
            Table("This process", ("", ""), process),
            Table("Rooms that files are read in", ("What", "Holds here", "Keeps away"), walls),
        ]
        return Overview(tables)

    def _users(self) -> list[tuple[str, ...]]:
        if isinstance(self.served, Studio):
            home = self.served.home
            return [("you", str(len(self.served.projects())), size_text(size_of(home)), "", "just now")]
        folder, seen = self.served.home / "users", self.served.present()
        sessions = self.logins.sessions.count() if self.logins is not None else {}
        found = list[tuple[str, ...]]()
        for home in sorted(folder.iterdir()) if folder.is_dir() else []:
            if home.name == NOBODY or not home.is_dir():
                continue
            projects = sum(1 for _ in (home / "projects").glob("*/project.json"))
            last = ago(seen[home.name]) if home.name in seen else "not since the start, or long ago"
            found.append((home.name, str(projects), size_text(size_of(home)), str(sessions.get(home.name, 0)), last))
        return found
