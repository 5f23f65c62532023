"""Faults in the guard and in the queue of runs."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

SERVER: tuple[Mutation, ...] = (
    # ── guard ───────────────────────────────────────────────────────────────────────────────────
    Mutation(
        "guard-believes-the-client",
        "a request may say itself whose it is",
        "hsi_studio/ui/server/guard.py",
        'kept = [(key, value) for key, value in scope["headers"] if key.lower() not in {name for name, _ in own}]',
        'kept = list(scope["headers"])',
        "tests/ui/server/test_guard.py",
        ("test_no_client_can_say_whose_request_it_is",),
    ),
    Mutation(
        "guard-any-file",
        "files of others are served by their path",
        "hsi_studio/ui/server/guard.py",
        "if asked and self.may_read is not None",
        "if asked and self.may_read is None",
        "tests/ui/server/test_guard.py",
        ("test_a_file_of_another_owner_is_refused_however_it_is_asked_for",),
    ),
    Mutation(
        "guard-any-password",
        "every password of a known user is right",
        "hsi_studio/users.py",
        "return hmac.compare_digest(found, digest)",
        "return len(found) == len(digest)",
        "tests/ui/server/test_guard.py",
        ("test_a_password_is_asked_for_and_checked",),
    ),
    Mutation(
        "guard-cookie-readable",
        "scripts of a page can read the cookie that owns the projects",
        "hsi_studio/ui/server/guard.py",
        "; HttpOnly; SameSite=Lax",
        "; SameSite=Lax",
        "tests/ui/server/test_guard.py",
        ("test_a_browsers_cookie_is_its_own_secret",),
    ),
    # ── queue ───────────────────────────────────────────────────────────────────────────────────
    Mutation(
        "queue-newest-first",
        "the run that came last is worked on first",
        "hsi_studio/engine/runs/queue.py",
        "self.waiting.popleft()",
        "self.waiting.pop()",
        "tests/engine/runs/test_queue_order.py",
        ("test_runs_are_worked_on_one_at_a_time_in_the_order_they_came",),
    ),
    Mutation(
        "queue-position",
        "the first waiting run seems to run",
        "hsi_studio/engine/runs/queue.py",
        "return names.index(run_id) + 1",
        "return names.index(run_id)",
        "tests/engine/runs/test_queue_order.py",
        ("test_runs_are_worked_on_one_at_a_time_in_the_order_they_came",),
    ),
    Mutation(
        "queue-one-for-all-devices",
        "a run on the CPU waits for the GPU",
        "hsi_studio/engine/runs/queue.py",
        "return self._slots.setdefault(name, Slot(name, self._attend))",
        'return self._slots.setdefault("", Slot(name, self._attend))',
        "tests/engine/runs/test_queue_order.py",
        ("test_another_device_does_not_wait",),
    ),
    Mutation(
        "queue-deletes-a-running-run",
        "a run that is alive can be deleted",
        "hsi_studio/engine/runs/queue.py",
        "if record is not None and record.state in WAITING | ALIVE:",
        "if record is not None and record.state in WAITING:",
        "tests/engine/runs/test_queue_order.py",
        ("test_a_run_that_waits_or_runs_is_not_deleted",),
    ),
    Mutation(
        "queue-interrupts-living-runs",
        "a run that another program works on is said to be interrupted",
        "hsi_studio/engine/runs/queue.py",
        "if not (free(self._lock_file(record.queue)) and free(folder.lock_file)):",
        "if not (free(self._lock_file(record.queue)) or free(folder.lock_file)):",
        "tests/engine/runs/test_queue_order.py",
        ("test_a_run_of_another_program_is_interrupted_only_when_nobody_looks_after_it",),
    ),
    Mutation(
        "queue-cancel-taken-back",
        "a pause takes a cancel back",
        "hsi_studio/engine/runs/queue.py",
        'if self.requested in ("cancel", what):',
        "if self.requested == what:",
        "tests/engine/runs/test_running.py",
        ("test_a_cancel_is_not_taken_back_by_a_pause",),
    ),
    Mutation(
        "queue-request-forgotten",
        "a request that comes before the worker is never told to it",
        "hsi_studio/engine/runs/queue.py",
        "            self.process = process\n            if self.requested:\n",
        "            self.process = process\n            if self.requested is None:\n",
        "tests/engine/runs/test_running.py",
        ("test_the_first_word_a_worker_hears_is_the_request_it_missed",),
    ),
)
