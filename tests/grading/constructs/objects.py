"""Questions about objects of the submission, and what can be done with them."""

__all__ = ["ANSWER", "TESTS"]

ANSWER = '''
class Overdrawn(ValueError):
    pass


class Account:
    """An account at a bank."""

    bank = "Ours"

    def __init__(self, owner, balance=0):
        self.owner, self.balance, self.log = owner, balance, []

    def deposit(self, amount):
        self.balance += amount
        self.log.append(amount)
        return self.balance

    def withdraw(self, amount):
        if amount > self.balance:
            raise Overdrawn(f"{amount} is more than {self.balance}")
        return self.deposit(-amount)

    @property
    def double(self):
        return 2 * self.balance

    def __repr__(self):
        return f"Account({self.owner!r}, {self.balance})"

    def __str__(self):
        return f"{self.owner} has {self.balance}"

    def __len__(self):
        return len(self.log)

    def __iter__(self):
        return iter(self.log)

    def __getitem__(self, index):
        return self.log[index]

    def __contains__(self, amount):
        return amount in self.log

    def __eq__(self, other):
        return isinstance(other, Account) and self.balance == other.balance

    def __hash__(self):
        return hash(self.balance)

    def __lt__(self, other):
        return self.balance < other.balance

    def __add__(self, other):
        return Account(f"{self.owner} and {other.owner}", self.balance + other.balance)

    def __neg__(self):
        return Account(self.owner, -self.balance)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.balance = 0


class Savings(Account):
    pass


def open_account(owner, *, balance=0):
    return Account(owner, balance)


accounts = [Account("ann", 1), Account("bob", 2), Account("cem", 3)]
by_name = {account.owner: account for account in accounts}
'''

