"""A program nobody has read is stopped at every limit, sees nothing of the machine, and changes nothing of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from hybridwing.errors import SubmissionError
from hybridwing.submission.sandbox import bubblewrap, seccomp
from hybridwing.submission.sandbox.bubblewrap import Access, why_no_sandbox
from hybridwing.submission.sandbox.interpreter import inspect_interpreter, running_interpreter
from hybridwing.submission.sandbox.printed_output import KEPT
from hybridwing.submission.sandbox.process_tree import ProcessTree
from hybridwing.submission.sandbox.run_program import PLAIN, SANDBOXED, ResourceLimits, run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hybridwing.submission.sandbox.run_program import ProgramResult

pytestmark = pytest.mark.sandbox
MB = 2**20
QUICK = ResourceLimits(
    seconds=30, memory=300 * MB, output_bytes=MB, disk_bytes=40 * MB, file_bytes=16 * MB, processes=16
)
needs_sandbox = pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox() or "there is a sandbox")
posix = pytest.mark.skipif(os.name == "nt", reason="a POSIX system is needed")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux counts what is written")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """The program's folder; others lie beside it."""
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


@pytest.fixture
def sandboxed(box: Path) -> Callable[..., ProgramResult]:
    """Run code in bubblewrap; it may write into its folder."""

    def call(code: str, *arguments: str, limits: ResourceLimits = QUICK, **settings: object) -> ProgramResult:
        (box / "program.py").write_text(code)
        access = {
            name: settings.pop(name) for name in ("readable", "writable", "hidden", "network") if name in settings
        }
        allowed = Access(**{"writable": [box], **access})
        return run_program(box / "program.py", arguments, folder=box, access=allowed, limits=limits, **settings)

    return call


@pytest.fixture(params=["bubblewrap", "trusted"])
def run(request: pytest.FixtureRequest, sandboxed: Callable[..., ProgramResult]) -> Callable[..., ProgramResult]:
    """The same in bubblewrap and without a sandbox."""
    trusted = request.param == "trusted"
    if not trusted and why_no_sandbox():
        pytest.skip(why_no_sandbox())
    return lambda code, *arguments, **settings: sandboxed(code, *arguments, trusted=trusted, **settings)


