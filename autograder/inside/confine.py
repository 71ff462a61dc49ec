"""What a process of the sandbox gives up before it runs a submission.

bubblewrap has taken away network, file system and environment when the sandbox started. Here each
submission's process leaves the others: its own user, process, mount, ipc, network and uts
namespaces (namespaces(7)), so that it sees nobody else, finds nothing that another one left, a
port in TIME_WAIT or the name of the machine, and everything that it starts dies with it; its own
bounded /tmp; limits on memory, processes and file sizes; no privileges; and a filter of system
calls that keeps it from entering new namespaces and from memory that no limit counts.
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
import stat
import struct

from autograder.inside import seccomp
from autograder.limits import KEPT, Limits

__all__ = ["confine", "die_with_parent", "limit", "limit_files", "unshare"]

libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND = 1, 2, 4, 8, 1 << 12
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
USER = 1000
FILES = 2**15  # that a submission may have in /tmp, and again in /dev/shm


def die_with_parent(parent: int) -> None:
    """Let the kernel end this process when its parent, of this process id, ends."""
    _check(libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "prctl(pdeathsig)")
    if os.getppid() != parent:  # it ended before
        os._exit(1)


def unshare() -> None:
    """Enter new user, ipc, network and uts namespaces; the next child is the first of a pid one.

    Raises OSError where the kernel refuses.
    """
    uid, gid = os.getuid(), os.getgid()
    _check(libc.unshare(CLONE_NEWUSER), "unshare(user)")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{USER} {uid} 1"),
        ("gid_map", f"{USER} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    apart = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS
    _check(libc.unshare(apart), "unshare(pid, ipc, net, uts)")
    _loopback()


def confine(limits: Limits) -> None:
    """Finish what unshare began, in the first process of the new pid namespace.

    Raises OSError where the kernel refuses; nothing of a submission has run then.
    """
    limit(limits)
    # Not earlier: the process that watches this one needs the old /proc.
    _check(libc.unshare(CLONE_NEWNS), "unshare(mount)")
    _mount("none", "/", "", MS_REC | MS_PRIVATE, "")
    common = MS_NOSUID | MS_NODEV
    # Python itself may live below /tmp, and stays visible there.
    kept = {folder: os.open(folder, os.O_PATH) for folder in limits.keep}
    # A file takes memory of the kernel's, an empty one too.
    mode = f"mode=1777,nr_inodes={FILES}"
    _mount("tmpfs", "/tmp", "tmpfs", common, f"size={limits.disk},{mode}")
    _mount("tmpfs", "/dev/shm", "tmpfs", common, f"size={limits.disk // 4},{mode}")
    for folder, file in kept.items():
        _make_place(folder, like=file)
        _mount(f"/proc/self/fd/{file}", folder, "", MS_BIND | MS_REC, "")
        os.close(file)
    # The old /proc shows the sandbox's other processes; a new one cannot be mounted everywhere.
    _mount("tmpfs", "/proc", "tmpfs", common | MS_NOEXEC | MS_RDONLY, "size=4k,mode=555")
    _drop_privileges()
    seccomp.install()


def limit(limits: Limits) -> None:
    """Bound memory and processes of this process and of what it starts."""
    with open("/proc/self/statm") as file:
        in_use = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for which, value in (
        (resource.RLIMIT_AS, in_use + limits.memory),
        (resource.RLIMIT_NPROC, limits.processes + KEPT),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_CORE, 0),
        # Of one process; the supervisor counts all of them, and tells why it ended them.
        (resource.RLIMIT_CPU, int(limits.time) + 2),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 2**20),
    ):
        _lower(which, value)


def limit_files(limits: Limits) -> None:
    """Bound the size of a file that this process writes, or that what it starts does."""
    _lower(resource.RLIMIT_FSIZE, min(limits.disk, 64 * 2**20))


def _lower(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _make_place(path: str, *, like: int) -> None:
    """Make a folder or a file, whichever the open one is, for it to be mounted on."""
    if stat.S_ISDIR(os.fstat(like).st_mode):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDONLY))


def _loopback() -> None:
    """Let this network namespace reach itself at 127.0.0.1, as servers in a cell expect it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _drop_privileges() -> None:
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)
    _check(libc.capset(header, bytes(24)), "capset")
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(no_new_privs)")


def _mount(source: str, target: str, kind: str, flags: int, data: str) -> None:
    result = libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode())
    _check(result, f"mount({target})")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
