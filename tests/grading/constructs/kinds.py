"""Values of the standard library and of torch that a test compares or asks about."""

__all__ = ["ANSWER", "TESTS"]

ANSWER = """
Point = collections.namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x)


def letters(text):
    return collections.Counter(text)


def groups(words):
    found = collections.defaultdict(list)
    for word in words:
        found[len(word)].append(word)
    return found


def point():
    return Point(1, 2)


def third():
    return Fraction(1, 3)


def price():
    return Decimal("1.50")


def birthday():
    return datetime.date(1815, 12, 10)


def noon():
    return datetime.datetime(2026, 3, 1, 12)


def a_while():
    return datetime.timedelta(days=2)


def ordered():
    return collections.OrderedDict(b=1, a=2)


def queue():
    return collections.deque([1, 2], maxlen=3)
"""

# By the name of each construct.
TESTS = """
# %% counter
assert letters('aab') == {'a': 2, 'b': 1}
assert letters('aab') == collections.Counter('baa')
assert letters('aab').most_common(1) == [('a', 2)] and letters('a')['z'] == 0

# %% defaultdict
assert groups(['a', 'bc', 'd']) == {1: ['a', 'd'], 2: ['bc']}

# %% namedtuple
assert point() == (1, 2) and point().y == 2 and point() == Point(1, 2)
assert isinstance(point(), tuple)

# %% namedtuple-class
assert isinstance(point(), Point) and type(point()).__name__ == 'Point'
assert point()._fields == ('x', 'y')

# %% fraction
assert third() == Fraction(1, 3) and third() * 3 == 1

# %% decimal
assert price() == Decimal('1.5') and isinstance(price(), Decimal)

# %% dates
assert birthday() == datetime.date(1815, 12, 10) and noon().hour == 12
assert a_while() == datetime.timedelta(hours=48)

# %% ordered
assert list(ordered()) == ['b', 'a'] and ordered() == {'a': 2, 'b': 1}
assert queue() == collections.deque([1, 2])

# %% enum
assert Colour.RED.value == 1 and Colour(2) is Colour.BLUE and Colour['RED'].name == 'RED'
assert [c.name for c in Colour] == ['RED', 'BLUE'] and Colour.RED == Colour.RED
assert Colour.RED != Colour.BLUE and len(Colour) == 2

# %% module
net = Net()
assert isinstance(net, torch.nn.Module)
assert issubclass(Net, torch.nn.Module)

# %% module-use
net = Net()
x = torch.ones(3, 2)
assert net(x).shape == (3, 1)
assert sum(p.numel() for p in net.parameters()) == 3
assert net.layer.weight.shape == (1, 2)
"""