class TestOrdinary:
    def test_what_it_is_given(self, run, box, monkeypatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        code = """
import json, os, sys, tempfile
assert sys.stdin.read() == ""
tempfile.TemporaryDirectory().cleanup()
open(os.path.expanduser("~/written"), "w").close()
print(json.dumps([sys.argv[1:], os.getcwd(), sys.path[0], "AWS_SECRET_ACCESS_KEY" in os.environ, os.environ["EXTRA"],
                  __name__]))
"""
        result = run(code, "one", "two", environment={"EXTRA": "yes"})
        assert (result.ending, result.exit_code) == ("ok", 0), result.output
        assert json.loads(result.output) == [["one", "two"], str(box), str(box), False, "yes", "__main__"]
        assert result.reason(QUICK) == "ended by itself"

    def test_may_write_where_it_is_told(self, run, box, tmp_path):
        (tmp_path / "more").mkdir()
        code = "import os, sys\nfor f in sys.argv[1:]: open(f, 'w').write('x')\nos.mkdir('d'); os.rename('d', 'e')"
        result = run(code, str(tmp_path / "more" / "a"), "here", writable=[tmp_path / "more", box])
        assert result.ending == "ok", result.output
        assert (tmp_path / "more" / "a").read_text() == (box / "here").read_text() == "x"

    def test_an_error(self, run):
        result = run("raise ValueError('no')")
        assert (result.ending, result.exit_code) == ("crash", 1)
        assert result.output.rstrip().endswith("ValueError: no")
        assert result.reason(QUICK) == "ended with exit code 1"

    @posix
    def test_a_signal(self, run):
        result = run("import os; os.abort()")
        assert (result.ending, result.exit_code) == ("crash", 134)
        assert "signal 6" in result.reason(QUICK)

    def test_packages_and_worker_processes(self, run):
        code = "import multiprocessing, numpy\nif __name__ == '__main__':\n"
        result = run(f"{code}  with multiprocessing.Pool(2) as pool: print(sum(pool.map(abs, [-1, -2])))")
        assert (result.ending, result.output.strip()) == ("ok", "3"), result.output

    def test_another_interpreter(self, run):
        result = run("import sys; print(sys.prefix)", interpreter=inspect_interpreter(Path(sys.executable)))
        assert result.output.strip() == sys.prefix


class TestInterpreters:
    def test_one_that_is_none(self, tmp_path):
        with pytest.raises(SubmissionError, match="does not run as a Python interpreter"):
            inspect_interpreter(tmp_path / "python")

    @posix
    def test_a_script_that_answers_otherwise(self, tmp_path):
        (tmp_path / "python").write_text("#!/bin/sh\necho '[1]'\n")
        (tmp_path / "python").chmod(0o755)
        with pytest.raises(SubmissionError, match="does not run as a Python interpreter"):
            inspect_interpreter(tmp_path / "python")

    def test_editable_projects_are_not_shown(self):
        shown = running_interpreter().folders
        assert not any(Path(__file__).is_relative_to(folder) for folder in shown)
        assert Path(sys.prefix) in shown


class TestLimits:
    def test_a_loop(self, run):
        limits = ResourceLimits(seconds=0.5)
        result = run("while True: pass", limits=limits)
        assert (result.ending, result.exit_code) == ("timeout", 137)
        assert "after 0.5 s" in result.reason(limits)

    def test_memory(self, run):
        result = run("x = []\nwhile True: x.append(bytearray(8 << 20))")
        assert result.ending == "memory"
        assert result.peak_memory > 250 * MB
        assert "300 MB" in result.reason(QUICK)

    @posix
    def test_limits_of_the_kernel(self, run):
        code = (
            "import resource as r\nprint(*(r.getrlimit(n)[1] for n in (r.RLIMIT_CORE, r.RLIMIT_FSIZE, r.RLIMIT_NPROC)))"
        )
        assert run(code).output.split() == ["0", str(16 * MB), "4096"]

    def test_memory_at_once(self, run):
        assert run("x = bytearray(10**14)").ending == "memory"

    @posix
    def test_memory_of_children(self, run):
        code = "import os, time\nfor _ in range(3):\n  if os.fork() == 0:\n    x = b'x' * (150 << 20); time.sleep(30)\n"
        assert run(f"{code}time.sleep(30)").ending == "memory"

    def test_printing(self, run):
        result = run("while True: print('x' * 100_000)")
        assert result.ending == "output"
        assert MB < result.printed < 3 * MB
        assert len(result.output) <= KEPT
        assert "1 MB" in result.reason(QUICK)

    @posix
    def test_a_large_file(self, run, box):
        result = run("f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))")
        assert result.ending == "crash"
        assert "File too large" in result.output
        assert (box / "big").stat().st_size <= 16 * MB

    @linux
    @pytest.mark.parametrize("removed", ["", "os.remove(str(n))"], ids=["kept", "removed while open"])
    def test_many_files(self, run, removed):
        code = "import os, time\nfiles = []\nfor n in range(10**6):\n  files.append(open(str(n), 'wb'))\n"
        code += f"  files[-1].write(bytes(4 << 20)); files[-1].flush(); {removed or 'pass'}; time.sleep(0.02)"
        assert run(code).ending == "disk"

    @posix
    def test_processes(self, run):
        result = run(f"{FORKING.format(40)}time.sleep(30)")
        assert result.ending == "processes"
        assert "16 processes" in result.reason(QUICK)

    @needs_sandbox
    @pytest.mark.parametrize(
        "code",
        [
            "[os.memfd_create(str(n)) for n in range(4)]; [write(f'/proc/self/fd/{n}') for n in range(3, 7)]",
            "[write(f'/dev/shm/{n}') for n in range(4)]",
            "[write(f'/tmp/{n}') for n in range(4)]",
            "[write(f'/run/{n}') for n in range(4)]",
            "[write(f'/dev/{n}') for n in range(4)]",
            "[write(f'/{n}') for n in range(4)]",
            "c = ctypes.CDLL(None, use_errno=True); ids = [c.shmget(0, 700 << 20, 0o1600) for n in range(4)]\n"
            "assert min(ids) < 0; raise OSError(ctypes.get_errno())",
            "c = ctypes.CDLL(None, use_errno=True)\nif c.unshare(0x10020000): raise OSError(ctypes.get_errno())\n"
            "c.mount(b'x', b'/tmp', b'tmpfs', 0, 0); [write(f'/tmp/{n}') for n in range(4)]",
        ],
        ids=["memfd", "shm", "tmp", "run", "dev", "root", "System V", "own tmpfs"],
    )
    def test_memory_outside_of_processes(self, sandboxed, code):
        """Four times 700 MB do not pass a limit of 300 MB, wherever they are kept."""
        head = "import ctypes, os\ndef write(path):\n  with open(path, 'wb') as f:\n"
        head += "    for _ in range(700): f.write(bytes(1 << 20))\n"
        limits = ResourceLimits(seconds=30, memory=300 * MB, disk_bytes=600 * MB)
        result = sandboxed(f"{head}{code}\nprint('all kept')", limits=limits)
        assert "all kept" not in result.output
        assert result.ending == "disk" or "OSError" in result.output or "Error: [Errno" in result.output


def started_in(folder: Path) -> list[psutil.Process]:
    """Processes whose command names a folder, wherever in the tree they are now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(folder) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


#: Starts so many processes that wait.
FORKING = "import os, time\nfor _ in range({}):\n  if os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)\n"


@posix
class TestNothingOutlivesIt:
    @pytest.mark.parametrize("last", ["", "time.sleep(60)"], ids=["it ends", "it is ended"])
    def test_grandchildren_in_sessions_of_their_own(self, run, tmp_path, last):
        code = "import os, time\nif os.fork() == 0:\n  os.setsid()\n  os.fork()\n  time.sleep(60)\n"
        # As long as it takes to start where much else runs; what is to be ended is ended after three seconds.
        result = run(f"{code}time.sleep(0.5)\n{last}", limits=ResourceLimits(seconds=3 if last else 60))
        assert result.ending == ("timeout" if last else "ok")
        assert started_in(tmp_path) == []

    def test_those_started_while_others_are_ended(self, run, tmp_path):
        assert run(f"{FORKING.format(400)}time.sleep(60)", limits=ResourceLimits(processes=16)).ending == "processes"
        assert started_in(tmp_path) == []

    @linux
    def test_one_that_is_being_started_while_its_parent_is_told_to_halt(self, tmp_path, monkeypatch):
        # As in a kernel that is in the midst of a fork: neither signal is heard until the new process is there.
        program = tmp_path / "program.py"
        program.write_text(
            "import os, signal, time\n"
            "def halt(*_):\n"
            "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
            "    time.sleep(0.3)\n"
            "    started = os.fork()\n"
            "    if started == 0: signal.signal(signal.SIGUSR1, signal.SIG_DFL)\n"
            "    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])\n"
            "    if started == 0: time.sleep(60)\n"
            "    os.kill(os.getpid(), signal.SIGSTOP)\n"
            "signal.signal(signal.SIGUSR1, halt)\n"
            "print('ready', flush=True)\n"
            "time.sleep(60)\n"
        )

        def end(process: psutil.Process) -> None:
            process.terminate()
            process.resume()

        with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE) as started:
            assert started.stdout is not None
            assert started.stdout.readline() == b"ready\n"
            with monkeypatch.context() as patch:
                patch.setattr(psutil.Process, "suspend", lambda process: process.send_signal(signal.SIGUSR1))
                patch.setattr(psutil.Process, "kill", end)
                ProcessTree(started.pid).kill()
            assert started_in(tmp_path) == []

    @needs_sandbox
    def test_who_breaks_away_at_once(self, sandboxed, tmp_path):
        code = (
            "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(60)\n  os._exit(0)\n"
        )
        assert sandboxed(f"{code}os._exit(0)").ending == "ok"
        assert started_in(tmp_path) == []

    @needs_sandbox
    def test_who_ends_its_keeper(self, sandboxed, tmp_path):
        code = "import os, time\nif os.fork() == 0: time.sleep(60)\nos.kill(1, 9); os.kill(os.getppid(), 9)\n"
        sandboxed(f"{code}time.sleep(1)", limits=ResourceLimits(seconds=5))
        assert started_in(tmp_path) == []

    @needs_sandbox
    def test_its_parent_is_killed(self, box, tmp_path):
        (box / "program.py").write_text(
            "import os, time\nif os.fork() == 0: os.setsid()\nopen('up', 'w'); time.sleep(60)"
        )
        call = "import sys; from pathlib import Path\nbox = Path(sys.argv[1])\n"
        call += "from hybridwing.submission.sandbox.bubblewrap import Access\n"
        call += "from hybridwing.submission.sandbox.run_program import ResourceLimits, run_program\n"
        call += "allowed = Access(writable=[box])\n"
        call += "run_program(box / 'program.py', folder=box, access=allowed, limits=ResourceLimits())"
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        with subprocess.Popen([sys.executable, "-c", call, str(box)], env=environment) as parent:
            while not (box / "up").exists():
                time.sleep(0.05)
            parent.kill()
        while started_in(tmp_path):  # the kernel ends them in its own time; if not, the test never ends
            time.sleep(0.05)

    def test_ctrl_c(self, run, tmp_path, monkeypatch):
        def interrupt(_: float) -> None:
            monkeypatch.undo()
            raise KeyboardInterrupt

        monkeypatch.setattr("hybridwing.submission.sandbox.run_program.time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run("while True: pass")
        while started_in(tmp_path):  # as above
            time.sleep(0.05)


@needs_sandbox
class TestNothingIsSeen:
    def test_files_of_the_machine(self, sandboxed, tmp_path):
        (tmp_path / "secret").write_text("hidden")
        places = [
            tmp_path / "secret",
            Path.home() / ".bashrc",
            Path("/etc/passwd"),
            Path("/etc/hostname"),
            Path("/var"),
        ]
        code = "import os, sys\nprint([p for p in sys.argv[1:] if os.path.exists(p)], os.listdir('/run'))"
        assert sandboxed(code, *map(str, places)).output.strip() == "[] []"

    def test_what_is_hidden_within_what_is_shown(self, sandboxed, tmp_path):
        images = tmp_path / "images"
        (images / "truth").mkdir(parents=True)
        (images / "truth" / "answers").write_text("1")
        (images / "answers.csv").write_text("a,1")
        code = "import os, sys\nprint(os.listdir(sys.argv[1] + '/truth')); open(sys.argv[1] + '/answers.csv')"
        hidden = [images / "truth", images / "answers.csv"]
        result = sandboxed(code, str(images), readable=[images], hidden=hidden)
        assert result.output.startswith("[]\n")
        assert result.output.rstrip().endswith(f"Permission denied: '{images / 'answers.csv'}'")

    def test_what_is_hidden_within_the_system_s_folders(self, sandboxed, tmp_path, monkeypatch):
        (tmp_path / "usr").mkdir()
        (tmp_path / "usr" / "answers.csv").write_text("a,1")
        monkeypatch.setattr(bubblewrap, "_SYSTEM", (*bubblewrap._SYSTEM, str(tmp_path / "usr")))
        hidden = tmp_path / "usr" / "answers.csv"
        assert "Permission denied" in sandboxed("import sys\nopen(sys.argv[1])", str(hidden), hidden=[hidden]).output

    def test_the_environment_of_other_processes(self, sandboxed, monkeypatch):
        monkeypatch.setenv("SECRET_TOKEN", "xyzzy")
        code = "import glob\nfor f in glob.glob('/proc/[0-9]*/environ'):\n"
        code += "  try: print(f, 'SECRET' in open(f).read())\n  except OSError: print(f, 'denied')"
        lines = sandboxed(code).output.splitlines()
        assert 1 <= len(lines) <= 3
        assert not any("True" in line for line in lines)

    def test_other_processes_are_out_of_reach(self, sandboxed):
        code = f"import os\ntry: os.kill({os.getpid()}, 0)\nexcept OSError as e: print('unreachable')"
        assert sandboxed(code).output.strip() == "unreachable"

    @pytest.fixture
    def server(self) -> Iterator[Path]:
        """A service with a UNIX socket in the temporary folder, as tmux has it."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"{folder}/default")
            listening.listen()
            yield Path(folder, "default")

    def test_unix_sockets_of_the_machine(self, sandboxed, server):
        code = "import socket, sys\nsocket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        assert "FileNotFoundError" in sandboxed(code, str(server)).output
        for place in ("/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket"):
            assert "FileNotFoundError" in sandboxed(code, place).output

    def test_abstract_sockets_of_the_machine(self, sandboxed):
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"\0hybridwing-{os.getpid()}")
            listening.listen()
            code = "import socket, sys\nsocket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[1])"
            assert "ConnectionRefusedError" in sandboxed(code, f"hybridwing-{os.getpid()}").output

    def test_no_network(self, sandboxed):
        tried = {
            "socket.create_connection(('192.0.2.1', 80))": "Network is unreachable",
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))": "unreachable",
            "socket.getaddrinfo('huggingface.co', 443)": "name resolution",
            "socket.socket(40, socket.SOCK_STREAM).connect((2, 1))": "not implemented",
            "print([name for _, name in socket.if_nameindex()])": "['lo']",
        }
        code = (
            "import socket, sys\nfor code in sys.argv[1:]:\n  try: exec(code)\n  except OSError as error: print(error)"
        )
        said = sandboxed(code, *tried).output.splitlines()
        for line, expected in zip(said, tried.values(), strict=True):
            assert expected in line

    def test_services_of_this_machine(self, sandboxed):
        with socket.create_server(("127.0.0.1", 0)) as server:
            code = f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
            assert "ConnectionRefusedError" in sandboxed(code).output
            assert sandboxed(code, network=True).ending == "ok"

    def test_links_among_the_shown_lead_nowhere_else(self, sandboxed, tmp_path):
        (tmp_path / "images").mkdir()
        (tmp_path / "secret").write_text("hidden")
        (tmp_path / "images" / "link").symlink_to(tmp_path / "secret")
        result = sandboxed(
            "import sys; open(sys.argv[1])", str(tmp_path / "images" / "link"), readable=[tmp_path / "images"]
        )
        assert "FileNotFoundError" in result.output


