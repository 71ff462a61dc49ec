"""A function of another process behaves as one of this process would."""

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck, gradgradcheck

from autograder.wire.channel import Channel, Closed
from autograder.wire.peer import Peer
from autograder.wire.records import Query, write
from autograder.wire.reference import RemoteError, RemoteFunction, Restriction
from autograder.wire.values import WireError


class Block(nn.Module):
    """A layer with parameters, whose training mode matters."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2, dtype=torch.float64)
        self.norm = nn.BatchNorm1d(2, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.norm(self.linear(x)))


class Liar:
    """Claims to equal everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Row:
    """Says one length and gives so many items, which a loop uses up where it is a queue."""

    def __init__(self, length: int, items: int, *, queue: bool = False) -> None:
        self.length, self.items, self.queue = length, list(range(items)), queue

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        yield from self.items
        if self.queue:
            self.length = 0

    def add(self) -> None:
        self.items.append(0)
        self.length += 1


class MyError(ValueError):
    pass


def double_in_place(x: torch.Tensor) -> None:
    x.mul_(2)


def change_everything(
    numbers: list[int], table: dict[str, int], array: Any, generator: Any
) -> None:
    numbers.append(4)
    table["new"] = 1
    array[0] = 7
    torch.rand(3, generator=generator)


def stop(*_: Any) -> None:
    raise StopIteration


def stop_async(*_: Any) -> None:
    raise StopAsyncIteration


def leave_generator(*_: Any) -> None:
    raise GeneratorExit


def set_random_numbers() -> None:
    torch.manual_seed(17)


def raise_my_error(message: str) -> None:
    raise MyError(message)


def numbers() -> Iterator[int]:
    yield from range(10**9)


NAMESPACE = {
    "add": lambda x, *, y=1: x + y,
    "cube": lambda x: x**3,
    "identity": lambda x: x,
    "two": lambda x, w: (x @ w, {"sum": x.sum(), "shape": x.shape}),
    "Block": Block,
    "Liar": Liar,
    "Row": Row,
    "apply": lambda f, x: f(x) + 1,
    "gradient_of": lambda f, x: torch.autograd.grad(f(x).sum(), x)[0],
    "evaluate": lambda model, x: model.eval()(x),
    "double_in_place": double_in_place,
    "change_everything": change_everything,
    "raise_my_error": raise_my_error,
    "MyError": MyError,
    "stop": stop,
    "stop_async": stop_async,
    "leave_generator": leave_generator,
    "set_random_numbers": set_random_numbers,
    "exit": lambda: exit(3),
    "numbers": numbers,
    "random": lambda: torch.rand(3),
    "constant": 42,
    "nothing_to_compute": lambda: torch.zeros(2, requires_grad=True),
}


