"""bubblewrap's options: what of this machine a submission can see."""

import importlib.util
import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from autograder.errors import SandboxError

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
}
# What runs beside a submission, and nothing else of this package. Without its __init__.py the
# package is a namespace there, which imports nothing.
HOUSE = Path(__file__).parents[1]
OWN = (HOUSE / "inside", HOUSE / "wire", HOUSE / "limits.py")
ADVICE = (
    "Grading needs bubblewrap and user namespaces. On Debian: sudo apt-get install "
    "bubblewrap; where the kernel forbids namespaces: sudo sysctl "
    "kernel.unprivileged_userns_clone=1 (Debian) or "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, ask for them "
    "when it is started. `autograder doctor` says what is missing. --no-sandbox grades "
    "without protection: submissions could then read and change everything that you can."
)


def bubblewrap_command(expose: Sequence[str], hide: Sequence[str], scratch: Path) -> list[str]:
    """Return bubblewrap with its options: no network, nothing to write, little to read.

    Raises SandboxError where bubblewrap is missing.
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
    for path in _environment_folders():
        command += ["--ro-bind", str(path), str(path)]
    # Where this package is installed among others, these have just shown the whole of it.
    command += ["--tmpfs", str(HOUSE)]
    for path in [*OWN, *(_location(name) for name in expose)]:
        command += ["--ro-bind", str(path), str(path)]
    command += ["--setenv", "PYTHONPATH", os.pathsep.join(_search_path(expose))]
    absent = scratch / "absent.py"
    absent.write_text("raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)\n")
    for name in hide:
        try:
            path = _location(name)
        except SandboxError:
            continue  # what is not there needs no hiding
        if path.is_dir():
            command += ["--tmpfs", str(path)]
        else:
            command += ["--ro-bind", str(absent), str(path)]
    # Last, so that no later bind mount opens it again.
    return [
        *command,
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        "/tmp",
        "--cap-drop",
        "ALL",
        "--",
    ]


def below_tmp(expose: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of modules that lie where submissions get a /tmp of their own."""
    folders = [*_environment_folders(), *OWN, *(_location(name) for name in expose)]
    return tuple(str(folder) for folder in folders if folder.is_relative_to("/tmp"))


def _environment_folders() -> list[Path]:
    """Folders of Python and its packages, the outer ones first."""
    folders = {Path(sys.base_prefix), Path(sys.prefix), Path(sysconfig.get_path("stdlib"))}
    folders |= {Path(path) for path in site.getsitepackages()}
    folders.add(Path(sys.executable).parent)
    folders.add(Path(sys.executable).resolve().parent.parent)
    folders.discard(Path("/"))
    system = Path("/usr")
    return sorted(path for path in folders if path.is_dir() and system not in [path, *path.parents])


def _search_path(expose: Sequence[str]) -> list[str]:
    """Return where Python finds what lies outside its environment, however we found it here."""
    parents = dict.fromkeys([OWN[0].parents[1], *(_location(name).parent for name in expose)])
    known = {Path(path) for path in site.getsitepackages()}
    return [str(path) for path in parents if path not in known]


def _location(module: str) -> Path:
    """Return the file or folder of a module. Raises SandboxError where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise SandboxError(f"the module {module!r} is not installed, so it cannot be offered")
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(str(spec.origin))
