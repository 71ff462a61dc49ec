"""Networks side by side are what each would be alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from course.datasets import digits
from course.dense import Dense, arriving

WIDTHS = [64, 20, 12, 10]


def alone(net: Dense, seed: int) -> nn.Sequential:
    """One of the networks as torch's own layers."""
    layers: list[nn.Module] = []
    for weight, bias in zip(net.weights, net.biases, strict=True):
        layer = nn.Linear(weight.shape[1], weight.shape[2])
        layer.load_state_dict({"weight": weight[seed].T, "bias": bias[seed, 0]})
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def test_scores_and_losses_are_those_of_each_network_alone() -> None:
    train, _ = digits()
    net = Dense(torch.relu, WIDTHS, gain=2**0.5, seeds=(3, 5))
    twins = [alone(net, seed) for seed in range(2)]
    x = train.images[:7].flatten(1)
    for seed, twin in enumerate(twins):
        assert_close(net.preactivations(train.images[:7])[-1][seed], twin(x))
    losses = net.fit(train, steps=3, rate=0.1, label="test")
    for seed, twin in enumerate(twins):
        generator = torch.Generator().manual_seed(0)
        optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
        found = []
        for _ in range(3):
            index = torch.randint(len(train), (64,), generator=generator)
            loss = F.cross_entropy(twin(train.images[index].flatten(1)), train.labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        assert_close(losses[seed], sum(found) / 3)
        assert_close(net.weights[0][seed], twin[0].weight.T)


def test_equal_seeds_give_equal_weights_of_the_spread_that_is_asked_for() -> None:
    one, two = (Dense(f, [400, 300], gain=3.0) for f in (torch.relu, torch.tanh))
    assert_close(one.weights[0], two.weights[0], rtol=0, atol=0)
    assert_close(one.weights[0].std().item(), 3.0 / 20, rtol=0.01, atol=0)
    assert not torch.equal(one.weights[0][0], one.weights[0][1])


def test_decay_pulls_where_it_is_told_to() -> None:
    train, _ = digits()
    net = Dense(torch.relu, WIDTHS, gain=1.0)
    with torch.no_grad():
        net.biases[0][:] = -9.0  # all are dead, so nothing but the decay moves them
    before = net.weights[0].clone()
    net.fit(train, steps=2, rate=0.5, label="test", decay=lambda p: 0.2 * (p.shape[1] == 1))
    assert_close(net.biases[0], torch.full_like(net.biases[0], -9 * 0.9**2))
    assert_close(net.weights[0], before, rtol=0, atol=0)


def test_normalised_units_have_mean_zero_and_variance_one() -> None:
    train, _ = digits()
    net = Dense(torch.sigmoid, WIDTHS, gain=2.0, normalised=True)
    hidden, _, scores = net.preactivations(train.images[:50])
    assert_close(hidden.mean(dim=1), torch.zeros(5, 20), rtol=0, atol=1e-5)
    assert scores.std() > 0


def test_the_share_that_arrives_is_the_product_of_gain_and_slope() -> None:
    def slope(x: Tensor) -> Tensor:
        return 0.5 * x

    assert_close(arriving(slope, gain=3.0, depth=4, width=600), 1.5**4, rtol=0.05, atol=0)
    assert arriving(torch.relu, gain=2.0, seed=1) != arriving(torch.relu, gain=2.0, seed=2)
