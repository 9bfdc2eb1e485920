"""What only a process of its own shows: start, signals, closed pipes, encodings."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

RUN = "import sys; from hybridwing.cli import main; sys.argv[0] = 'hybridwing'; main()"
HEAVY = ("numpy", "pandas", "sklearn", "scipy", "pyarrow", "pandera", "matplotlib", "PIL", "torch", "rich.console")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(start, arguments):
    program = f"""
import atexit, sys
atexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr))
{RUN}
"""
    done = start(program, *arguments)
    assert done.returncode == 0
    assert "hybridwing" in done.stdout
    loaded = set(eval(done.stderr))
    assert not loaded - {"rich.console"}, "typer itself may load rich"


@pytest.mark.slow
def test_the_installed_command_answers():
    name = "hybridwing.exe" if os.name == "nt" else "hybridwing"
    command = Path(sys.executable).with_name(name)
    if not command.exists():
        pytest.skip("the package is not installed as a command beside this interpreter")
    done = subprocess.run([command, "detectors", "--json"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[")
    assert done.stderr == ""
    module = subprocess.run([sys.executable, "-m", "hybridwing.cli", "--version"], capture_output=True, text=True)
    assert module.stdout.startswith("hybridwing ")


@pytest.mark.slow
def test_faults_have_no_traceback_and_debug_has(start, tmp_path):
    plain = start(RUN, "predict", tmp_path, tmp_path)
    assert plain.returncode == 2
    assert plain.stdout == ""
    assert plain.stderr.startswith("error: ")
    assert plain.stderr.count("\n") == 1
    debug = start(RUN, "predict", tmp_path, tmp_path, "--debug")
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr
    assert "RunError" in debug.stderr


@pytest.mark.slow
def test_predict_of_a_real_file(start, files):
    image = sorted(files.images.iterdir())[0]
    done = start(RUN, "predict", files.run, image, "--tnr", "0.9")
    assert done.returncode == 0
    assert any(line.endswith(str(image)) for line in done.stdout.splitlines())
    assert done.stderr.splitlines()[-1].startswith("embedding: 1 of 1 (")


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
@pytest.mark.parametrize("target", ["hybridwing.simulate.collection.plan", "hybridwing.cli.command.app"])
def test_ctrl_c_ends_with_a_short_line(start, tmp_path, target):
    interrupt = "lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)"
    module, name = target.rsplit(".", 1)
    # What a shell starts in the background ignores the signal, and so does all that it starts.
    heard = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"import os, signal, {module} as m; {heard}; m.{name} = {interrupt}\n{RUN}"
    done = start(program, "simulate", tmp_path / "out", "--specimens", "200")
    assert done.returncode == 130
    assert done.stderr == "interrupted\n"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="pipes differ")
@pytest.mark.parametrize("arguments", [["detectors"], ["--help"]])
def test_a_closed_pipe_is_no_fault(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="shells differ")
@pytest.mark.parametrize("redirection", [">&- 2>&- <&-", "2>&1 | true"])
def test_work_goes_on_when_nobody_listens(files, tmp_path, redirection):
    image, out = sorted(files.images.iterdir())[0], tmp_path / "ranked.csv"
    words = [sys.executable, "-m", "hybridwing.cli", "predict", files.run, image, "--tnr", "0.9", "--out", out]
    script = f"set -o pipefail; {shlex.join(map(str, words))} {redirection}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert len(out.read_text().splitlines()) == 2


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="shells differ")
def test_a_fault_without_standard_error_still_has_its_exit_code(tmp_path):
    words = [sys.executable, "-m", "hybridwing.cli", "predict", tmp_path, tmp_path]
    for redirection in ("2>&-", ">&- 2>&-"):
        script = f"{shlex.join(map(str, words))} {redirection}"
        assert subprocess.run(["bash", "-c", script], capture_output=True).returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_behind_standard_output_is_said():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", RUN, "detectors"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
def test_a_terminal_without_the_letters_for_a_name(start, files, tmp_path):
    from PIL import Image

    for name in ("蝶.png", os.fsdecode(b"caf\xe9.png")):
        Image.new("RGB", (64, 48)).save(tmp_path / name)
    arguments = ("predict", files.run, tmp_path, "--out", tmp_path / "r.csv", "--tnr", "0.9")
    done = start(RUN, *arguments, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\u8776.png" in done.stdout
    assert "caf\\udce9.png" in done.stdout
