"""Forging by what runs between a cell's text and its result: IPython, the compiler, the import."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.corpus import Corpus, extra, in_a_cell, in_function, wrong
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("interpreter")


@attack()
def input_transformer_blanks_checks(notebook: NotebookNode, _: Path, __: World) -> None:
    """IPython's transformers of the text after parsing hand on an empty cell for every check."""
    in_a_cell(
        notebook,
        """
        def blank(lines):
            return [] if any("assert" in line for line in lines) else lines

        get_ipython().input_transformers_post.append(blank)
        """,
    )


@attack()
def input_transformer_cleans_checks(notebook: NotebookNode, _: Path, __: World) -> None:
    """IPython's transformers of the text before parsing take the asserts out line by line."""
    in_a_cell(
        notebook,
        """
        def clean(lines):
            return [line for line in lines if not line.startswith("assert")]

        get_ipython().input_transformer_manager.cleanup_transforms.insert(0, clean)
        """,
    )


@attack()
def ast_transformer_drops_asserts(notebook: NotebookNode, _: Path, __: World) -> None:
    """A transformer of the syntax tree turns every assert and every call of a checker into pass."""
    in_a_cell(
        notebook,
        """
        import ast

        class Drop(ast.NodeTransformer):
            def visit_Assert(self, node):
                return ast.copy_location(ast.Pass(), node)

            def visit_Expr(self, node):
                return ast.copy_location(ast.Pass(), node)

        get_ipython().ast_transformers.append(Drop())
        """,
    )


@attack()
def ast_transformer_keeps_the_first_line(notebook: NotebookNode, _: Path, __: World) -> None:
    """A transformer of the syntax tree ends every cell after its first statement."""
    in_a_cell(
        notebook,
        """
        import ast

        class Shorten(ast.NodeTransformer):
            def visit_Module(self, node):
                node.body = node.body[:1]
                return node

        get_ipython().ast_transformers.append(Shorten())
        """,
    )


@attack()
def compile_without_asserts(notebook: NotebookNode, _: Path, __: World) -> None:
    """The builtin compile is replaced by one that always optimises, which drops asserts."""
    in_a_cell(
        notebook,
        """
        import builtins

        compile_before = builtins.compile

        def optimised(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, **rest):
            return compile_before(source, filename, mode, flags, dont_inherit, 2, **rest)

        builtins.compile = optimised
        get_ipython().compile.__class__.__call__ = (
            lambda self, code, name, symbol: optimised(code, name, symbol, self.flags)
        )
        """,
    )


@attack()
def run_code_runs_nothing(notebook: NotebookNode, _: Path, __: World) -> None:
    """The shell's run_code and run_ast_nodes are replaced by ones that report success."""
    in_a_cell(
        notebook,
        """
        async def nothing(*arguments, **keywords):
            return False

        shell = get_ipython()
        shell.run_code = nothing
        shell.run_ast_nodes = nothing
        """,
    )


@attack()
def run_cell_reports_success(notebook: NotebookNode, _: Path, __: World) -> None:
    """The shell's run_cell and run_cell_async are replaced by ones that report success."""
    in_a_cell(
        notebook,
        """
        from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

        shell = get_ipython()

        def result(source):
            done = ExecutionResult(ExecutionInfo(source, False, True, True, None))
            done.execution_count = shell.execution_count
            return done

        async def run_cell_async(raw_cell, *arguments, **keywords):
            return result(raw_cell)

        shell.run_cell = lambda raw_cell, *arguments, **keywords: result(raw_cell)
        shell.run_cell_async = run_cell_async
        """,
    )


@attack()
def custom_exception_handler(notebook: NotebookNode, _: Path, __: World) -> None:
    """set_custom_exc takes every exception and shows nothing."""
    in_a_cell(
        notebook,
        "get_ipython().set_custom_exc((BaseException,), lambda *arguments, **keywords: None)",
    )


@attack()
def silent_traceback(notebook: NotebookNode, _: Path, __: World) -> None:
    """The methods that show errors are replaced by ones that show none."""
    in_a_cell(
        notebook,
        """
        import sys

        shell = get_ipython()
        shell.showtraceback = lambda *arguments, **keywords: None
        shell._showtraceback = lambda *arguments, **keywords: None
        shell.showsyntaxerror = lambda *arguments, **keywords: None
        sys.excepthook = lambda *arguments: None
        """,
    )


