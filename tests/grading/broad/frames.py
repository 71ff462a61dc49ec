"""A worker that is tampered with: it is the submission's own process, and says what it likes.

The cells replace what encodes values, what runs a cell, and what answers a check, so that frames of
the right form carry what no honest worker would send.
"""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.broad import lesson
from tests.grading.corpus import Corpus, extra, wrong
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("frames", lesson)

# Every value that goes to a check is the next of these forms.
ENCODER = """
import itertools

import autograder.wire.values as wire

turns = itertools.cycle(FORMS)
wire.Encoder.encode = lambda self, value, depth=0: next(turns)
"""
ANSWER = """
import autograder.wire.peer as wire

turn = itertools.count()

def answer(self, query):
    ANSWERED

wire.Peer._answer = answer
"""


def _forms(notebook: NotebookNode, forms: str) -> None:
    wrong(notebook, lesson)
    extra(notebook, ENCODER.replace("FORMS", forms))


def _answers(notebook: NotebookNode, code: str, before: str = "") -> None:
    wrong(notebook, lesson)
    body = "\n    ".join(code.strip("\n").splitlines())
    extra(notebook, "import itertools\n" + before + ANSWER.replace("ANSWERED", body))


@attack()
def forms_that_are_malformed(notebook: NotebookNode, _: Path, __: World) -> None:
    """Forms have unknown tags, missing parts, parts of other types, and numbers below zero."""
    _forms(
        notebook,
        """[
            [], ["l"], ["l", 5], ["d", [[1]]], ["d", [[["l", []], 1]]], ["x", "a", 0, 0],
            ["x", 0, 5, 0], ["R", -1, "x", 7], ["R", 1, "x", -1], ["R", "1", 5, 2], ["r", 1],
            ["r", -1], ["E", [["a", "b"]] * 60, "int"], ["E", [], "StopIteration"], ["E", 1, 2],
            ["k", "namedtuple", ["class", ["def", "if"], [1, 2]]], ["k", "Fraction", [1, 0]],
            ["k", "namedtuple", ["tuple", ["count", "index"], [1, 2]]], ["k", "__import__", ["os"]],
            ["T", "float32", [2], [1], "cpu", b"", [0, 0, None]], ["T", "nn", [1], [1], "", b"", 1],
            ["T", "float32", [-1], [1], "cpu", b"", [0, 0, None]], ["D", "nn"], ["D", "__class__"],
            ["V", "cuda:99"], ["V", "meta"], ["S", [2**70]], ["G", "cpu", b""], ["G", "meta", b""],
            ["M", "os:system", True, [], [], [], []], ["M", "torch.nn:ReLU", True, 0, 0, 0, 0],
            ["=", "one", ["l", []]], ["=", 2**63, 1], ["=", 1, ["=", 1, ["=", 1, 1]]],
            ["N", "O", [1], [0], b"12345678"], ["N", "<f8", [2**40, 2**40], [0, 1], b""],
            ["n", "|V99999999", b""], ["n", "<U99999999", b""], ["i", "1" * 5000], ["i", "x"],
            {}, {"a": 1}, float("nan"), b"bytes", "\\ud800" if 0 else "text", True, None,
        ]""",
    )


@attack()
def forms_that_say_passed(notebook: NotebookNode, _: Path, __: World) -> None:
    """Every answer is True, whatever was asked: isinstance, len, in, ==, next, a comparison."""
    _answers(
        notebook,
        """
from autograder.wire.records import Done, write
said = [True, [b"", 0], ["u", [True, True]], 1, ["u", [False, None]]]
value = True if query.operation != "next" else ["u", [False, None]]
if query.operation in ("name", "get", "call", "iter", "item", "class", "binary"):
    value = ["R", next(turn) % 7 + 1, "list", next(turn) % 3]
if query.operation == "len":
    value = 3
self.channel.send(write(Done(value, [], 0)))
""",
    )


