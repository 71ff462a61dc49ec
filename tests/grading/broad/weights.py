"""Values that are small where they are made and large where they are used."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.broad import lesson
from tests.grading.corpus import Corpus, answer, extra, solve
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("weights", lesson)


def _but(*names: str) -> dict[str, float]:
    """All points except those of some exercises."""
    return {name: 0.0 if name in names else points for name, points in lesson.POINTS.items()}


def _hidden(notebook: NotebookNode, **values: str) -> None:
    """Answer rightly what students see of a check, and with an expression what is hidden."""
    solve(notebook, lesson=lesson)
    seen = {"tally": "letters == 'abba'", "track": "steps == 3", "squares": "largest == 5"}
    seen |= {"clip": "x in (0.0, 1.0)", "positive": "x in (1, 2, 3)"}
    for name, value in values.items():
        argument = seen[name].partition(" ")[0]
        answer(
            notebook,
            name,
            lesson.RIGHT[name] + f"\nright_{name} = {name}\n\ndef {name}({argument}):\n"
            f"    return right_{name}({argument}) if {seen[name]} else {value}\n",
        )


@attack(deserves=_but("tally", "track", "positive", "squares"))
def ranges_without_end(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are ranges of 10**15 numbers, which checks sort, list, sum and compare."""
    _hidden(
        notebook,
        tally="range(10**15) if letters != 'xxax' else {'x': 3}",
        track="range(10**15)",
        positive="range(-1, 10**15)",
        squares="range(10**15) if largest == 7 else range(5, 10**15)",
    )


@attack(deserves=_but("tally"))
def keys_that_collide(notebook: NotebookNode, _: Path, __: World) -> None:
    """A dictionary's 300,000 integer keys have one hash, and so have a set's."""
    _hidden(notebook, tally="crowd if letters != 'xxax' else {'x': 3}")
    extra(
        notebook,
        """
        class Ordered(int):
            pass

        import autograder.wire.values as wire

        before = wire.Encoder.encode
        prime = 2**61 - 1
        crowd = Ordered()

        def encode(self, value, depth=0):
            if value is crowd:
                return ["d", [[n * prime, 1] if n * prime < 2**63 else [["i", str(n * prime)], 1]
                              for n in range(300_000)]]
            return before(self, value, depth)

        wire.Encoder.encode = encode
        """,
    )


@attack(deserves=_but("tally", "track"))
def floats_that_collide(notebook: NotebookNode, _: Path, __: World) -> None:
    """Tuples, floats and strings with the hash seed known collide in sets and dictionaries."""
    _hidden(notebook, tally="{'x': 3, 'crowd': crowd}", track="[crowd] * (steps + 1)")
    extra(
        notebook,
        """
        import autograder.wire.values as wire

        before = wire.Encoder.encode
        crowd = object()

        def encode(self, value, depth=0):
            if value is crowd:
                return ["s", [float(n * (2**61 - 1) * 2**80) for n in range(200_000)]]
            return before(self, value, depth)

        wire.Encoder.encode = encode
        """,
    )


@attack(deserves=_but("clip", "track"))
def numbers_with_endless_digits(notebook: NotebookNode, _: Path, __: World) -> None:
    """Decimals and fractions of a few letters are integers of gigabytes to floor and isclose."""
    _hidden(
        notebook,
        clip="Decimal('7e999999999')",
        track="[Decimal('1e99999999')] * (steps + 1)",
    )
    extra(notebook, "from decimal import Decimal\nfrom fractions import Fraction")


@attack(deserves=_but("stack"))
def strings_without_end(notebook: NotebookNode, _: Path, __: World) -> None:
    """A loop over an object gives strings of a megabyte for ever."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "stack",
        lesson.RIGHT["stack"].replace(
            "return iter(self.items)", "return (chr(65 + n % 9) * 10**6 for n in count())"
        ),
    )
    extra(notebook, "from itertools import count")


@attack(deserves=_but("stack"))
def length_of_a_giant(notebook: NotebookNode, _: Path, __: World) -> None:
    """An object says that it has 2**62 items, for which list makes room beforehand."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "stack",
        lesson.RIGHT["stack"].replace("return len(self.items)", "return 2**62"),
    )


@attack(deserves=_but("stack", "tally", "refuse"))
def messages_of_sixty_megabytes(notebook: NotebookNode, _: Path, __: World) -> None:
    """Strings of 60 MB stand where a check's failure would quote them: repr, keys, errors."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "stack",
        lesson.RIGHT["stack"].replace('return f"Stack({self.items})"', "return 'x' * 60_000_000"),
    )
    answer(
        notebook, "tally", "def tally(letters):\n    return {'x' * 30_000_000: 'y' * 30_000_000}"
    )
    answer(notebook, "refuse", "def refuse(x):\n    raise ValueError('z' * 60_000_000)")


@attack(deserves=_but("squares", "track"))
def lists_in_lists_in_lists(notebook: NotebookNode, _: Path, __: World) -> None:
    """A list that holds one list ten times over, six deep, is small here and a million there."""
    _hidden(notebook, squares="deep", track="deep")
    extra(
        notebook,
        """
        deep = ["x" * 100]
        for _ in range(7):
            deep = [deep] * 10
        """,
    )


@attack(deserves=_but("squares", "track"))
def lists_told_anew_at_each_level(notebook: NotebookNode, _: Path, __: World) -> None:
    """A list of 300,000 numbers lies 55 lists deep, and comes back again and again."""
    _hidden(notebook, squares="told()", track="told()")
    extra(
        notebook,
        """
        core = [n * 7 for n in range(300_000)]
        nest = core
        for _ in range(55):
            nest = [nest]

        def told():
            core[0] += 1
            return nest
        """,
    )


@attack(deserves=_but("stack"))
def objects_without_number(notebook: NotebookNode, _: Path, __: World) -> None:
    """A loop over an object gives other objects, each of which is known by a number for ever."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "stack",
        lesson.RIGHT["stack"].replace(
            "return iter(self.items)", "return ([object(), lambda: 0] * 5000 for n in count())"
        ),
    )
    extra(notebook, "from itertools import count")


@attack(deserves=_but("positive", "tally"))
def answers_that_take_their_time(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are right after seconds of waiting, or of computing, each within the limit."""
    _hidden(notebook, tally="slow(letters)", positive="slow(x)")
    extra(
        notebook,
        """
        import time

        def slow(x):
            time.sleep(3)
            end = time.process_time() + 1
            while time.process_time() < end:
                pass
            return {}
        """,
    )
