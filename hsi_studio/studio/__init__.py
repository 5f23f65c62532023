"""What `Studio` can do, by subject: `studio.runs`, `studio.models`, … One subject a file.

    facade.py                     the verbs, each handed on to a subject; the one place that puts the subjects together
    compare, queries, runs, …     subjects: classes that are given what they need, a `Workspace` first of all
    workspace.py                  one home folder, its scenes and projects
    shared_server.py, quotas.py   what the owners of several homes share, and how much each may use

Imports go down only: subjects know each other through what they are given, never through `Studio` itself.
"""

from __future__ import annotations


class Subject:
    """What hangs on a `Studio` under a name (`studio.models`), or on another subject (`studio.models.maps`).

    On a server with several users the page holds subjects by their name only, and looks them up for whoever asks
    (`ui/server/owners.py`). It knows them by this class: one that does not have it as a base would keep the first
    user's state for everybody.
    """