@attack()
def arguments_that_come_back_equal(notebook: NotebookNode, _: Path, __: World) -> None:
    """Every argument is said to have changed, into what makes the comparison hold."""
    _answers(
        notebook,
        """
from autograder.wire.records import Done, write
nothing = ["T", "float32", [0], [1], "cpu", b"", [False, False, None]]
changed = [(n, nothing) for n in (0, 0, 0)] if next(turn) % 2 else [(0, ["l", []]), (10**9, 1)]
if query.operation == "name":
    value, changed = ["R", 1, "function", 1], []
else:
    value = nothing
self.channel.send(write(Done(value, changed, 0)))
""",
    )


@attack()
def dtypes_of_millions_of_fields(notebook: NotebookNode, _: Path, __: World) -> None:
    """An array's dtype is a string of 60 MB, of fields, digits, brackets and commas."""
    _forms(
        notebook,
        """[
            ["N", "f4," * 15_000_000, [1], [0], b"1234"], ["n", "(1,)" * 9_000_000 + "f4", b"1234"],
            ["N", "9" * 50_000_000, [1], [0], b"1234"], ["N", "(" * 9_000_000, [1], [0], b"1"],
            ["D", "float32" * 5_000_000], ["V", "cpu:" + "1" * 50_000_000],
            ["T", "x" * 50_000_000, [1], [1], "cpu", b"1234", [0, 0, None]],
            ["k", "x" * 50_000_000, []], ["x" * 50_000_000], ["E", [], "x" * 50_000_000],
        ]""",
    )


@attack()
def shapes_of_millions_of_axes(notebook: NotebookNode, _: Path, __: World) -> None:
    """Tensors and arrays have millions of axes, or strides that lead to terabytes."""
    _forms(
        notebook,
        """[
            ["T", "float32", [1] * 5_000_000, [0] * 5_000_000, "cpu", b"1234", [0, 0, None]],
            ["N", "<f4", [1] * 5_000_000, [*range(5_000_000)], b"1234"],
            ["T", "float32", [2**31, 2**31], [0, 0], "cpu", b"1234", [0, 0, None]],
            ["T", "float32", [2**62] * 9, [0] * 9, "cpu", b"1234", [0, 0, None]],
            ["T", "float32", [0, 2**62], [2**62, 2**62], "cpu", b"", [0, 0, None]],
            ["S", [1] * 9_000_000], ["k", "namedtuple", ["R", ["a"] * 100, [1] * 100]],
            ["k", "deque", [["l", [1] * 5_000_000], 2**62]],
        ]""",
    )


@attack()
def empty_maps_in_millions(notebook: NotebookNode, _: Path, __: World) -> None:
    """A frame of 60 MB holds 60 million empty maps, in a value or in a field that nobody reads."""
    _answers(
        notebook,
        r"""
maps = b"\xdd" + (60_000_000).to_bytes(4, "big") + b"\x80" * 60_000_000
head = b"\x84\xa4type\xa4done\xa5value"
tail = b"\xa7changed\x90\xa4node\x00"
unread = b"\x85\xa4type\xa4done\xa6unread" + maps + b"\xa5value\xc3" + tail
self.channel.send(unread if next(turn) % 2 else head + maps + tail)
""",
    )


@attack()
def lists_a_thousand_deep(notebook: NotebookNode, _: Path, __: World) -> None:
    """A frame of 60 MB is lists within lists, as deep as msgpack has bytes."""
    _answers(
        notebook,
        r"""
head = b"\x84\xa4type\xa4done\xa5value"
depth = (900, 60_000_000)[next(turn) % 2]
self.channel.send(head + b"\x91" * depth + b"\x90\xa7changed\x90\xa4node\x00")
""",
    )


@attack()
def exceptions_of_many_classes(notebook: NotebookNode, _: Path, __: World) -> None:
    """An exception has a million classes, a chain of ten thousand, a name and a text of 30 MB."""
    _answers(
        notebook,
        """
from autograder.wire.records import Raised, write
said = [
    Raised(["StopIteration", "Exception"], "", [("1", "StopIteration")]),
    Raised(["x" * 199] * 250_000, "x" * 10_000_000),
    Raised(["AssertionError"], "x" * 30_000_000, [(str(n), "A" + str(n)) for n in range(100_000)]),
    Raised(["SystemExit"], "0", [("1", "x y"), ("1", "class"), ("1", "")]),
    Raised(["AssertionError"], "passed", [("1", "AssertionError")], "x" * 100_000),
    Raised(["BaseException", "Exception", "object", "type"], "passed"),
]
self.channel.send(write(said[next(turn) % len(said)]))
""",
    )


