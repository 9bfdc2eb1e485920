"""A program nobody has read is stopped at every limit, and nothing outside its folder changes."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hybridwing.submission.sandbox.captured import KEPT
from hybridwing.submission.sandbox.outcome import Outcome, Protection
from hybridwing.submission.sandbox.processes import descendants
from hybridwing.submission.sandbox.sandbox import Limits, read_plain, run_python

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.sandbox
MB = 2**20
QUICK = Limits(seconds=20, memory=300 * MB, output_bytes=MB, disk_bytes=20 * MB, file_bytes=8 * MB, processes=16)
linux = pytest.mark.skipif(sys.platform != "linux", reason="held by the Linux kernel only")
posix = pytest.mark.skipif(os.name == "nt", reason="memory and processes are not watched on Windows")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Outcome]:
    """Run code in the sandbox, in a folder beside which others lie."""
    (tmp_path / "box").mkdir()

    def call(code: str, *arguments: str, limits: Limits = QUICK, **settings: object) -> Outcome:
        program = tmp_path / "box" / "program.py"
        program.write_text(code)
        return run_python(program, arguments, folder=tmp_path / "box", limits=limits, **settings)

    return call


def kernel(outcome: Outcome, name: str) -> None:
    """Skip where the kernel did not grant a guard."""
    if name not in outcome.protection.kernel:
        pytest.skip(f"the kernel grants no {name} here")


class TestOrdinary:
    def test_what_it_sees(self, run, tmp_path, monkeypatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        code = """
import json, os, sys
assert sys.stdin.read() == ""
print(json.dumps([sys.argv[1:], os.getcwd(), sys.path[0], os.environ["HOME"], "AWS_SECRET_ACCESS_KEY" in os.environ,
                  os.environ["EXTRA"], __name__]))
"""
        outcome = run(code, "one", "two", environment={"EXTRA": "yes"})
        assert (outcome.ended, outcome.exit_code) == ("ok", 0)
        arguments, cwd, first, home, secret, extra, name = __import__("json").loads(outcome.output)
        box = str((tmp_path / "box").resolve())
        assert arguments == ["one", "two"]
        assert (cwd, first, secret, extra, name) == (box, box, False, "yes", "__main__")
        assert home.startswith(box)
        assert outcome.network == outcome.writes == ()
        assert outcome.reason(QUICK) == "ended by itself"

    def test_may_write_where_it_is_told(self, run, tmp_path):
        (tmp_path / "more").mkdir()
        code = "import sys, tempfile, os\nfor f in sys.argv[1:]: open(f, 'w').write('x')\n"
        code += "os.mkdir('d'); os.rename('d', 'e'); os.rmdir('e'); tempfile.TemporaryDirectory().cleanup()"
        outcome = run(code, str(tmp_path / "more" / "a"), "here", writable=[tmp_path / "more"])
        assert outcome.ended == "ok", outcome.output
        assert (tmp_path / "more" / "a").read_text() == "x"
        assert (tmp_path / "box" / "here").read_text() == "x"

    def test_an_error(self, run):
        outcome = run("raise ValueError('no')")
        assert (outcome.ended, outcome.exit_code) == ("crash", 1)
        assert outcome.output.rstrip().endswith("ValueError: no")
        assert outcome.reason(QUICK) == "ended with exit code 1"

    @posix
    def test_a_signal(self, run):
        outcome = run("import os; os.abort()")
        assert (outcome.ended, outcome.exit_code) == ("crash", 134)
        assert "signal 6" in outcome.reason(QUICK)

    def test_another_folder_and_interpreter(self, run, tmp_path):
        outcome = run("import os; print(os.getcwd())", cwd=tmp_path, python=Path(sys.executable))
        assert outcome.output.strip() == str(tmp_path.resolve())

    def test_an_interpreter_that_is_not_there(self, run, tmp_path):
        if os.name == "nt":
            pytest.skip("Windows says so at once")
        outcome = run("pass", python=tmp_path / "python")
        assert outcome.ended == "crash"
        assert "could not start the program" in outcome.output


class TestLimits:
    def test_a_loop(self, run):
        begun = time.monotonic()
        outcome = run("while True: pass", limits=Limits(seconds=0.5))
        assert outcome.ended == "timeout"
        assert 0.5 <= outcome.seconds <= time.monotonic() - begun
        assert "after 0.5 s" in outcome.reason(Limits(seconds=0.5))

    @posix
    def test_memory(self, run):
        outcome = run("x = []\nwhile True: x.append(bytearray(8 << 20))")
        assert outcome.ended == "memory"
        assert outcome.peak_memory > 250 * MB
        assert "300 MB" in outcome.reason(QUICK)

    def test_memory_at_once(self, run):
        outcome = run("x = bytearray(10**14)")
        assert outcome.ended == "memory"

    @posix
    def test_memory_of_children(self, run):
        code = "import os, time\nfor _ in range(3):\n  if os.fork() == 0:\n    x = b'x' * (150 << 20); time.sleep(30)\n"
        assert run(f"{code}time.sleep(30)").ended == "memory"

    def test_printing(self, run):
        outcome = run("while True: print('x' * 100_000)")
        assert outcome.ended == "output"
        assert MB < outcome.printed < 3 * MB
        assert len(outcome.output) <= KEPT
        assert "1 MB" in outcome.reason(QUICK)

    @posix
    def test_a_large_file(self, run, tmp_path):
        outcome = run("f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))")
        assert outcome.ended == "crash"
        assert "File too large" in outcome.output
        assert (tmp_path / "box" / "big").stat().st_size <= 8 * MB

    def test_many_files(self, run):
        code = "import time\nfor n in range(10**6):\n  open(str(n), 'wb').write(bytes(4 << 20)); time.sleep(0.02)"
        assert run(code, limits=Limits(seconds=20, disk_bytes=20 * MB)).ended == "disk"

    @posix
    def test_processes(self, run):
        code = "import os, time\nfor _ in range(40):\n  if os.fork() == 0:\n    time.sleep(30)\ntime.sleep(30)"
        outcome = run(code, limits=Limits(seconds=20, processes=16))
        assert outcome.ended == "processes"
        assert "16 processes" in outcome.reason(QUICK)


def started_here(folder: Path) -> list[str]:
    """Programs that were started from a folder, wherever in the tree of processes they are now."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(entry.read_bytes().decode(errors="replace"))
    return [line for line in found if str(folder) in line]