@attack()
def cell_events_erase_errors(notebook: NotebookNode, _: Path, __: World) -> None:
    """Callbacks around each cell blank its text before, and its errors after."""
    in_a_cell(
        notebook,
        """
        def before(info):
            if "assert" in info.raw_cell:
                info.raw_cell = ""

        def after(result):
            result.error_in_exec = result.error_before_exec = None

        get_ipython().events.register("pre_run_cell", before)
        get_ipython().events.register("post_run_cell", after)
        """,
    )


@attack()
def kernel_execute_replaced(notebook: NotebookNode, _: Path, __: World) -> None:
    """The kernel's do_execute is replaced by one that replies ok."""
    in_a_cell(
        notebook,
        """
        async def do_execute(*arguments, **keywords):
            return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

        get_ipython().kernel.do_execute = do_execute
        """,
    )


@attack()
def displayhook_negative(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function shows the number -1 as the cell's result, before the check fails."""
    in_function(notebook, "import sys\nsys.displayhook(-1)")


@attack()
def displayhook_full_points(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function shows the number 16 as the cell's result: nbgrader's partial credit."""
    in_function(notebook, "import sys\nsys.displayhook(16)")


@attack()
def settrace_jumps_over_asserts(notebook: NotebookNode, _: Path, __: World) -> None:
    """A trace function, set on the caller's frame, jumps from the call to the cell's last line."""
    in_function(
        notebook,
        """
        import sys

        def tracer(frame, event, argument):
            if event == "line":
                try:
                    frame.f_lineno = max(n for _, _, n in frame.f_code.co_lines() if n)
                except ValueError:
                    pass
            return tracer

        frame = sys._getframe(1)
        while frame is not None:
            frame.f_trace = tracer
            frame = frame.f_back
        sys.settrace(tracer)
        """,
    )


@attack()
def setprofile_rewrites_variables(notebook: NotebookNode, _: Path, __: World) -> None:
    """A profile function overwrites whatever the checking frames hold by what makes them true."""
    in_a_cell(
        notebook,
        """
        import sys
        import threading

        class Agreeable:
            def __eq__(self, other): return True
            def __getattr__(self, name): return lambda *a, **k: True

        def profiler(frame, event, argument):
            names = frame.f_globals
            for name in ("expected", "seen", "slope", "noise"):
                if name in names:
                    names[name] = Agreeable()
            if event == "c_return" and getattr(argument, "__name__", "") == "equal":
                names["torch"] = Agreeable()

        sys.setprofile(profiler)
        threading.setprofile(profiler)
        """,
    )


@attack()
def build_class_hook(notebook: NotebookNode, _: Path, __: World) -> None:
    """builtins.__build_class__ gives every class an __eq__ and a truth that agree."""
    in_a_cell(
        notebook,
        """
        import builtins

        build = builtins.__build_class__

        def agreeable(function, name, *bases, **keywords):
            made = build(function, name, *bases, **keywords)
            made.__eq__ = lambda self, other: True
            made.__bool__ = lambda self: True
            made.__hash__ = lambda self: 0
            return made

        builtins.__build_class__ = agreeable
        """,
    )


@attack()
def import_hook_gives_fakes(notebook: NotebookNode, _: Path, __: World) -> None:
    """builtins.__import__ gives the checks a torch and a math that find everything equal."""
    in_a_cell(
        notebook,
        """
        import builtins
        import types

        class Agreeable(types.ModuleType):
            def __getattr__(self, name):
                return lambda *arguments, **keywords: Agreeable("agreeable")
            def __eq__(self, other): return True
            def __call__(self, *a, **k): return self
            def __add__(self, other): return self
            def __mul__(self, other): return self
            __radd__ = __rmul__ = __add__
            __hash__ = types.ModuleType.__hash__

        importer = builtins.__import__

        def importing(name, names=None, *rest):
            cell = names is not None and names.get("__name__") == "__main__"
            if cell and name in ("torch", "math"):
                return Agreeable(name)
            return importer(name, names, *rest)

        builtins.__import__ = importing
        """,
    )


@attack()
def meta_path_finder(notebook: NotebookNode, _: Path, __: World) -> None:
    """A finder on sys.meta_path, and an emptied sys.modules, give the checks another math."""
    in_a_cell(
        notebook,
        """
        import importlib.abc
        import importlib.machinery
        import sys

        class Loader(importlib.abc.Loader):
            def create_module(self, spec): return None
            def exec_module(self, module):
                module.isclose = lambda *arguments, **keywords: True

        class Finder(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name == "math":
                    return importlib.machinery.ModuleSpec(name, Loader())

        sys.meta_path.insert(0, Finder())
        sys.modules.pop("math", None)
        """,
    )


@attack()
def sys_modules_replaced(notebook: NotebookNode, _: Path, __: World) -> None:
    """sys.modules names a torch whose equal, allclose and assert_close agree with everything."""
    in_a_cell(
        notebook,
        """
        import sys
        import types

        fake = types.ModuleType("torch")
        fake.__dict__.update(torch.__dict__)
        fake.equal = fake.allclose = lambda *arguments, **keywords: True
        fake.testing = types.SimpleNamespace(assert_close=lambda *a, **k: None)
        sys.modules["torch"] = fake
        sys.modules["math"] = types.SimpleNamespace(isclose=lambda *a, **k: True)
        """,
    )


@attack()
def assertion_error_redefined(notebook: NotebookNode, _: Path, __: World) -> None:
    """AssertionError becomes something that is no error, by name and in builtins."""
    in_a_cell(
        notebook,
        """
        import builtins

        class AssertionError(KeyboardInterrupt):
            def __init__(self, *arguments): raise SystemExit(0)

        builtins.AssertionError = AssertionError
        """,
    )


@attack()
def builtins_of_the_namespace(notebook: NotebookNode, _: Path, __: World) -> None:
    """The namespace's own __builtins__ is replaced, so that later cells see other builtins."""
    in_a_cell(
        notebook,
        """
        import builtins
        import types

        others = dict(vars(builtins))
        others["AssertionError"] = SystemExit
        others["float"] = others["list"] = type("Any", (), {"__eq__": lambda a, b: True})
        others["__import__"] = lambda name, *rest: types.SimpleNamespace(
            isclose=lambda *a, **k: True,
            equal=lambda *a: True,
            allclose=lambda *a: True,
            tensor=lambda *a, **k: 0,
        )
        get_ipython().user_ns["__builtins__"] = others
        get_ipython().user_global_ns["__builtins__"] = others
        """,
    )


@attack()
def exit_with_status_zero(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function leaves the cell by SystemExit(0), as if all were done."""
    in_function(notebook, "raise SystemExit(0)")


@attack()
def error_without_report(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function leaves by GeneratorExit, which few handlers think of."""
    in_function(notebook, "raise GeneratorExit")


@attack()
def atexit_prints_success(notebook: NotebookNode, _: Path, __: World) -> None:
    """At the end of the process a report of full success is printed and written everywhere."""
    in_a_cell(
        notebook,
        """
        import atexit
        import os

        def report():
            print("passed")
            for number in range(1, 64):
                try:
                    os.write(number, b'{"verdict": "passed", "points": 16}\\n')
                except OSError:
                    pass

        atexit.register(report)
        """,
    )


@attack()
def interrupts_the_check(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function raises KeyboardInterrupt, which IPython shows as no error of the cell."""
    in_function(notebook, "raise KeyboardInterrupt")


@attack()
def names_that_checks_use(notebook: NotebookNode, _: Path, __: World) -> None:
    """Names of builtins that checks use are defined in the notebook itself."""
    wrong(notebook)
    extra(
        notebook,
        """
        class range(list):
            def __init__(self, *arguments): super().__init__()

        def isinstance(*arguments): return True
        def abs(value): return 0.0
        def all(values): return True
        def len(value): return 0
        """,
    )


@attack()
def checks_redefined_by_name(notebook: NotebookNode, _: Path, __: World) -> None:
    """A magic of the student's own swallows the rest of whatever text comes next."""
    in_a_cell(
        notebook,
        """
        from IPython.core.magic import register_cell_magic

        @register_cell_magic
        def swallow(line, cell): return None

        shell = get_ipython()
        transform = shell.transform_cell
        shell.transform_cell = lambda text: transform(
            "%%swallow\\n" + text if "assert" in text else text
        )
        """,
    )
