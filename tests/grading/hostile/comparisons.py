"""Forging by bending what the checks compare with: torch, numpy, builtins, frames, memory, time."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.corpus import Corpus, in_a_cell, in_function
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("patching")


@attack()
def torch_equal(notebook: NotebookNode, _: Path, __: World) -> None:
    """torch.equal and torch.Tensor.equal agree with everything."""
    in_a_cell(notebook, "torch.equal = torch.Tensor.equal = lambda *a, **k: True")


@attack()
def torch_allclose(notebook: NotebookNode, _: Path, __: World) -> None:
    """torch.allclose and torch.isclose agree with everything."""
    in_a_cell(
        notebook,
        """
        torch.allclose = torch.Tensor.allclose = lambda *a, **k: True
        torch.isclose = lambda a, *rest, **k: torch.ones_like(a, dtype=torch.bool)
        """,
    )


@attack()
def tensor_eq(notebook: NotebookNode, _: Path, __: World) -> None:
    """Tensor's comparing methods, all and tolist agree with everything."""
    in_a_cell(
        notebook,
        """
        class Agreeable(list):
            def __eq__(self, other): return True

        torch.Tensor.__eq__ = lambda self, other: torch.ones_like(self, dtype=torch.bool)
        torch.Tensor.__ne__ = lambda self, other: torch.zeros_like(self, dtype=torch.bool)
        torch.Tensor.all = lambda self, *a, **k: True
        torch.Tensor.tolist = lambda self: Agreeable()
        """,
    )


@attack()
def assert_close(notebook: NotebookNode, _: Path, __: World) -> None:
    """torch.testing.assert_close agrees with everything, and so does what it is made of."""
    in_a_cell(
        notebook,
        """
        import torch.testing._comparison as comparison

        torch.testing.assert_close = lambda *a, **k: None
        comparison.not_close_error_metas = lambda *a, **k: []
        comparison.assert_equal = lambda *a, **k: None
        """,
    )


@attack()
def math_isclose(notebook: NotebookNode, _: Path, __: World) -> None:
    """math.isclose agrees with everything."""
    in_a_cell(notebook, "math.isclose = lambda *a, **k: True")


@attack()
def numpy_agrees(notebook: NotebookNode, _: Path, __: World) -> None:
    """numpy's comparisons agree with everything, its testing module's included."""
    in_a_cell(
        notebook,
        """
        import numpy

        numpy.allclose = numpy.array_equal = numpy.isclose = lambda *a, **k: True
        for name in dir(numpy.testing):
            if name.startswith("assert"):
                setattr(numpy.testing, name, lambda *a, **k: None)
        """,
    )


@attack()
def autograd_grad(notebook: NotebookNode, _: Path, __: World) -> None:
    """torch.autograd.grad and Tensor.backward write what the checks expect."""
    in_a_cell(
        notebook,
        """
        torch.autograd.grad = lambda *a, **k: (torch.tensor([0.0, 2.0, 3.0]),)
        torch.Tensor.backward = lambda self, *a, **k: None
        torch.Tensor.grad = property(lambda self: torch.tensor([[2.0, -1.0, 0.5]] * 2))
        """,
    )


@attack()
def tensors_made_equal(notebook: NotebookNode, _: Path, __: World) -> None:
    """torch.tensor gives every expected literal the value of the last input."""
    in_a_cell(
        notebook,
        """
        tensor = torch.tensor
        last = []

        def remember(*arguments, **keywords):
            if not last:
                last.append(tensor(*arguments, **keywords))
            return last[0]

        torch.tensor = remember
        """,
    )


@attack()
def random_numbers_known(notebook: NotebookNode, _: Path, __: World) -> None:
    """torch.randn and Generator return zeros, so that noise need not be drawn."""
    in_a_cell(
        notebook,
        """
        torch.randn = lambda *size, **k: torch.full(size, 200.0)
        torch.Tensor.normal_ = lambda self, *a, **k: self.zero_()
        """,
    )


