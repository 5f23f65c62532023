"""Landlock and seccomp for the process that calls: which files it may open, that it reaches no network and no process.

Both are the Linux kernel's, need no rights, hold until the process ends and for whatever code runs in it. Both are
asked for through `syscall`, because neither has a function in the C library that is everywhere:

- **Landlock** (5.13; kernel documentation "Landlock: unprivileged access control"): what is not in a rule cannot be
  opened, `/proc` included. Newer versions also keep TCP (6.7) and signals to other processes (6.12) away.
- **seccomp** (a filter over system calls, "Seccomp BPF"): sockets, starting programs, looking into other processes and
  asynchronous I/O, which goes around filters, end with "not permitted".

Trap: a rule is about the file a name stood for when the rule was made. Replacing the file takes it out of the room.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

# Landlock: the same numbers on every architecture
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION = 1  # flag of CREATE_RULESET
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << k for k in range(6))
MAKE_REG, REFER, TRUNCATE, IOCTL_DEV = 1 << 8, 1 << 13, 1 << 14, 1 << 15
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # from this version on
READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the rights that a rule on a file may have
TCP, SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals

NO_NEW_PRIVS, SET_SECCOMP, FILTER, SET_DUMPABLE, DIE_WITH_PARENT = 38, 22, 2, 4, 1
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
DENIED = {  # x86_64, aarch64
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "execve": (59, 221), "execveat": (322, 281), "fork": (57, None),
    "vfork": (58, None), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "io_uring_setup": (425, 425), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "mount": (165, 40), "unshare": (272, 97),
    "setns": (308, 268), "chroot": (161, 51), "open_by_handle_at": (304, 265), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "personality": (135, 92), "shmget": (29, 194),
    "msgget": (68, 186), "mq_open": (240, 180), "setrlimit": (160, 164),
}  # fmt: skip
CLONE, CLONE3, CLONE_THREAD = (56, 220), 435, 0x10000


class NotHere(OSError):
    """The kernel has no such protection."""


@functools.cache
def landlock_version() -> int:
    """0 where there is none."""
    if sys.platform != "linux":
        return 0
    found = _call(CREATE_RULESET, None, 0, VERSION)
    return found if found > 0 else 0


@functools.cache
def has_seccomp() -> bool:
    """Whether filters can be set, as far as the kernel says without setting one."""
    known = sys.platform == "linux" and platform.machine() in ARCHITECTURES
    return known and Path("/proc/sys/kernel/seccomp/actions_avail").exists()


def only_files(read: Iterable[Path], write: Iterable[Path], listed: Iterable[Path] = ()) -> None:
    """From now on only these files, and what is beneath these folders, can be opened. Missing ones are passed over.

    `listed`: folders whose names can be listed, without opening what is in them.

    Raises NotHere.
    """
    version = landlock_version()
    if not version:
        raise NotHere(errno.ENOSYS, "no Landlock")
    rights = RIGHTS[max(v for v in RIGHTS if v <= version)]
    parts = [rights, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0]
    attributes = struct.pack("QQQ", *parts)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    rules = _call(CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        raise NotHere(ctypes.get_errno(), "no Landlock")
    try:
        for paths, allowed in ((read, READ), (write, WRITE), (listed, READ_DIR)):
            for path in paths:
                _allow(rules, path, allowed & rights)
        _prctl(NO_NEW_PRIVS, 1)
        if _call(RESTRICT_SELF, rules, 0):
            raise NotHere(ctypes.get_errno(), "Landlock refuses")
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, allowed: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            allowed &= OF_FILES
        _call(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", allowed, handle), 0)
    finally:
        os.close(handle)


def no_network_no_processes() -> None:
    """From now on the system calls of `DENIED` are not permitted. Raises NotHere."""
    machine = platform.machine()
    if not has_seccomp():
        raise NotHere(errno.ENOSYS, "no seccomp filters")
    column = list(ARCHITECTURES).index(machine)
    numbers = [number for pair in DENIED.values() if (number := pair[column]) is not None]
    load, equal, at_least, some, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM
    program = [
        (load, 0, 0, 4),  # architecture
        (equal, 1, 0, ARCHITECTURES[machine]),
        (give, 0, 0, refuse),
        (load, 0, 0, 0),  # number of the call
    ]
    if machine == "x86_64":
        program += [(at_least, 0, 1, 0x40000000), (give, 0, 0, refuse)]  # x32: the same calls by other numbers
    program += [
        (equal, 0, 1, CLONE3),
        (give, 0, 0, 0x00050000 | errno.ENOSYS),  # its flags are out of sight; the C library takes `clone` then
        (equal, 0, 4, CLONE[column]),
        (load, 0, 0, 16),  # flags
        (some, 0, 1, CLONE_THREAD),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),  # a process, not a thread
    ]
    for k, number in enumerate(numbers):
        program.append((equal, len(numbers) - k, 0, number))
    program += [(give, 0, 0, allow), (give, 0, 0, refuse)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
    _prctl(NO_NEW_PRIVS, 1)
    if _prctl(SET_SECCOMP, FILTER, ctypes.addressof(header)):
        raise NotHere(ctypes.get_errno(), "seccomp refuses")


def die_with_parent() -> None:
    """Ends when the process that started this one does, and is not to be looked into by others. Nothing elsewhere."""
    if sys.platform == "linux":
        _prctl(DIE_WITH_PARENT, 9)
        _prctl(SET_DUMPABLE, 0)


@functools.cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *given: int | bytes | None) -> int:
    arguments = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in given]
    return int(_c_library().syscall(ctypes.c_long(number), *arguments))


def _prctl(option: int, first: int, second: int = 0) -> int:
    return int(_c_library().prctl(option, *(ctypes.c_ulong(n) for n in (first, second, 0, 0))))
