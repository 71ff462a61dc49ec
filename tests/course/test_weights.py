"""Known weights: the same for every name, and never symmetric."""

import pytest
import torch
from torch import nn

from course.weights import known, load_known


def test_a_value_depends_on_ending_and_shape_alone() -> None:
    first = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(4, 2))
    second = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.BatchNorm2d(3), "c": nn.Conv2d(2, 3, 3)})
    names = load_known(first)
    load_known(second)
    assert names == list(first.state_dict())
    assert torch.equal(first.get_parameter("0.weight"), second.get_parameter("c.weight"))
    assert torch.equal(first.get_buffer("1.running_var"), second.get_buffer("b.running_var"))
    assert torch.equal(first.get_parameter("2.bias"), second.get_parameter("a.bias"))
    assert torch.equal(first.get_parameter("2.weight"), known("weight", 2, 4))


def test_weights_have_either_sign_and_no_symmetry() -> None:
    weight = known("weight", 3, 2, 3, 3)
    assert (weight > 0).any()
    assert (weight < 0).any()
    for dims in ((2,), (3,), (2, 3)):
        assert not torch.allclose(weight, weight.flip(dims))
    assert not torch.allclose(weight, weight.transpose(2, 3))
    assert not torch.allclose(weight[0], weight[1])
    assert (known("running_var", 5) > 0).all()


def test_a_module_keeps_its_dtype() -> None:
    module = nn.Linear(3, 2).double()
    load_known(module)
    assert module.weight.dtype == torch.float64
    assert torch.equal(module.weight, known("weight", 2, 3, dtype=torch.float64))


def test_another_ending_is_refused() -> None:
    with pytest.raises(ValueError, match="ending is 'gain'; expected one of weight, bias"):
        known("gain", 3)
