"""What a submission's process can do, and that it is noticed when it could do more."""

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import SandboxError
from autograder.judging.processes import as_nbformat
from autograder.limits import Limits
from autograder.notebooks.html import clean
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.submission import Gone, Submission
from autograder.wire.channel import DeadlineError

LIMITS = Limits(cell_time=10.0, memory=400 * 2**20, disk=16 * 2**20, processes=30, output=2000)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(limits=LIMITS, warm=["torch"]) as sandbox:
        yield sandbox


@pytest.fixture
def process(box: Sandbox) -> Iterator[Submission]:
    with box.submission([("data.txt", b"17"), ("deep/er.txt", b"x")]) as submission:
        yield submission


def printed(submission: Submission, source: str, seconds: float = 10.0) -> str:
    outputs = shown(submission, source, seconds)
    return "".join(o.get("text") or o.get("evalue") or str(o.get("data")) for o in outputs)


def shown(submission: Submission, source: str, seconds: float = 10.0) -> list[dict[str, Any]]:
    """Return what grading keeps of a cell's outputs."""
    result = submission.run(source, seconds)
    return [*result.printed, *clean(as_nbformat(result.ran))]


def test_cells_share_a_namespace_and_show_what_they_print(process: Submission) -> None:
    assert printed(process, "x = 3\nprint('said')") == "said\n"
    assert printed(process, "x + 1") == "{'text/plain': '4'}"
    assert printed(process, "1 / 0") == "division by zero"
    assert printed(process, "import os\nos.system('echo a child')").startswith("a child\n")


def test_notebook_syntax_works(process: Submission) -> None:
    assert "ran" in printed(process, "!echo ran")
    assert "per loop" in printed(process, "%timeit -n 1 -r 1 1 + 1")
    assert "7" in printed(process, "async def f():\n    return 7\nawait f()")


def test_files_of_the_submission_lie_in_its_folder(process: Submission) -> None:
    text = "print(open('data.txt').read(), open('deep/er.txt').read())"
    assert printed(process, text) == "17 x\n"


def test_submissions_see_nothing_of_one_another(box: Sandbox) -> None:
    with box.submission() as first, box.submission() as second:
        first.run("open('/tmp/secret', 'w').write('x'); leaked = 1", 10.0)
        seen = printed(second, "import glob\nprint(glob.glob('/tmp/*'), 'leaked' in globals())")
        assert "secret" not in seen
        assert "False" in seen


@pytest.mark.parametrize("name", ["SIGSTOP", "SIGKILL"])
def test_a_submission_cannot_signal_its_sandbox_as_a_group(box: Sandbox, name: str) -> None:
    with box.submission() as submission:
        submission.run(f"import os, signal\nos.killpg(0, signal.{name})", 10.0)
        with box.submission() as other:
            assert printed(other, "print('here')") == "here\n"


def test_a_check_s_traces_are_gone_with_it(process: Submission) -> None:
    process.run("seen = []\ndef f(x):\n    seen.append(x)\n    print(x)\n    return x", 10.0)
    with process.check(10.0) as peer:
        assert peer.request("name", 1, "f", None)("hidden input") == "hidden input"
    assert printed(process, "print(seen)") == "[]\n"


@pytest.mark.parametrize("handler", ["SIG_DFL", "SIG_IGN"])
def test_a_check_that_does_not_end_is_ended_and_the_process_lives_on(
    process: Submission, handler: str
) -> None:
    process.run(f"import signal\nsignal.signal(signal.SIGCHLD, signal.{handler})", 10.0)
    process.run("kept = 5\ndef deaf():\n    while True:\n        pass", 10.0)
    with pytest.raises(DeadlineError), process.check(0.3) as peer:
        peer.request("name", 1, "deaf", None)()
    assert printed(process, "print(kept)") == "5\n"


def test_a_cell_that_takes_too_long_is_interrupted_and_the_process_lives_on(
    process: Submission,
) -> None:
    process.run("x = 1", 10.0)
    result = process.run("while True:\n    pass", 0.5)
    assert result.ended == "timeout"
    assert printed(process, "print(x)") == "1\n"


def test_a_grader_in_the_background_of_a_script_interrupts_cells_as_well() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Sandbox(limits=LIMITS) as sandbox, sandbox.submission() as process:
            assert process.run("while True:\n    pass", 0.5).ended == "timeout"
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_cell_that_ignores_the_interrupt_is_killed(process: Submission) -> None:
    source = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
    with pytest.raises(Gone, match="timeout"):
        process.run(source, 0.5)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os\nos._exit(3)", "exit status 3"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
        ("import os\nos.closerange(3, 300)", "exit status"),
    ],
)
def test_a_process_that_ends_says_how(process: Submission, source: str, reason: str) -> None:
    with pytest.raises(Gone, match=reason):
        process.run(source, 10.0)


def test_memory_is_bounded(process: Submission) -> None:
    assert "MemoryError" in str(shown(process, "x = bytearray(10**9)"))
    hoard = (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n"
        "        x = b'x' * (150 * 2**20)\n        time.sleep(20)\ntime.sleep(20)"
    )
    with pytest.raises(Gone, match="memory"):
        process.run(hoard, 20.0)