@pytest.fixture
def student() -> Iterator[Any]:
    """Give a function that looks up a name of the other end, which is another process."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        other = Peer(Channel(theirs), "student")
        other.own(NAMESPACE)
        with contextlib.suppress(BaseException):
            other.serve()
        os._exit(0)
    theirs.close()
    peer = Peer(Channel(ours, 30.0), "judge")
    yield lambda name: peer.request("name", 1, name, None)
    peer.channel.close()
    os.waitpid(child, 0)


def test_values_are_copied_and_functions_are_referred(student: Any) -> None:
    assert student("constant") == 42
    add = student("add")
    assert isinstance(add, RemoteFunction)
    assert add(1) == 2
    assert torch.equal(add(torch.ones(2), y=3), torch.full((2,), 4.0))
    with pytest.raises(KeyError):
        student("missing")


def test_gradients_pass_to_second_order(student: Any) -> None:
    x = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(student("cube"), (x,))
    assert gradgradcheck(student("cube"), (x,))
    w = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x, w: student("two")(x, w)[0], (x, w))


def test_a_graph_runs_through_both_processes(student: Any) -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = student("cube")(2 * x)  # not a leaf on either side
    (y * x).sum().backward()
    expected = torch.autograd.grad(((2 * x) ** 3 * x).sum(), x)[0]
    assert x.grad is not None
    assert torch.allclose(x.grad, expected)


def test_what_comes_back_unchanged_keeps_its_gradient(student: Any) -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    (3 * student("identity")(x)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 3.0]


def test_without_a_gradient_no_graph_is_kept(student: Any) -> None:
    with torch.no_grad():
        y = student("cube")(torch.ones(2, requires_grad=True))
    assert not y.requires_grad


def test_a_module_is_used_by_reference(student: Any) -> None:
    block, twin = student("Block")(3), Block(3)
    state = {
        name: torch.randn_like(t) if t.is_floating_point() else t
        for name, t in twin.state_dict().items()
    }
    state["norm.running_var"] = state["norm.running_var"].abs() + 1
    block.load_state_dict(state)
    twin.load_state_dict(state)
    x = torch.randn(5, 3, dtype=torch.float64)
    for mode in ("train", "eval"):
        getattr(block, mode)()
        getattr(twin, mode)()
        assert block.training == twin.training
        assert torch.allclose(block(x), twin(x))
    block.zero_grad()
    block(x).square().sum().backward()
    twin(x).square().sum().backward()
    ours = {name: p.grad for name, p in block.named_parameters()}
    assert set(ours) == {name for name, _ in twin.named_parameters()}
    for name, parameter in twin.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(ours[name], parameter.grad)
    assert sum(p.numel() for p in block.parameters()) == 3 * 2 + 2 + 4
    assert gradcheck(block, (x[:2].clone().requires_grad_(),))


def test_arguments_changed_in_place_are_changed_here(student: Any) -> None:
    x = torch.ones(2, 3).T
    student("double_in_place")(x)
    assert x.tolist() == [[2.0, 2.0]] * 3
    items, table, array = [1], {"old": 0}, np.zeros(2)
    generator, other = (torch.Generator().manual_seed(5) for _ in range(2))
    student("change_everything")(items, table, array, generator)
    assert (items, table, array.tolist()) == ([1, 4], {"old": 0, "new": 1}, [7.0, 0.0])
    torch.rand(3, generator=other)
    assert torch.equal(generator.get_state(), other.get_state())


def test_functions_of_the_check_are_called_back(student: Any) -> None:
    seen = []

    def f(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach().clone())
        return x**2

    x = torch.tensor([1.0, 3.0], requires_grad=True)
    y = student("apply")(f, x)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 6.0]
    assert len(seen) == 1
    assert student("gradient_of")(f, x).tolist() == [2.0, 6.0]
    assert student("apply")(student("cube"), 2) == 9


def test_a_module_of_the_check_is_used_there_and_its_mode_comes_back(student: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    x = torch.randn(4, 3)
    y = student("evaluate")(model, x)
    assert not model.training
    assert torch.equal(y, model(x))


def test_exceptions_come_back_as_the_nearest_builtin(student: Any) -> None:
    with pytest.raises(ValueError, match="expected a width"):
        student("raise_my_error")("expected a width")
    with pytest.raises(RemoteError) as caught:
        student("exit")()
    assert getattr(caught.value, "kind", "") == "SystemExit"


@pytest.mark.parametrize("name", ["stop", "stop_async", "leave_generator"])
def test_what_steers_a_loop_is_not_the_student_s_to_raise(student: Any, name: str) -> None:
    with pytest.raises(RemoteError):
        list(map(student(name), [1, 2, 3]))


def test_exceptions_of_the_student_s_own_classes_are_caught_by_them(student: Any) -> None:
    mine = student("MyError")
    with pytest.raises(mine, match="oh"):
        student("raise_my_error")("oh")
    assert issubclass(mine, ValueError)


def test_the_student_s_code_goes_on_with_the_check_s_random_numbers(student: Any) -> None:
    torch.manual_seed(3)
    expected = [torch.rand(3) for _ in range(3)]
    torch.manual_seed(3)
    actual = [torch.rand(3), student("random")(), student("random")()]
    assert all(map(torch.equal, actual, expected))


def test_seeding_again_with_the_same_seed_begins_anew(student: Any) -> None:
    torch.manual_seed(3)
    first = student("random")()
    torch.manual_seed(3)
    assert torch.equal(student("random")(), first)


def test_nothing_of_the_student_s_sets_the_check_s_random_numbers(student: Any) -> None:
    torch.manual_seed(17)
    chosen = torch.rand(3)
    student("set_random_numbers")()
    assert not torch.equal(torch.rand(3), chosen)


def test_a_default_dtype_that_a_check_sets_holds_for_the_student_s_code(student: Any) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert student("random")().dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_endless_iterators_are_read_as_far_as_needed(student: Any) -> None:
    numbers = iter(student("numbers")())
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("items", [0, 2])
@pytest.mark.parametrize(
    "look",
    [
        lambda row: (len(row), [*row]),
        lambda row: ([*row], len(row)),
        lambda row: (list(row), len(row)),
        lambda row: (sum(row), repr(row), row.length, len(row)),
    ],
)
def test_a_container_gives_as_many_items_as_it_says(student: Any, look: Any, items: int) -> None:
    with pytest.raises(Restriction, match=f"says that it has 3 items, and gives {items}"):
        look(student("Row")(3, items))


def test_a_container_gives_no_more_items_than_it_said(student: Any) -> None:
    row = student("Row")(3, 4)
    assert len(row) == 3
    with pytest.raises(Restriction, match="says that it has 3 items, and gives 4"):
        list(row)


def test_a_container_may_change_between_two_looks(student: Any) -> None:
    row = student("Row")(3, 3)
    assert ([*row], len(row)) == ([0, 1, 2], 3)
    row.add()
    assert (len(row), [*row], len(row)) == (4, [0, 1, 2, 0], 4)
    queue = student("Row")(3, 3, queue=True)
    assert (len(queue), [*queue], len(queue)) == (3, [0, 1, 2], 0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x == 1,
        lambda x: x != 1,
        lambda x: bool(x),
        lambda x: x < 2,
        lambda x: [x] == [1],
        lambda x: x + 1,
        lambda x: abs(x),
        lambda x: float(x),
    ],
)
def test_an_object_is_never_asked_whether_it_is_right(student: Any, ask: Any) -> None:
    liar = student("Liar")()
    with pytest.raises(TypeError):
        ask(liar)


def test_comparing_says_what_to_compare_instead(student: Any) -> None:
    with pytest.raises(Restriction, match="compare what its functions return"):
        assert student("Liar")() == 1


def test_a_check_cannot_pass_what_has_no_form(student: Any) -> None:
    with pytest.raises(Restriction, match="a check passed a object"):
        student("identity")(object())


@pytest.mark.parametrize(
    "message",
    [
        Query("get", 1, "__globals__", None, False, []),
        Query("set", 1, "x", 1, False, []),
        Query("name", 1, "x", None, False, []),
        Query("item", 1, "", 0, False, []),
        Query("call", 99, "", ["u", [["u", []], ["d", []]]], False, []),
        Query("backward", 99, "", ["l", []], False, []),
        ["call", 1],
        ["ok", 1],
        [],
        7,
    ],
)
def test_a_student_s_process_can_ask_the_judge_for_nothing_but_calls(message: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = Peer(Channel(ours, 5.0), "judge")
        peer.own(lambda: None)
        Channel(theirs).send(write(message))
        with pytest.raises((WireError, Closed)):
            peer.request("name", 1, "x", None)


def test_calls_back_and_forth_are_bounded(student: Any) -> None:
    def again(x: int) -> int:
        return student("apply")(again, x)

    with pytest.raises((RemoteError, TypeError, WireError, RecursionError)):
        again(1)
