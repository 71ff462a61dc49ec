"""Mutants of a reference: it, with one operator, number, word, keyword or statement changed.

A check that a mutant passes does not look at the place where it was changed (DeMillo, Lipton and
Sayward 1978, "Hints on test data selection"). Most changes are cosmic-ray's; two it does not have:
a statement is left out, a keyword argument is left out. What no check should look at stays:
docstrings, annotations, and the words of what is raised.
"""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from autograder.errors import CourseError
from autograder.lessons.bank import same_code, write_edit
from autograder.lessons.lesson import Exercise
from autograder.notebooks.regions import without_marks

__all__ = ["Mutant", "mutants"]

# What stands in for an operator; of the twelve that Python has, those that one may mistake for it.
BINARY = {
    "Add": ("Sub", "Mul"),
    "Sub": ("Add", "Mul"),
    "Mul": ("Add", "Div"),
    "Div": ("Mul", "FloorDiv"),
    "FloorDiv": ("Div", "Mul"),
    "Mod": ("FloorDiv", "Mul"),
    "Pow": ("Mul",),
    "BitOr": ("BitAnd",),
    "BitAnd": ("BitOr",),
    "BitXor": ("BitOr",),
}
ORDER = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
OPERATORS = (
    *(f"ReplaceBinaryOperator_{a}_{b}" for a, others in BINARY.items() for b in others),
    *(f"ReplaceComparisonOperator_{a}_{b}" for a in ORDER for b in ORDER if a != b),
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_USub_UAdd",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_Invert",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
    "ZeroIterationForLoop",
)

Span = tuple[int, int]  # of characters, from and to


@dataclass(frozen=True)
class Mutant:
    """A reference with one change: the exercise's name, the reference, and all that it became."""

    exercise: str
    reference: str
    source: str

    @property
    def edit(self) -> str:
        """The change, in the words of a bank."""
        return write_edit(self.reference, self.source)


def mutants(exercise: Exercise) -> list[Mutant]:
    """Return the mutants of an exercise's reference, ordered by their places; no two are alike.

    Raises CourseError where cosmic-ray is not installed.
    """
    source = without_marks(exercise.solution)
    tree = ast.parse(source)
    text = _Text(source)
    left_alone = list(_left_alone(tree, text))
    found = {same_code(source): (0, source)}
    changes = [
        *_replaced(source, text),
        *_without_statement(tree, text),
        *_without_keyword(tree, text),
    ]
    for (start, end), changed in changes:
        if any(a <= start and end <= b for a, b in left_alone):
            continue
        try:
            found.setdefault(same_code(changed), (start, changed))
        except SyntaxError:
            continue  # no change that anybody could make
    _, *others = found.values()
    return [Mutant(exercise.name, source, changed) for _, changed in sorted(others)]


class _Text:
    """Where the lines of a source begin, counted in characters."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        """Return the place of a line, from 1, and column, from 0."""
        return self._starts[line - 1] + column

    def span(self, node: ast.expr | ast.keyword | ast.stmt) -> Span:
        """Return from where to where a node stands."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.at(node.lineno, node.col_offset)
        return start, self.at(node.end_lineno, node.end_col_offset)

    def without(self, span: Span, instead: str = "") -> tuple[Span, str]:
        """Return the span, and the source with something else there."""
        return span, self.source[: span[0]] + instead + self.source[span[1] :]


def _left_alone(tree: ast.Module, text: _Text) -> Iterator[Span]:
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call() as error):
                yield from map(text.span, error.args)
                yield from map(text.span, error.keywords)
            case ast.arg(annotation=ast.expr() as hint) | ast.AnnAssign(annotation=hint):
                yield text.span(hint)
            case ast.FunctionDef(returns=ast.expr() as hint):
                yield text.span(hint)


def _replaced(source: str, text: _Text) -> Iterator[tuple[Span, str]]:
    """Yield what cosmic-ray's operators make of a source."""
    try:
        from cosmic_ray.ast import ast_nodes, get_ast
        from cosmic_ray.plugins import get_operator
    except ImportError:
        raise CourseError(
            "mutants need cosmic-ray, which is not installed; it comes with "
            "`pip install --editable '.[dev]'`"
        ) from None
    tree = get_ast(source)
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        for place, node in enumerate(ast_nodes(tree)):
            for number, (start, end) in enumerate(operator.mutation_positions(node)):
                a, b = text.at(*start), text.at(*end)
                if source[a:].startswith("*,"):
                    continue  # what keeps keywords apart is no operator
                # An operator changes the node that it is given.
                fresh = next(islice(ast_nodes(copy.deepcopy(tree)), place, None))
                code = operator.mutate(fresh, number).get_code()
                whole = text.at(*node.get_start_pos_of_prefix()), text.at(*node.end_pos)
                if name == "NumberReplacer":  # it puts a blank before a number
                    code = source[whole[0] : a] + code.strip()
                _, changed = text.without(whole, code)
                yield (a, b), changed


def _without_statement(tree: ast.Module, text: _Text) -> Iterator[tuple[Span, str]]:
    """Yield the source without each statement in a function; a block that is empty then passes."""
    for node in ast.walk(tree):
        for block in (getattr(node, "body", []), getattr(node, "orelse", [])):
            for statement in block if isinstance(block, list) else []:
                docstring = isinstance(statement, ast.Expr) and isinstance(
                    statement.value, ast.Constant
                )
                if docstring or isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Pass):
                    continue
                start, end = text.span(statement)
                if len(block) == 1:
                    yield text.without((start, end), "pass")
                else:
                    line = text.at(statement.lineno, 0)
                    yield text.without((line, text.source.index("\n", end) + 1))


def _without_keyword(tree: ast.Module, text: _Text) -> Iterator[tuple[Span, str]]:
    """Yield the source without each keyword argument of a call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                start, end = text.span(keyword)
                behind = re.match(r"\s*,\s*", text.source[end:])
                before = re.search(r",\s*$", text.source[:start])
                if behind:
                    end += behind.end()
                elif before:
                    start = before.start()
                if keyword.arg is not None:
                    _, changed = text.without((start, end))
                    yield text.span(keyword), changed