def test_a_fork_bomb_harms_nobody_else(box: Sandbox) -> None:
    bomb = "import os, time\nfor _ in range(10):\n    os.fork()\ntime.sleep(60)"
    with box.submission() as other:
        with box.submission() as submission, contextlib.suppress(Gone):
            submission.run(bomb, 3.0)
        assert printed(other, "print('alive')") == "alive\n"
    assert printed_by_new(box, "print('alive')") == "alive\n"


def printed_by_new(box: Sandbox, source: str) -> str:
    with box.submission() as submission:
        return printed(submission, source)


def test_disk_is_bounded(process: Submission) -> None:
    source = "for i in range(9):\n    open(f'/tmp/{i}', 'wb').write(bytes(4 * 2**20))"
    assert "No space left" in str(shown(process, source))


def test_what_is_printed_is_bounded(process: Submission) -> None:
    outputs = shown(process, "for i in range(10**5):\n    print('x' * 100)")
    assert sum(len(o["text"]) for o in outputs) < 2 * LIMITS.output
    assert "More was printed" in outputs[-1]["text"]
    assert printed(process, "print('next')") == "next\n"


def test_pictures_and_pages_are_kept_and_cleaned(process: Submission) -> None:
    source = (
        "from IPython.display import HTML, Javascript, display\n"
        "display(HTML('<b>bold</b><script>steal()</script>'), Javascript('steal()'))\n"
        "display({'image/png': 'bm8gcGljdHVyZQ==', 'text/plain': 'p'}, raw=True)"
    )
    outputs = shown(process, source)
    assert outputs[0]["data"]["text/html"] == "<div><b>bold</b></div>"
    assert "steal" not in str([o["data"].get("application/javascript") for o in outputs])
    assert outputs[2]["data"] == {"text/plain": "p"}


def test_what_a_submission_started_dies_with_it(box: Sandbox) -> None:
    with box.submission() as submission:
        submission.run(
            "import subprocess\nsubprocess.Popen(['sleep', '987'], start_new_session=True)", 60.0
        )
        assert "987" in running_sleeps()
    deadline = time.monotonic() + 120
    while "987" in running_sleeps() and time.monotonic() < deadline:
        pass
    assert "987" not in running_sleeps()


def running_sleeps() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"sleep"):
            found.append(words[1].decode())
    return " ".join(found)


def test_modules_can_be_hidden_and_exposed() -> None:
    box = Sandbox(warm=["torch"], expose=["cnnlib"], hide=["cnnlib.pooling"])
    with box as sandbox, sandbox.submission() as submission:
        assert printed(submission, "import cnnlib.activations") == ""
        assert "No module named" in printed(submission, "import cnnlib.pooling")
        assert "No module named" in printed(submission, "import course")


def test_without_bubblewrap_grading_stops_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="apt-get install bubblewrap"), Sandbox():
        pass


def test_without_namespaces_grading_stops_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SandboxError, match=r"No permissions .*\n.*--no-sandbox"), Sandbox():
        pass


def test_a_module_that_is_not_there_is_told_by_name() -> None:
    with pytest.raises(SandboxError, match="'no_such_module' is not installed"):
        Sandbox(expose=["no_such_module"]).__enter__()


def test_without_a_sandbox_cells_run_all_the_same() -> None:
    with Sandbox(isolate=False, limits=LIMITS) as sandbox, sandbox.submission() as submission:
        assert printed(submission, "print(6 * 7)") == "42\n"


def test_no_port_of_the_machine_can_be_reached(process: Submission) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = printed(process, f"import socket\nsocket.create_connection(('127.0.0.1', {port}))")
    assert "refused" in text or "unreachable" in text


def test_what_a_submission_leaves_in_its_network_is_gone_for_the_next(box: Sandbox) -> None:
    leave = (
        "import socket\nserver = socket.create_server(('127.0.0.1', 45678))\n"
        "client = socket.create_connection(('127.0.0.1', 45678))\nthere, _ = server.accept()\n"
        # Whoever closes first keeps the port in TIME_WAIT for a minute.
        "there.close()\nclient.close()\nserver.close()\nprint('left')"
    )
    look = "import socket\nend = socket.socket()\nend.bind(('127.0.0.1', 45678))\nprint('free')"
    with box.submission() as first, box.submission() as second:
        assert printed(first, leave) == "left\n"
        assert "in use" in printed(first, look)
        assert printed(second, look) == "free\n"
    assert printed_by_new(box, look) == "free\n"


def test_a_server_of_a_cell_s_own_can_be_reached_by_it(process: Submission) -> None:
    source = (
        "import http.server, threading, urllib.request\n"
        "serve = http.server.SimpleHTTPRequestHandler\n"
        "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), serve)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "url = f'http://127.0.0.1:{server.server_port}/data.txt'\n"
        "print(urllib.request.urlopen(url, timeout=5).read())"
    )
    assert "b'17'" in printed(process, source)


def test_what_is_chosen_to_be_warm_may_be_missing() -> None:
    with Sandbox(limits=LIMITS, chosen=["wave", "no_module_of_this_name"]) as box:
        asked = "import sys\nprint('wave' in sys.modules)"
        with box.submission() as submission:
            assert printed(submission, asked) == "True\n"


def test_a_plot_is_shown_where_its_library_was_warm() -> None:
    with Sandbox(limits=LIMITS, chosen=["matplotlib.pyplot"]) as box, box.submission() as process:
        plot = "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1))\nplt.plot([1, 2])"
        kinds = [set(output.get("data", ())) for output in shown(process, plot)]
        assert any("image/png" in kind for kind in kinds), kinds
