"""bubblewrap's options: what of this machine a submission can see."""

import os
import shutil
import site
from pathlib import Path

from autograder.errors import SandboxError
from autograder.sandbox.offer import HOUSE, OWN, Offer, environment_folders

__all__ = ["ADVICE", "ENVIRONMENT", "below_tmp", "bubblewrap_command"]

# What a submission's process finds in its environment, and nothing else.
ENVIRONMENT = {
    "HOME": "/tmp",
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "NBGRADER_EXECUTION": "autograde",
    "MPLCONFIGDIR": "/tmp/.matplotlib",
    # A fork copies a table of pages, and large pages make it short: 4 ms in place of 12.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "PYTHONMALLOC": "malloc",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    # torch.compile gives functions back as they are: right as before, without a compiler of C++
    # and the minute that it takes.
    "TORCHDYNAMO_DISABLE": "1",
}
ADVICE = (
    "Grading needs bubblewrap and user namespaces. On Debian: sudo apt-get install "
    "bubblewrap; where the kernel forbids namespaces: sudo sysctl "
    "kernel.unprivileged_userns_clone=1 (Debian) or "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, ask for them "
    "when it is started. `autograder doctor` says what is missing. --no-sandbox grades "
    "without protection: submissions could then read and change everything that you can."
)


def bubblewrap_command(offer: Offer, scratch: Path) -> list[str]:
    """Return bubblewrap with its options: no network, nothing to write, little to read.

    What is offered is copied into the folder scratch. Raises SandboxError where bubblewrap or a
    module is missing.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError(f"bubblewrap (the command bwrap) is missing. {ADVICE}")
    command = [program, "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    command += ["--tmpfs", "/", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        path = Path("/", name)
        if path.is_symlink():
            command += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    for name in ("ld.so.cache", "fonts", "localtime", "alternatives", "mime.types"):
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    # glibc reads there whether it may have large pages, and of what size.
    large_pages = "/sys/kernel/mm/transparent_hugepage"
    command += ["--ro-bind-try", large_pages, large_pages]
    command += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for path in environment_folders():
        command += ["--ro-bind", str(path), str(path)]
    # Where this package is installed among others, these have just shown the whole of it.
    command += ["--tmpfs", str(HOUSE)]
    nothing = scratch / "nothing"
    nothing.write_text("")
    absent = scratch / "absent.py"
    absent.write_text("raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)\n")
    for path in offer.covers():
        if path.is_dir():
            command += ["--tmpfs", str(path)]
        else:
            cover = absent if path.suffix == ".py" else nothing
            command += ["--ro-bind", str(cover), str(path)]
    for path in OWN:
        command += ["--ro-bind", str(path), str(path)]
    for place, copy in offer.copy(scratch / "offered").items():
        command += ["--ro-bind", str(copy), str(place)]
    command += ["--setenv", "PYTHONPATH", os.pathsep.join(_search_path(offer))]
    # Last, so that no later bind mount opens it again.
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    return [*command, "--cap-drop", "ALL", "--"]


def below_tmp(offer: Offer) -> tuple[str, ...]:
    """Return the folders of modules that lie where submissions get a /tmp of their own."""
    return tuple(str(folder) for folder in offer.visible() if folder.is_relative_to("/tmp"))


def _search_path(offer: Offer) -> list[str]:
    """Return where Python finds what lies outside its environment, however we found it here."""
    places = [OWN[0].parent, *offer.locations().values()]
    known = {Path(path) for path in site.getsitepackages()}
    return [str(path) for path in dict.fromkeys(p.parent for p in places) if path not in known]