@attack()
def calls_back_without_end(notebook: NotebookNode, _: Path, __: World) -> None:
    """Every question is answered by a question: calls of the check's functions, graphs, names."""
    _answers(
        notebook,
        """
from autograder.wire.records import Query, write
operations = ["call", "backward", "backward twice", "name", "get", "put", "call"]
form = ["u", [["u", [["T", "float64", [1000], [1], "cpu", bytes(8000), [0, 0, None]]]], ["d", []]]]
n = next(turn)
self.channel.send(write(Query(operations[n % 7], n % 3, "x", form, True, [("random", 0)])))
""",
    )


@attack()
def printed_for_every_call(notebook: NotebookNode, _: Path, __: World) -> None:
    """Each answer says that the call printed, with letters that no terminal knows."""
    _answers(
        notebook,
        r"""
from autograder.wire.records import Done, write
frame = write(Done(["R", 1, "list", 1], [], 0, "\x1b]0;\u202e" * 20_000))
for _ in range(50):
    self.channel.send(frame)
""",
    )


# What a cell is said to have shown.
RAN = """
import itertools

import autograder.wire.records as records

shell = get_ipython()
turn = itertools.count()

def run(source):
    Displayed, Failure = records.Displayed, records.Failure
    n = next(turn)
    SAID
    return records.Ran(displayed, False, failure, count)

shell.run = run
"""


def _ran(notebook: NotebookNode, said: str) -> None:
    wrong(notebook, lesson)
    body = "\n    ".join(said.strip("\n").splitlines())
    cell = RAN.replace("SAID", body)
    for name in reversed(list(lesson.POINTS)):
        extra(notebook, "x = 1", after=name)
    extra(notebook, cell)


@attack()
def counts_and_names_of_cells(notebook: NotebookNode, _: Path, __: World) -> None:
    """The worker claims execution counts beyond reason, and errors with names of 20 MB."""
    _ran(
        notebook,
        """
count = [2**63, -1, 0, 2**64 - 1, 7][n % 5]
displayed = []
failure = Failure("x" * 9_000_000, "y" * 9_000_000, ["z" * 1_000_000] * 30)
""",
    )


@attack()
def displays_in_numbers(notebook: NotebookNode, _: Path, __: World) -> None:
    """The worker claims 300,000 outputs, of kinds that are long, unknown and the same."""
    _ran(
        notebook,
        """
count, failure = 1, None
displayed = [Displayed({"text/plain": "x", "text/html": "<b>"}, True)] * 300_000
if n % 2:
    displayed = [Displayed({f"x-{m}/{'y' * 50}": "x" for m in range(300_000)})]
""",
    )


@attack()
def pictures_that_are_none(notebook: NotebookNode, _: Path, __: World) -> None:
    """The worker claims pictures that are scripts, bombs, and sixty megabytes of one letter."""
    _ran(
        notebook,
        """
import base64, struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 6, 0, 0, 0))
data = chunk(b"IDAT", zlib.compress(bytes(10**8))) + chunk(b"IEND", b"")
bomb = b"\\x89PNG\\r\\n\\x1a\\n" + head + data
script = "\\"><script>spoiled()</script>"
pictures = [base64.b64encode(bomb).decode(), script, "A" * 60_000_000, "data:text/html," + script]
count, failure = 1, None
displayed = [Displayed({"image/png": pictures[n % 4], "image/jpeg": pictures[(n + 1) % 2]})]
""",
    )


@attack()
def pages_claimed_by_the_worker(notebook: NotebookNode, _: Path, __: World) -> None:
    """The worker claims HTML, TeX and Markdown in lengths and depths that a shell would cut."""
    _ran(
        notebook,
        """
html = ["<div>" * 3_000_000, "<img src=x onerror=spoiled()" * 500_000, "[" * 900_000]
tex = "$\\\\href{javascript:spoiled()}{x}$" * 300_000
count, failure = 1, None
displayed = [Displayed({"text/html": html[n % 3], "text/latex": tex, "text/markdown": html[2]})]
""",
    )
