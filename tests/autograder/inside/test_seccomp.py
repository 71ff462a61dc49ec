"""The filter of system calls, run by an interpreter of its language."""

import struct

import pytest

from autograder.inside import seccomp
from autograder.inside.seccomp import Instruction, Machine

ALLOWED, DENIED, MISSING = seccomp.ALLOW, seccomp.ERROR | 1, seccomp.ERROR | 38
IGNORED = seccomp.ERROR
MACHINES = sorted(seccomp.MACHINES)


def verdict(code: bytes, machine: Machine, number: int, *arguments: int) -> int:
    """Run a filter as the kernel does, on a call of this number with these arguments first."""
    given = [*arguments, 0, 0, 0][:3]
    call = struct.pack("=IIQQQQ", number, machine.architecture, 0, *given)
    place = word = 0
    while True:
        operation, then, otherwise, value = struct.unpack_from("HBBI", code, 8 * place)
        place += 1
        if operation == seccomp.RETURN:
            return value
        if operation == seccomp.LOAD:
            (word,) = struct.unpack_from("=I", call, value)
            continue
        holds = {0x15: word == value, 0x35: word >= value, 0x45: bool(word & value)}[operation]
        place += then if holds else otherwise


def answers(name: str) -> dict[int, int]:
    """What each number gets on a machine, those that are let through left out."""
    machine = seccomp.MACHINES[name]
    code = seccomp.assemble(seccomp.program(machine))
    found = {number: verdict(code, machine, number) for number in range(600)}
    return {number: answer for number, answer in found.items() if answer != ALLOWED}


@pytest.mark.parametrize("name", MACHINES)
def test_every_number_gets_what_the_table_says(name: str) -> None:
    column = seccomp.MACHINES[name].column
    expected = {numbers[column]: DENIED for numbers in seccomp.DENIED.values()}
    expected[seccomp.CLONE3[column]] = MISSING
    # Of family 0; below are the others.
    expected[seccomp.SOCKET[column]] = DENIED
    assert answers(name) == expected


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("call", sorted(seccomp.DENIED))
def test_a_call_that_is_taken_off_the_table_gets_through(
    name: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = seccomp.DENIED[call][seccomp.MACHINES[name].column]
    before = answers(name)
    monkeypatch.delitem(seccomp.DENIED, call)
    assert before == answers(name) | {number: DENIED}
    assert number not in answers(name)


@pytest.mark.parametrize("name", MACHINES)
def test_sockets_are_of_this_machine_and_its_loopback(name: str) -> None:
    machine = seccomp.MACHINES[name]
    code = seccomp.assemble(seccomp.program(machine))
    number = seccomp.SOCKET[machine.column]
    families = {family for family in range(50) if verdict(code, machine, number, family) == ALLOWED}
    assert families == {seccomp.AF_UNIX, seccomp.AF_INET, seccomp.AF_INET6}


@pytest.mark.parametrize("name", MACHINES)
def test_a_clone_with_a_new_namespace_is_denied_and_others_are_not(name: str) -> None:
    machine = seccomp.MACHINES[name]
    code = seccomp.assemble(seccomp.program(machine))
    number = seccomp.CLONE[machine.column]
    denied = {bit for bit in range(32) if verdict(code, machine, number, 1 << bit) == DENIED}
    # CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
    assert denied == {7, 17, 25, 26, 27, 28, 29, 30}


@pytest.mark.parametrize("name", MACHINES)
def test_a_wish_for_larger_buffers_of_a_socket_is_heard_and_forgotten(name: str) -> None:
    machine = seccomp.MACHINES[name]
    code = seccomp.assemble(seccomp.program(machine))
    number = seccomp.SETSOCKOPT[machine.column]
    ignored = {
        (level, option)
        for level in range(50)
        for option in range(50)
        if verdict(code, machine, number, 3, level, option) == IGNORED
    }
    assert ignored == {(1, 7), (1, 8)}  # SOL_SOCKET: SO_SNDBUF, SO_RCVBUF
    assert verdict(code, machine, number, 3, 6, 7) == ALLOWED


def test_calls_of_another_machine_or_another_numbering_are_denied() -> None:
    for machine in seccomp.MACHINES.values():
        code = seccomp.assemble(seccomp.program(machine))
        assert verdict(code, Machine(0x40000003, 0), 20) == DENIED  # a call of 32 bits
    machine = seccomp.MACHINES["x86_64"]
    code = seccomp.assemble(seccomp.program(machine))
    assert verdict(code, machine, 39) == ALLOWED
    assert verdict(code, machine, 39 | seccomp.X32) == DENIED


@pytest.mark.parametrize(
    "instructions",
    [
        [Instruction(seccomp.IF_EQUAL, 1, then="nowhere"), Instruction(seccomp.RETURN, 0)],
        [Instruction(seccomp.LOAD, 0, label="up"), Instruction(seccomp.IF_EQUAL, 1, then="up")],
        [
            Instruction(seccomp.IF_EQUAL, 1, then="far"),
            *[Instruction(seccomp.LOAD, 0)] * 256,
            Instruction(seccomp.RETURN, 0, label="far"),
        ],
    ],
    ids=["no label", "backwards", "too far"],
)
def test_a_jump_that_the_language_cannot_say_is_refused(instructions: list[Instruction]) -> None:
    with pytest.raises(ValueError, match="expected a label"):
        seccomp.assemble(instructions)