@needs_sandbox
class TestNothingIsChanged:
    def test_what_it_may_only_read(self, sandboxed, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "kept").write_text("as it was")
        before = (outside / "kept").stat()
        commands = ["echo x > new", "rm kept", "chmod 777 kept", "touch -d 2001-01-01 kept", "ln -s x new", "> kept"]
        code = "import subprocess, sys\nfor command in sys.argv[2:]:\n"
        code += "  print('ended', subprocess.run(command, shell=True, cwd=sys.argv[1]).returncode)"
        output = sandboxed(code, str(outside), *commands, readable=[outside]).output
        assert output.count("ended ") == len(commands)
        assert "ended 0" not in output
        assert [path.name for path in outside.iterdir()] == ["kept"]
        after = (outside / "kept").stat()
        assert (after.st_mode, after.st_mtime_ns, after.st_size) == (before.st_mode, before.st_mtime_ns, before.st_size)

    def test_places_of_the_system(self, sandboxed):
        places = ["/new", "/usr/new", "/run/new", "/dev/new", "/sys/new", str(Path(sys.prefix, "new"))]
        code = "import sys\nfor place in sys.argv[1:]:\n"
        code += "  try: open(place, 'w'); print('written', place)\n  except OSError as error: print(error)"
        output = sandboxed(code, *places).output
        assert output.count("Read-only file system") == len(places), output

    def test_settings_of_the_kernel(self, sandboxed):
        """A superuser would need no privilege to write there; nothing is written, lest the test do harm."""
        files = [
            "/proc/sys/kernel/core_pattern",
            "/proc/sys/vm/swappiness",
            "/proc/sysrq-trigger",
            "/proc/self/oom_score_adj",
        ]
        assert sandboxed(f"import os\nprint([f for f in {files} if os.access(f, os.W_OK)])").output.strip() == "[]"

    def test_no_privilege_is_left(self, sandboxed):
        code = "print(open('/proc/self/status').read()); import subprocess\n"
        code += "subprocess.run('mount -o remount,rw / && echo mounted', shell=True)\n"
        code += "subprocess.run('mount -t tmpfs none /tmp && echo mounted', shell=True)"
        output = sandboxed(code).output
        assert "CapEff:\t0000000000000000" in output
        assert "CapBnd:\t0000000000000000" in output
        assert "NoNewPrivs:\t1" in output
        assert "mounted\n" not in output

    def test_its_own_folder_cannot_be_exchanged(self, sandboxed, box):
        result = sandboxed("import os, sys\nos.rename(sys.argv[1], sys.argv[1] + '2')", str(box))
        assert result.ending == "crash"
        assert box.is_dir()
        assert not box.is_symlink()


