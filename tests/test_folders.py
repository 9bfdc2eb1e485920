"""Folders that appear whole or not at all, and what killed processes leave of them."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hybridwing.errors import RunError
from hybridwing.files import write_text
from hybridwing.folders import new_folder

RUN = {"mark": "run.json", "contents": ("run.json",)}


def test_appears_whole_with_the_folders_above_it(tmp_path):
    with new_folder(tmp_path / "a" / "b" / "out", **RUN) as partial:
        (partial / "file").write_text("x")
        assert not (tmp_path / "a" / "b" / "out").exists()
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["a", "a/b", "a/b/out", "a/b/out/file"]


def test_may_be_an_empty_one(tmp_path):
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out", **RUN) as partial:
        (partial / "file").write_text("x")
    assert (tmp_path / "out" / "file").read_text() == "x"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_leaves_nothing_when_filling_fails(tmp_path, stop):
    (tmp_path / "kept").mkdir()

    def fill() -> None:
        with new_folder(tmp_path / "kept" / "b" / "out", **RUN) as partial:
            (partial / "half").write_text("x")
            raise stop

    with pytest.raises(stop):
        fill()
    assert list(tmp_path.rglob("*")) == [tmp_path / "kept"]


def test_keeps_what_stood_there_when_renaming_fails(tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text("old")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.suffix == ".partial":
            raise PermissionError(13, "in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(RunError, match=r"cannot write.*in use"), new_folder(out, overwrite=True, **RUN) as partial:
        (partial / "run.json").write_text("new")
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")} == {"out", "out/run.json"}
    assert (out / "run.json").read_text() == "old"


def test_ignores_what_file_managers_leave(tmp_path):
    for name in ("run.json", ".DS_Store"):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("old")
    with new_folder(tmp_path / "out", overwrite=True, **RUN) as partial:
        (partial / "run.json").write_text("new")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["run.json"]


@pytest.mark.parametrize("place", [".", "..", "/"])
def test_is_not_the_folder_one_is_in(tmp_path, monkeypatch, place):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(RunError, match="is the folder you are in, or one above it"), new_folder(Path(place), **RUN):
        pytest.fail("nothing may be written")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_follows_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    with new_folder(tmp_path / "out", **RUN) as partial:
        (partial / "file").write_text("x")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "file").read_text() == "x"


def test_of_a_name_that_no_file_system_has(tmp_path):
    with pytest.raises(RunError, match="cannot write"), new_folder(tmp_path / ("x" * 5000), **RUN):
        pytest.fail("nothing may be written")


FILLING = """
import sys, time
from pathlib import Path
from hybridwing.folders import new_folder
with new_folder(Path(sys.argv[1]), mark="run.json", contents=("run.json",)) as partial:
    (partial / "half").write_text("x")
    print("filling", flush=True)
    time.sleep(3600)  # until it is killed
"""


@pytest.fixture
def fill(tmp_path):
    """Start a process that fills a folder, and wait until it does."""
    started = []

    def start(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", FILLING, tmp_path / name], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "filling\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def left_behind(name: str, ending: str) -> str:
    """Name of what a process that is gone was filling."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return f".{name}.{platform.node()}-{process.pid}-01234567.{ending}"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_what_a_killed_process_left_is_removed_and_said(tmp_path, fill, caplog):
    killed, other, alive = fill("run"), fill("run.old"), fill("run")
    for process in (killed, other):
        process.send_signal(signal.SIGKILL)
        process.wait()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / left_behind("run", "partial")).symlink_to(tmp_path / "elsewhere")
    assert len(list(tmp_path.glob(".run.*.partial"))) == 4
    with new_folder(tmp_path / "run", **RUN) as partial:
        (partial / "file").write_text("x")
    left = sorted(path.name for path in tmp_path.glob(".run.*.partial"))
    assert len(left) == 3, "of a living process, of another name, and a link"
    assert sum(name.startswith(".run.old.") for name in left) == 1
    assert (tmp_path / "elsewhere").is_dir()
    assert [record.message for record in caplog.records] == [
        record.message for record in caplog.records if "which a run that was killed had left" in record.message
    ]
    assert len(caplog.records) == 1
    assert alive.poll() is None


def test_what_was_to_be_replaced_is_not_removed_with_it(tmp_path, caplog):
    former = tmp_path / left_behind("run", "former")
    former.mkdir()
    (former / "run.json").write_text("the only copy")
    with new_folder(tmp_path / "run", **RUN):
        pass
    assert (former / "run.json").read_text() == "the only copy"
    assert "rename it to keep it" in caplog.text
    with new_folder(tmp_path / "run", **RUN):
        pass
    assert not former.exists(), "the folder that took its place is there"


def test_a_file_that_cannot_be_written_is_named_as_it_was_to_be_called(tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError) as caught, new_folder(tmp_path / "run", **RUN) as partial:
        write_text(partial / "scores.csv", "x")
    assert str(caught.value) == f"cannot write {tmp_path / 'run' / 'scores.csv'}: No space left on device"
    assert list(tmp_path.iterdir()) == []