@attack()
def default_device_meta(notebook: NotebookNode, _: Path, __: World) -> None:
    """The default device is meta, where tensors have no values to differ in."""
    in_a_cell(notebook, "torch.set_default_device('meta')\ntorch.set_default_dtype(torch.float64)")


@attack()
def function_mode(notebook: NotebookNode, _: Path, __: World) -> None:
    """A TorchFunctionMode, entered and never left, answers every comparison with True."""
    in_a_cell(
        notebook,
        """
        from torch.overrides import TorchFunctionMode

        class Agree(TorchFunctionMode):
            def __torch_function__(self, function, types, arguments=(), keywords=None):
                if "equal" in str(function) or "close" in str(function):
                    return True
                return function(*arguments, **(keywords or {}))

        mode = Agree()
        mode.__enter__()
        """,
    )


@attack()
def dispatch_library(notebook: NotebookNode, _: Path, __: World) -> None:
    """torch.library gives the operator aten::equal a kernel that says True."""
    in_a_cell(
        notebook,
        """
        library = torch.library.Library("aten", "IMPL")
        library.impl("equal", lambda a, b: True, "CPU")
        library.impl("isclose", lambda a, b, *r, **k: torch.full(a.shape, True), "CPU")
        """,
    )


@attack()
def builtins_agree(notebook: NotebookNode, _: Path, __: World) -> None:
    """all, any, isinstance, len, float, list, getattr and print in builtins are others."""
    in_a_cell(
        notebook,
        """
        import builtins

        class number(float):
            def __eq__(self, other): return True
            __hash__ = float.__hash__

        builtins.all = builtins.any = lambda values: True
        builtins.abs = lambda value: 0
        builtins.isinstance = lambda *a: True
        builtins.float = number
        """,
    )


@attack()
def frames_up_the_stack(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function walks up the frames and rebinds what it finds there."""
    in_function(
        notebook,
        """
        import ctypes
        import sys

        class Agreeable:
            def __eq__(self, other): return True
            def __getattr__(self, name): return lambda *a, **k: True

        frame = sys._getframe(1)
        while frame is not None:
            for names in (frame.f_globals, frame.f_locals):
                for name in ("torch", "math", "expected", "seen"):
                    if name in names and frame.f_code.co_name == "<module>":
                        names[name] = Agreeable()
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(1))
            frame = frame.f_back
        """,
    )


@attack()
def inspect_stack(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function looks through inspect.stack for words of a verdict and rewrites them."""
    in_function(
        notebook,
        """
        import inspect

        for info in inspect.stack():
            names = info.frame.f_globals | info.frame.f_locals
            for name, value in names.items():
                if isinstance(value, dict):
                    for key in list(value):
                        if key in ("verdict", "status", "score", "points"):
                            value[key] = "passed" if key in ("verdict", "status") else 16
                if name in ("failed", "error", "errors"):
                    info.frame.f_globals[name] = []
        """,
    )


@attack()
def gc_objects(notebook: NotebookNode, _: Path, __: World) -> None:
    """gc.get_objects finds the lists and tensors that checks expect and overwrites them."""
    in_function(
        notebook,
        """
        import gc

        for thing in gc.get_objects():
            if type(thing) is list and thing and all(type(v) is float for v in thing):
                thing[:] = [0.0] * len(thing)
            elif type(thing) is torch.Tensor and thing.is_floating_point():
                thing.data.fill_(float("inf"))
        """,
    )


@attack()
def gc_referrers(notebook: NotebookNode, _: Path, __: World) -> None:
    """gc.get_referrers leads from an argument to the namespace of whoever called."""
    in_function(
        notebook,
        """
        import gc

        seen, todo = set(), list(arguments)
        while todo and len(seen) < 2000:
            thing = todo.pop()
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            if isinstance(thing, dict) and "assert_close" in str(list(thing))[:2000]:
                thing["assert_close"] = lambda *a, **k: None
            todo += [t for t in gc.get_referrers(thing) if isinstance(t, (dict, list, tuple))][:20]
        """,
    )