class TestWithoutASandbox:
    @pytest.fixture(autouse=True)
    def _none_here(self, monkeypatch):
        why_no_sandbox.cache_clear()
        monkeypatch.setattr(bubblewrap.shutil, "which", lambda _: None)
        yield
        why_no_sandbox.cache_clear()

    def test_only_trusted_programs_run(self, sandboxed):
        with pytest.raises(SubmissionError, match=r"with all your rights; install bubblewrap .*--trust") as caught:
            sandboxed("print('ran')")
        assert str(caught.value).startswith("bubblewrap ")
        result = sandboxed("print('ran')", trusted=True)
        assert (result.output.strip(), result.protection) == ("ran", PLAIN)


def test_protection_is_told(run):
    assert run("pass").protection in (PLAIN, SANDBOXED)


@needs_sandbox
def test_a_processor_without_a_filter_has_no_sandbox(monkeypatch):
    why_no_sandbox.cache_clear()
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    assert "processors only" in why_no_sandbox()
    why_no_sandbox.cache_clear()


def test_filters_differ_by_processor(monkeypatch):
    made = []
    for machine in ("x86_64", "aarch64"):
        monkeypatch.setattr(seccomp.platform, "machine", lambda machine=machine: machine)
        made.append(seccomp.seccomp_filter())
    assert made[0] != made[1]
    assert {len(code) % 8 for code in made} == {0}