# By the name of each construct.
TESTS = """
# %% dir
assert "deposit" in dir(Account("ann"))
assert [n for n in dir(Account) if n[0] != "_"] == ["bank", "deposit", "double", "withdraw"]

# %% vars
assert vars(Account("ann", 3)) == {"owner": "ann", "balance": 3, "log": []}
assert "deposit" in vars(Account)

# %% dict
assert Account("ann", 3).__dict__["balance"] == 3

# %% hasattr
a = Account("ann")
assert hasattr(a, "deposit") and not hasattr(a, "steal")
assert getattr(a, "steal", None) is None

# %% isinstance
assert isinstance(Savings("ann"), Account)
assert not isinstance(Account("ann"), Savings)
assert isinstance(Account, type)

# %% isinstance-builtin
assert isinstance(Account("ann").balance, int)
assert not isinstance(Account("ann"), (int, str))
assert isinstance(Overdrawn(), ValueError)

# %% isinstance-iterable
from collections.abc import Iterable, Mapping
assert isinstance(Account("ann"), Iterable)
assert not isinstance(Account("ann"), Mapping)
assert not isinstance(open_account, Iterable)

# %% issubclass
assert issubclass(Savings, Account)
assert issubclass(Overdrawn, ValueError)

# %% issubclass-object
assert issubclass(Account, object)
assert not issubclass(Account, dict)

# %% callable
assert callable(open_account) and callable(Account("ann").deposit)
assert not callable(Account("ann"))

# %% signature
parameters = inspect.signature(open_account).parameters
assert list(parameters) == ["owner", "balance"]
assert parameters["balance"].default == 0
assert parameters["balance"].kind is inspect.Parameter.KEYWORD_ONLY
assert str(inspect.signature(Account.deposit)) == "(self, amount)"

# %% isfunction
assert inspect.isfunction(open_account) and inspect.isclass(Account)

# %% getsource
assert "return" in inspect.getsource(open_account)

# %% len
a = Account("ann", 9)
a.deposit(1)
a.withdraw(2)
assert len(a) == 2

# %% str
a = Account("ann", 9)
assert str(a) == "ann has 9" and f"{a}!" == "ann has 9!"

# %% repr
assert repr(Account("ann", 9)) == "Account('ann', 9)"

# %% iteration
a = Account("ann", 9)
a.deposit(1)
a.deposit(5)
a.deposit(3)
assert list(a) == [1, 5, 3] and sorted(a) == [1, 3, 5] and sum(a) == 9
assert [2 * x for x in a] == [2, 10, 6] and max(a) == 5 and tuple(a) == (1, 5, 3)

# %% indexing
a = Account("ann", 9)
a.deposit(1)
a.deposit(5)
assert a[0] == 1 and a[-1] == 5 and a[0:1] == [1] and 5 in a and 6 not in a

# %% attributes
a = Account("ann", 4)
assert a.owner == "ann" and a.double == 8
assert Account.bank == "Ours" and a.bank == "Ours"
a.balance = 5
assert a.double == 10
a.balance += 2
assert a.balance == 7
del a.owner
assert not hasattr(a, 'owner')

# %% class-name
assert type(Account("ann")).__name__ == "Account"
assert Account("ann").__class__.__name__ == "Account"
assert Account.__name__ == "Account"

# %% class-is
assert type(Account("ann")) is Account
assert type(Account("ann")) == Account
assert type(Savings("ann")) is not Account

# %% class-dunder
assert Account("ann").__class__ is Account

# %% docstrings
assert "account" in Account.__doc__
assert Account.deposit.__name__ == "deposit"

# %% state
a = Account("ann")
for amount in (1, 2, 3):
    a.deposit(amount)
assert a.balance == 6 and a.log == [1, 2, 3]

# %% state-in-place
a = Account("ann")
a.log.append(4)
assert len(a) == 1

# %% operators
a, b = Account("ann", 1), Account("bob", 2)
assert (a + b).balance == 3
assert (-b).balance == -2 and a < b and b > a and sum([b], a).balance == 3

# %% equality
assert Account("ann", 1) == Account("bob", 1) != Account("ann", 2)
assert Account("ann", 1) in [Account("bob", 1)]

# %% hashing
assert len({Account("ann", 1), Account("bob", 1)}) == 1
assert hash(Account("ann", 1)) == hash(Account("bob", 1))

# %% sorting
assert [a.owner for a in sorted(accounts, reverse=True)] == ['cem', 'bob', 'ann']
assert max(accounts).owner == 'cem'
assert [a.owner for a in sorted(accounts, key=lambda a: -a.balance)][0] == 'cem'

# %% loops
names = []
for place, account in enumerate(accounts):
    names.append((place, account.owner))
assert names == [(0, 'ann'), (1, 'bob'), (2, 'cem')]
assert sum(account.balance for account in accounts) == 6
assert {name: a.balance for name, a in by_name.items()} == {'ann': 1, 'bob': 2, 'cem': 3}
assert all(isinstance(account, Account) for account in accounts)
for one, other in zip(accounts, accounts):
    assert one is other

# %% with
a = Account("ann", 3)
with a as b:
    assert b.balance == 3
assert a.balance == 0

# %% raises
import pytest
with pytest.raises(Overdrawn):
    Account('ann').withdraw(3)
with pytest.raises(ValueError, match='3 is more than 0') as caught:
    Account('ann').withdraw(3)
assert 'more' in str(caught.value)

# %% except
try:
    Account('ann').withdraw(3)
except Overdrawn as error:
    assert str(error) == '3 is more than 0' and isinstance(error, Overdrawn)
else:
    raise AssertionError('nothing was raised')

# %% unittest
import unittest
case = unittest.TestCase()
with case.assertRaises(Overdrawn):
    Account('ann').withdraw(3)
case.assertEqual(Account('ann', 4).double, 8)
case.assertIsInstance(Savings('x'), Account)

# %% truth
a = open_account('ann')
a.deposit(1)
assert a

# %% copying
import copy
a = Account('ann', 3)
b = copy.copy(a)
assert b.balance == 3

# %% setting
ann = Account('ann', 5)

# %% using
assert ann.deposit(1) == 6
"""