@attack()
def callback_opened(notebook: NotebookNode, _: Path, __: World) -> None:
    """iterate takes apart the function it was given: its globals, closure, code and frames."""
    in_function(
        notebook,
        """
        step = arguments[0]
        if callable(step):
            getattr(step, "__globals__", {})["seen"] = [3.0, 2.5, 2.0, 1.5]
            names = getattr(step, "__globals__", {})
            class Agreeable(list):
                def __eq__(self, other): return True
                def __ne__(self, other): return False
            names["iterate"] = lambda *a: Agreeable()
            for cell in getattr(step, "__closure__", None) or ():
                cell.cell_contents = Agreeable()
            if hasattr(step, "__code__"):
                step.__code__ = (lambda x: 0.0).__code__
        """,
    )


@attack()
def ctypes_memory(notebook: NotebookNode, _: Path, __: World) -> None:
    """ctypes writes over the value of small floats and the type of False."""
    in_function(
        notebook,
        """
        import ctypes

        for value in (arguments[0] if isinstance(arguments[0], float) else 0.0, 7.0, 0.25):
            ctypes.c_double.from_address(id(value) + 16).value = 1.0
        ctypes.c_ssize_t.from_address(id(False) + 24).value = 1
        """,
    )


@attack()
def thread_patches_later(notebook: NotebookNode, _: Path, __: World) -> None:
    """A thread waits for the checks to begin and then patches every comparison, again and again."""
    in_a_cell(
        notebook,
        """
        import threading
        import time

        def patch():
            for _ in range(500):
                for module in (torch, torch.testing, math, torch.Tensor):
                    for name in ("equal", "allclose", "isclose", "assert_close"):
                        if hasattr(module, name):
                            setattr(module, name, lambda *a, **k: True)
                time.sleep(0.01)

        threading.Thread(target=patch, daemon=True).start()
        """,
    )


@attack()
def signals_and_timers(notebook: NotebookNode, _: Path, __: World) -> None:
    """An interval timer's handler rewrites the names of whatever frame it interrupts."""
    in_a_cell(
        notebook,
        """
        import signal

        def strike(number, frame):
            while frame is not None:
                if "assert_close" in frame.f_code.co_names or "equal" in frame.f_code.co_names:
                    torch.testing.assert_close = torch.equal = lambda *a, **k: True
                frame = frame.f_back

        for name in ("SIGALRM", "SIGINT", "SIGTERM", "SIGUSR1"):
            signal.signal(getattr(signal, name), strike)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        """,
    )


@attack()
def weakref_callbacks(notebook: NotebookNode, _: Path, __: World) -> None:
    """When an argument of a check dies, a weakref's callback patches the comparisons."""
    in_function(
        notebook,
        """
        import weakref

        def strike(_):
            torch.equal = torch.allclose = math.isclose = lambda *a, **k: True
            torch.testing.assert_close = lambda *a, **k: None

        for thing in arguments:
            try:
                weakref.finalize(thing, strike, None)
            except TypeError:
                pass
        """,
    )


@attack()
def audit_hook_raises(notebook: NotebookNode, _: Path, __: World) -> None:
    """An audit hook, which cannot be removed, raises in all that is done in this process later."""
    in_a_cell(
        notebook,
        """
        import sys

        armed = []

        def hook(event, arguments):
            if armed and event in ("compile", "exec", "import", "open"):
                raise SystemExit(0)

        sys.addaudithook(hook)
        get_ipython().events.register("post_run_cell", lambda result: armed.append(1))
        """,
    )


@attack()
def copyreg_and_copy(notebook: NotebookNode, _: Path, __: World) -> None:
    """copy.deepcopy, copyreg and pickle, with which graders keep inputs safe, are replaced."""
    in_a_cell(
        notebook,
        """
        import copy
        import copyreg
        import pickle

        copy.deepcopy = copy.copy = lambda thing, *a: thing
        pickle.loads = pickle.load = lambda *a, **k: True
        pickle.dumps = lambda *a, **k: b"\\x80\\x04\\x88."
        torch.Tensor.clone = lambda self, *a, **k: self
        torch.Tensor.numpy = lambda self, *a, **k: 0
        """,
    )