#: Children of this process that a test found there: other tests leave a pool's resource tracker behind.
BEFORE: set[int] = set()


@pytest.fixture(autouse=True)
def children_before() -> None:
    BEFORE.clear()
    BEFORE.update(descendants(os.getpid()).pids)


def children_gone() -> bool:
    end = time.monotonic() + 5
    while set(descendants(os.getpid()).pids) - BEFORE and time.monotonic() < end:
        time.sleep(0.02)
    return not set(descendants(os.getpid()).pids) - BEFORE


@posix
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_descendants_and_their_memory(monkeypatch, platform):
    import shutil
    import subprocess

    if platform == "darwin" and shutil.which("ps") is None:
        pytest.skip("there is no ps here")
    if platform == "linux" and sys.platform != "linux":
        pytest.skip("there is no /proc here")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        monkeypatch.setattr("hybridwing.submission.sandbox.processes.sys.platform", platform)
        tree = descendants(os.getpid())
        child.communicate(b"\n")
    assert child.pid in tree.pids
    assert tree.resident > 0


@pytest.fixture(params=[True, False], ids=["guards", "no guards"])
def with_and_without_guards(request, monkeypatch):
    """As on a kernel that grants everything, and on one that grants nothing."""
    monkeypatch.setattr("hybridwing.submission.sandbox.sandbox._KERNEL_GUARDS", request.param)


