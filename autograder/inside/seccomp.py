"""A filter of system calls, written with names and labels: seccomp(2), bpf(4).

The kernel runs a small program before each system call of a submission and does what it returns:
let the call through, or answer with an error number. The program is in classic BPF, whose jumps
count instructions. Here they go to labels, and assemble() counts.

libseccomp writes such programs too. Its bindings on PyPI need the machine's libseccomp.so, which
the course's environment does not bring and the sandbox may not show, and stand still since 2021.
"""

import ctypes
import platform
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["DENIED", "MACHINES", "Instruction", "Machine", "assemble", "install", "program"]

# Instructions (linux/bpf_common.h): load a word of the call's description, compare it and jump,
# end with a verdict.
LOAD, RETURN = 0x20, 0x06
IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT = 0x15, 0x35, 0x45
# Where a word lies in struct seccomp_data (linux/seccomp.h); the lower half of an argument is
# first on both machines.
NUMBER, ARCHITECTURE = 0, 4
FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 16, 24, 32
ALLOW, ERROR = 0x7FFF0000, 0x00050000  # to an error, its number is added
EPERM, ENOSYS = 1, 38
NEXT = ""  # the label of the following instruction

CLONE_NEW = 0x7E020080  # any new namespace
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
SOL_SOCKET, SO_SNDBUF, SO_RCVBUF = 1, 7, 8


@dataclass(frozen=True)
class Machine:
    """A processor: its name for the kernel, and the place of its numbers in the tables below."""

    architecture: int
    column: int


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}
X32 = 0x40000000  # from here on, x86_64 has the same calls under other numbers

# System calls that a submission has no use for: x86_64, aarch64.
DENIED = {
    # Namespaces and mounts, from which the way leads out.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "open_by_handle_at": (304, 265),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    # Doors into the kernel that were found open before.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Memory that belongs to no process and that no limit bounds.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    # Who takes more than a share is bound to one processor.
    "sched_setaffinity": (203, 122),
}
CLONE, CLONE3, SOCKET, SETSOCKOPT = (56, 220), (435, 435), (41, 198), (54, 208)


@dataclass(frozen=True)
class Instruction:
    """One instruction: what to do with which value, and to which label a jump leads."""

    code: int
    value: int
    then: str = NEXT
    otherwise: str = NEXT
    label: str = NEXT


def program(machine: Machine) -> list[Instruction]:
    """Return the filter of a machine."""
    column = machine.column
    return [
        Instruction(LOAD, ARCHITECTURE),
        Instruction(IF_EQUAL, machine.architecture, otherwise="deny"),
        Instruction(LOAD, NUMBER),
        *([Instruction(IF_AT_LEAST, X32, then="deny")] if column == 0 else []),
        *(Instruction(IF_EQUAL, numbers[column], then="deny") for numbers in DENIED.values()),
        # glibc falls back from clone3, whose flags a filter cannot see, to clone.
        Instruction(IF_EQUAL, CLONE3[column], then="missing"),
        Instruction(IF_EQUAL, CLONE[column], then="clone"),
        Instruction(IF_EQUAL, SOCKET[column], then="socket"),
        Instruction(IF_EQUAL, SETSOCKOPT[column], then="setsockopt", otherwise="allow"),
        Instruction(LOAD, FIRST_ARGUMENT, label="clone"),
        Instruction(IF_ANY_BIT, CLONE_NEW, then="deny", otherwise="allow"),
        Instruction(LOAD, FIRST_ARGUMENT, label="socket"),
        Instruction(IF_EQUAL, AF_UNIX, then="allow"),
        Instruction(IF_EQUAL, AF_INET, then="allow"),
        Instruction(IF_EQUAL, AF_INET6, then="allow", otherwise="deny"),
        # Sockets keep their buffers, whose size the supervisor reckons with. The kernel takes a
        # size as a wish, so the answer is that all is well.
        Instruction(LOAD, SECOND_ARGUMENT, label="setsockopt"),
        Instruction(IF_EQUAL, SOL_SOCKET, otherwise="allow"),
        Instruction(LOAD, THIRD_ARGUMENT),
        Instruction(IF_EQUAL, SO_SNDBUF, then="ignore"),
        Instruction(IF_EQUAL, SO_RCVBUF, then="ignore", otherwise="allow"),
        Instruction(RETURN, ERROR | EPERM, label="deny"),
        Instruction(RETURN, ERROR | ENOSYS, label="missing"),
        Instruction(RETURN, ERROR, label="ignore"),
        Instruction(RETURN, ALLOW, label="allow"),
    ]


def assemble(instructions: Sequence[Instruction]) -> bytes:
    """Return instructions as the kernel reads them (struct sock_filter), jumps counted.

    Raises ValueError for a jump to no label, backwards, or over more than 255 instructions.
    """
    places = {each.label: place for place, each in enumerate(instructions) if each.label != NEXT}

    def distances(place: int, instruction: Instruction) -> Iterator[int]:
        for label in (instruction.then, instruction.otherwise):
            distance = 0 if label == NEXT else places.get(label, -1) - place - 1
            if not 0 <= distance <= 255:
                raise ValueError(
                    f"instruction {place} jumps to {label!r}; expected a label of one of the 256 "
                    "instructions behind it"
                )
            yield distance

    return b"".join(
        struct.pack("HBBI", each.code, *distances(place, each), each.value)
        for place, each in enumerate(instructions)
    )


def install() -> None:
    """Put this process and all that it starts under the filter, for good.

    Raises OSError where the kernel refuses, or where the machine is not one of MACHINES.
    """
    name = platform.machine()
    if name not in MACHINES:
        raise OSError(f"no filter of system calls is known for {name}; for {', '.join(MACHINES)}")
    code = assemble(program(MACHINES[name]))
    buffer = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: how many instructions, and where.
    head = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    set_seccomp, mode_filter = 22, 2
    if libc.prctl(set_seccomp, mode_filter, ctypes.c_char_p(head), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(seccomp)")
