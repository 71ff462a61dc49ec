"""Variables, functions, random numbers, printed words: what passes between tests and answers."""

__all__ = ["ANSWER", "TESTS"]

ANSWER = """
factor = 3
history = [1, 2]
grid = np.arange(3.0)
table = {"x": grid}
pair = (grid, [grid])
same = history


def scale(x):
    return factor * x


def greet(name):
    print(f"Hello, {name}!")


def echo(x):
    return x


def noise(n):
    return np.random.rand(n)


def dice(n):
    return [random.randint(1, 6) for _ in range(n)]


def weights(n):
    return torch.randn(n)


def drawn(generator, n):
    return generator.normal(size=n)


def total(array):
    return array.sum()


def ones(n):
    return torch.ones(n)


def fill(array):
    array[:] = 7


def evens(n):
    for i in range(n):
        if i % 2 == 0:
            yield i


def last():
    return history[-1]


def root(x):
    if x < 0:
        raise ValueError(f"{x} is below 0")
    return fields.side(x)


def apply(function, *values, **options):
    return [function(value, **options) for value in values]


def adder(n):
    return lambda x: x + n


Double = scale
"""

# By the name of each construct.
TESTS = """
# %% carrying
expected = [scale(1), scale(2)]

# %% carried
assert expected == [3, 6]

# %% carried-arrays
pair_before = (grid, [grid])

# %% helper
import fields
assert fields.LONG == 7 and root(9.0) == fields.side(9.0) == 3.0

# %% identity
assert same is history and id(same) == id(history)
assert Double is scale

# %% identity-argument
xs = [1, 2]
assert echo(xs) is xs
a = np.arange(2)
assert echo(a) is a

# %% identity-module
import numpy
assert np is numpy and fields is __import__('fields')

# %% arrays-in-containers
assert table == {'x': grid} and [grid] == [grid]
assert pair == (grid, [grid])

# %% seeded
np.random.seed(3)
expected_noise = np.random.rand(4)
np.random.seed(3)
assert np.array_equal(noise(4), expected_noise)

# %% seeded-before
random.seed(4)
first = [random.randint(1, 6) for _ in range(5)]
random.seed(4)
assert dice(5) == first
torch.manual_seed(5)
w = torch.randn(3)
torch.manual_seed(5)
assert torch.equal(weights(3), w)

# %% generator
g, h = np.random.default_rng(1), np.random.default_rng(1)
assert np.array_equal(drawn(g, 3), h.normal(size=3))

# %% read-by-a-function
def tripled():
    return factor * 2

assert tripled() == 6

# %% rebound
history = [*history, 3]
assert history == [1, 2, 3]
history = history[:2]
assert history == [1, 2]

# %% augmented
count = 0
for x in history:
    count += x
assert count == 3
factor += 1
assert factor == 4
factor -= 1
assert factor == 3

# %% grown
history.append(8)
assert history == [1, 2, 8]
history.pop()
assert last() == 2

# %% printed
out = io.StringIO()
with contextlib.redirect_stdout(out):
    greet('ann')
assert out.getvalue() == 'Hello, ann!\\n'

# %% printed-by-hand
import sys
kept, sys.stdout = sys.stdout, io.StringIO()
greet('bob')
text = sys.stdout.getvalue()
sys.stdout = kept
assert 'bob' in text

# %% printed-patched
from unittest.mock import patch
with patch('sys.stdout', new_callable=io.StringIO) as fake:
    greet('cem')
assert fake.getvalue() == 'Hello, cem!\\n'

# %% dtype
assert ones(2).dtype == torch.float64
assert torch.ones(1).dtype == torch.float64

# %% large
big = np.ones((2000, 2000))
assert total(big) == 4e6
assert echo(big).shape == big.shape

# %% very-large
assert total(np.ones(12_000_000)) == 1.2e7

# %% in-place
a = np.zeros(3)
fill(a)
assert a.tolist() == [7, 7, 7]
b = [0, 0]
fill_list = b
assert b == [0, 0]

# %% generators
assert list(evens(6)) == [0, 2, 4]
g = evens(3)
assert next(g) == 0 and next(g) == 2

# %% callbacks
assert apply(lambda x: x + 1, 1, 2) == [2, 3]
seen = []
apply(seen.append, 4, 5)
assert seen == [4, 5]
assert list(map(scale, [1, 2])) == [3, 6]

# %% closures
add = adder(3)
assert add(4) == 7

# %% globals
assert 'scale' in globals() and globals()['factor'] == 3
assert 'nothing_of_the_kind' not in globals()

# %% type-of-value
assert type(scale(2)) is int and type(history) == list
assert isinstance(grid, np.ndarray)

# %% locked
assert close(root(2.0), 2**0.5)
assert tolerance == 1e-6

# %% testing
np.testing.assert_allclose(grid, [0, 1, 2])
np.testing.assert_equal(history, [1, 2])
torch.testing.assert_close(ones(2), torch.ones(2))

# %% plain-raises
try:
    root(-1.0)
except ValueError as error:
    assert 'below' in str(error)
else:
    assert False

# %% input
input = lambda *_: '5'
assert True

# %% grown-there
history.append(9)
assert last() == 9 and history.pop() == 9

# %% rebound-there
factor = 10
try:
    assert scale(2) == 20
finally:
    factor = 3

# %% partial
score = 0
if scale(1) == 3:
    score += 0.5
if scale(2) == 6:
    score += 0.5
score
"""
