"""Networks trained side by side are the networks that a lesson builds, one for each seed."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from course.blocks import PaddedBlock, convolutions, no_skip, option_a, residual_blocks, stack
from course.datasets import digits
from course.deep import Deep


def alone(deep: Deep, seed: int, depth: int) -> nn.Sequential:
    """The modules of a lesson, with the weights of one seed."""
    skip = option_a if deep.skip else no_skip
    net = stack(
        depth,
        block=lambda a, b, stride: PaddedBlock(a, b, stride=stride, skip=skip),
        seed=0,
    )
    with torch.no_grad():
        for module, filters in zip(convolutions(net), deep.filters, strict=True):
            module.weight.copy_(filters.chunk(deep.seeds)[seed])
        (dense,) = (module for module in net.modules() if isinstance(module, nn.Linear))
        dense.weight.copy_(deep.dense[0][seed])
        dense.bias.copy_(deep.dense[1][seed, 0])
    return net


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("depth", [8, 20])
def test_each_seed_s_network_is_the_stack_of_its_weights(depth: int, skip: bool) -> None:
    deep, x = Deep(depth, skip=skip, seeds=(0, 1, 2)), digits()[0].images[:16]
    for seed, scores in enumerate(deep.scores(x)):
        assert_close(scores, alone(deep, seed, depth)(x), rtol=1e-4, atol=1e-4)


def test_a_pair_that_is_left_out_is_the_identity() -> None:
    deep, x = Deep(20, skip=True, seeds=(0, 1)), digits()[0].images[:16]
    for seed, scores in enumerate(deep.scores(x, without=(1, 4))):
        net = alone(deep, seed, 20)
        assert len(residual_blocks(net)) == 9
        net[3 + 1], net[3 + 4] = nn.Identity(), nn.Identity()
        assert_close(scores, net(x), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="pair 3 changes the shape"):
        deep.scores(x, without=(3,))


def test_training_is_that_of_each_network_alone() -> None:
    train, _ = digits()
    deep = Deep(8, skip=True, seeds=(0, 1))
    net = alone(deep, 1, 8)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    generator, losses = torch.Generator().manual_seed(0), []
    for _ in range(4):
        index = torch.randint(len(train), (32,), generator=generator)
        loss = F.cross_entropy(net(train.images[index]), train.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    found = deep.fit(train, steps=4, rate=0.03, label="")
    assert found[1] == pytest.approx(sum(losses) / 4, rel=1e-3)
    assert found[0] != pytest.approx(found[1], rel=1e-3)


def test_the_two_arms_of_a_race_start_with_the_same_weights() -> None:
    plain, residual = (Deep(14, skip=skip) for skip in (False, True))
    for one, other in zip(plain.parameters(), residual.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_depth_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="depth is 21; expected 6n"):
        Deep(21, skip=True)