@posix
@pytest.mark.usefixtures("with_and_without_guards")
class TestNothingOutlivesIt:
    @pytest.mark.parametrize("last", ["", "time.sleep(60)"])
    def test_grandchildren_in_groups_of_their_own(self, run, tmp_path, last):
        code = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
{last or "pass"}
"""
        outcome = run(code, limits=Limits(seconds=1))
        assert outcome.ended == ("timeout" if last else "ok")
        assert children_gone()
        assert not started_here(tmp_path)

    @linux
    def test_who_ends_its_keeper(self, run, tmp_path):
        code = "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(60)\nos.kill(os.getppid(), 9)\n"
        code += "time.sleep(1)"
        run(code, limits=Limits(seconds=3))
        assert children_gone()
        assert not started_here(tmp_path)

    def test_ctrl_c(self, run, monkeypatch):
        def interrupt(_):
            raise KeyboardInterrupt

        monkeypatch.setattr("hybridwing.submission.sandbox.sandbox.time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run("while True: pass")
        assert children_gone()


class TestWritesElsewhere:
    @pytest.mark.parametrize(
        "code",
        [
            "open(t + '/new', 'w')",
            "open(t + '/kept', 'r+')",
            "os.open(t + '/new', os.O_CREAT | os.O_WRONLY)",
            "os.remove(t + '/kept')",
            "os.rename(t + '/kept', t + '/moved')",
            "os.mkdir(t + '/new')",
            "os.chmod(t + '/kept', 0o777)",
            "os.truncate(t + '/kept', 0)",
            "os.symlink('x', t + '/new')",
            "os.utime(t + '/kept', (0, 0))",
            "open(b'../outside/new', 'w')",
        ],
    )
    def test_python_is_refused_and_it_is_noted(self, run, tmp_path, code):
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "kept").write_text("as it was")
        before = (outside / "kept").stat()
        outcome = run(f"import os, sys\nt = sys.argv[1]\n{code}", str(outside))
        assert outcome.ended == "crash"
        assert "outside the submission's own folder" in outcome.output
        assert len(outcome.writes) == 1
        assert [path.name for path in outside.iterdir()] == ["kept"]
        after = (outside / "kept").stat()
        assert (outside / "kept").read_text() == "as it was"
        assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)

    @linux
    @pytest.mark.parametrize(
        "command",
        [
            "echo x > $T/new",
            "rm $T/kept",
            "chmod 777 $T/kept",
            "touch -d 2001-01-01 $T/kept",
            "ln -s x $T/new",
            "> $T/kept",
        ],
    )
    def test_other_programs_are_refused_by_the_kernel(self, run, tmp_path, command):
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "kept").write_text("as it was")
        before = (outside / "kept").stat()
        code = f"import os, subprocess, sys\nos.environ['T'] = sys.argv[1]\nsubprocess.run({command!r}, shell=True)"
        outcome = run(code, str(outside))
        kernel(outcome, "mounts" if "chmod" in command or "touch" in command else "landlock")
        assert outcome.ended == "ok"
        assert [path.name for path in outside.iterdir()] == ["kept"]
        after = (outside / "kept").stat()
        assert (after.st_mode, after.st_mtime_ns, after.st_size) == (before.st_mode, before.st_mtime_ns, before.st_size)

    @linux
    def test_no_privilege_is_left(self, run):
        code = "print(open('/proc/self/status').read()); import os, subprocess\n"
        code += "subprocess.run('mount -o remount,rw / ; mount -t tmpfs none /mnt; echo ended', shell=True)"
        outcome = run(code)
        kernel(outcome, "mounts")
        assert "CapEff:\t0000000000000000" in outcome.output
        assert "CapBnd:\t0000000000000000" in outcome.output
        assert outcome.output.rstrip().endswith("ended")

    @linux
    def test_other_processes_are_out_of_reach(self, run):
        code = f"import os\ntry:\n  os.kill({os.getpid()}, 0)\nexcept OSError as e: print('unreachable', e)"
        outcome = run(code)
        kernel(outcome, "processes")
        assert outcome.output.startswith("unreachable")


class TestNetwork:
    @pytest.mark.parametrize(
        ("code", "asked"),
        [
            ("socket.create_connection(('192.0.2.1', 80))", "192.0.2.1:80"),
            ("socket.getaddrinfo('huggingface.co', 443)", "huggingface.co:443"),
            ("socket.gethostbyname('huggingface.co')", "huggingface.co"),
            ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))", "192.0.2.1:53"),
        ],
    )
    def test_python_is_refused_and_it_is_noted(self, run, code, asked):
        outcome = run(f"import socket\n{code}")
        assert outcome.ended == "crash"
        assert "Network is unreachable" in outcome.output
        assert outcome.network == (asked,)

    @linux
    def test_a_service_of_this_machine(self, run):
        code = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('/run/docker.sock')"
        outcome = run(code)
        assert outcome.network == ("/run/docker.sock",)

    @linux
    def test_other_programs_have_none_either(self, run):
        outcome = run("import subprocess\nsubprocess.run('cat /proc/net/dev', shell=True)")
        kernel(outcome, "network")
        devices = [line.split(":")[0].strip() for line in outcome.output.splitlines() if ":" in line]
        assert devices == ["lo"]

    def test_allowed(self, run):
        code = (
            "import socket\ntry: socket.create_connection(('127.0.0.1', 9), timeout=2)\nexcept OSError as e: print(e)"
        )
        outcome = run(code, network=True)
        assert outcome.ended == "ok"
        assert outcome.network == ()
        assert outcome.protection.sentence().startswith("network allowed")


def test_protection_says_what_held():
    everything = Protection(frozenset({"mounts", "landlock", "network", "processes"}), network=False, memory=True)
    assert "cut by the kernel" in everything.sentence()
    assert "(mounts and landlock)" in everything.sentence()
    nothing = Protection(frozenset(), network=False, memory=False)
    assert nothing.sentence() == (
        "network kept from Python code; writes elsewhere refused by Python only; processes ended as a group; "
        "memory not watched"
    )


@posix
def test_what_it_leaves_is_read_with_care(run, tmp_path):
    outcome = run(
        "import os\nos.symlink('/etc/passwd', 'link'); os.mkfifo('pipe'); open('plain', 'w').write('x' * 100)"
    )
    assert outcome.ended == "ok"
    box = tmp_path / "box"
    assert read_plain(box / "link") is None
    assert read_plain(box / "pipe") is None
    assert read_plain(box / "none") is None
    assert read_plain(box) is None
    assert read_plain(box / "plain", 10) == b"x" * 10
