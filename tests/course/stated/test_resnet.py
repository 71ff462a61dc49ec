"""Numbers that the text of resnet states."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from cnnlib.resnet import BasicBlock, residual_jacobian, zero_init_residual
from course.blocks import no_skip, option_a, stack
from course.datasets import digits
from course.deep import Deep
from course.figures.resnet import variances_by_block
from course.widgets.resnet import arriving, backflow
from tests.course.stating import Measured, stated


def race(
    depth: int, *, skip: bool, rate: float = 0.03, zeroed: bool = False
) -> tuple[nn.Module, float]:
    """Train the lesson's network of residual or plain blocks for its 60 steps; its last loss."""
    train, _ = digits()
    net = stack(depth, block=partial(BasicBlock, skip=option_a if skip else no_skip), seed=3)
    if zeroed:
        zero_init_residual(net)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(60):
        index = torch.randint(len(train), (32,), generator=generator)
        loss = F.cross_entropy(net(train.images[index]), train.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return net, sum(losses[-12:]) / 12


def test_56_plain_layers_hardly_learn_and_56_with_skips_do(measured: Measured) -> None:
    stated("resnet", "hardly left log 10 = 2.30", "the 56 layers then learn, and end far")
    stated("resnet", "about 1 with 20 layers and 2 with 56", "After 60 steps the growth")
    plain, loss = race(56, skip=False)
    measured("plain, 56 layers", loss, at_least=1.8)
    measured("plain, 20 layers", race(20, skip=False)[1], at_most=1.4)
    measured("residual, 56 layers", race(56, skip=True)[1], at_most=0.8)
    train, _ = digits()
    batch = train.images[:32], train.labels[:32]
    measured("plain, growth of its gradient afterwards", backflow(plain, *batch), at_most=10)


def test_the_start_as_the_identity_makes_long_steps_safe(measured: Measured) -> None:
    stated("resnet", "The start as the identity makes long steps safe.")
    measured("zeroed", race(56, skip=True, rate=0.1, zeroed=True)[1], at_most=1.3)


def test_plain_networks_do_about_as_well_with_the_lesson_s_rate_as_with_any(
    measured: Measured,
) -> None:
    stated("resnet", "Of 0.01, 0.03 and 0.1, the plain networks of 20 and of 56 layers do about as")
    train, _ = digits()
    for depth in (20, 56):
        found = {}
        for rate in (0.01, 0.03, 0.1):
            losses = Deep(depth, skip=False).fit(train, steps=60, rate=rate, label="")
            found[rate] = float(torch.tensor(losses).median())
        measured(f"{depth} layers", found[0.03] - min(found.values()), at_most=0.2)


def test_the_skip_keeps_the_smallest_factor_of_a_jacobian_far_from_zero(measured: Measured) -> None:
    stated("resnet", "is 0 up to rounding", "With the identity it is small, but far from 0.")
    net = stack(20, block=BasicBlock, seed=0).eval()
    with torch.no_grad():
        x = net[:3](digits()[0].images[:1])
    jacobian = residual_jacobian(net[3], x)
    plain = torch.linalg.svdvals(jacobian - torch.eye(len(jacobian))).min()
    measured("F'", float(plain), at_most=1e-6)
    measured("I + F'", float(torch.linalg.svdvals(jacobian).min()), at_least=1e-3)


def test_gradients_of_plain_networks_with_batch_norm_grow(measured: Measured) -> None:
    stated("resnet", 'c="above 1,000"', "more than a thousand times by the first block")
    stated("resnet", "With skips it grows less than a hundred times.")
    train, _ = digits()
    batch = train.images[:32], train.labels[:32]
    for skip, how in ((no_skip, {"at_least": 1000}), (option_a, {"at_most": 100})):
        net = stack(56, block=partial(BasicBlock, skip=skip), seed=3)
        measured(f"the network, {skip.__name__}", backflow(net, *batch), **how)
    chain = min(arriving(layers=55, skip=False, norm=True, spread=1.0, seed=s) for s in range(5))
    measured("the chain", chain, at_least=1000)


def test_variance_explodes_in_27_blocks_without_batch_norm_and_not_with_it(
    measured: Measured,
) -> None:
    stated("resnet", "the variance is more than 100,000 times what it was")
    stated("resnet", "27 of them end below a hundred")
    for norm, how in ((False, {"at_least": 1e5}), (True, {"at_most": 100})):
        ends = [row[-1] for row in variances_by_block(BasicBlock, norm=norm)]
        measured(f"batch norm {norm}", max(ends) if norm else min(ends), **how)
