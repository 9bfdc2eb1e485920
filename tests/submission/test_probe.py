"""The check runs a submission and sees what the challenge would see, and what a submission should not do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from hybridwing.submission.check.checking import check_submission
from hybridwing.submission.check.probe_images import write_probe_images
from hybridwing.submission.check.scores import check_scores
from hybridwing.submission.rehearse import ingestion
from hybridwing.submission.rehearse.submission_run import Attempt
from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox
from hybridwing.submission.sandbox.run_program import ResourceLimits

if TYPE_CHECKING:
    from hybridwing.submission.check.findings import Check, CheckReport

MB = 2**20
QUICK = ResourceLimits(seconds=20, memory=600 * MB, output_bytes=MB)
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox() or "there is a sandbox"),
]


@pytest.fixture(autouse=True)
def small_photographs(monkeypatch, tmp_path_factory):
    """18 megapixels take a second of every test."""
    monkeypatch.setattr("hybridwing.submission.check.probe_images._PHOTOGRAPH", (648, 432))
    monkeypatch.setattr("hybridwing.submission.check.probe_images._LONG_SIDE", 96)


def probed(path: Path, limits: ResourceLimits = QUICK) -> CheckReport:
    return check_submission(path, limits=limits)


def faults(report: CheckReport) -> list[Check]:
    return [check for check in report.checks if check.status != "pass"]


def only_fault(path: Path, limits: ResourceLimits = QUICK) -> Check:
    (fault,) = faults(probed(path, limits))
    assert fault.remedy
    return fault


#: Scores that differ by image, for whatever picture.
READ = """import numpy as np
def grey(image):
    try:
        return float(np.asarray(image.convert("L").resize((8, 8)), dtype=float).mean() / 256 * 0.9 + 0.01)
    except OSError:
        return 0.5
"""


def model(predict: str = "return grey(image)", *, load: str = "pass", top: str = "") -> dict[str, str]:
    body = f"    def load(self):\n        {load}\n    def predict(self, image):\n        {predict}"
    return {"model.py": f"{READ}\n{top}\nclass Model:\n{body}\n"}


def test_a_sound_one(made):
    before = sorted(Path(made()).rglob("*"))
    report = probed(made())
    assert faults(report) == []
    by_name = {check.name: check for check in report.checks}
    assert "run with Python 3" in by_name["probe"].finding
    assert "numpy" in by_name["probe"].finding, "another version than the pinned one is named"
    assert "25 pictures of all kinds have a score" in by_name["scores"].finding
    assert "for 2,350 images here" in by_name["time"].finding
    assert "it printed 0 bytes" in by_name["output"].finding
    assert report.protection
    assert sorted(Path(made()).rglob("*")) == before, "nothing is left beside the submission"


def test_a_nested_one_is_probed_all_the_same(made):
    (fault,) = faults(probed(made(within="mine/")))
    assert fault.name == "layout"


def test_what_it_is_asked(made):
    """As the ingestion program does it: last on the path, in another folder, with lazily opened pictures."""
    top = "import os, sys; import PIL.JpegImagePlugin"
    here = "os.path.dirname(os.path.realpath(__file__))"
    load = f"assert sys.path[-1] == {here}; assert os.path.realpath('.') != {here}"
    predict = "assert image.filename and not getattr(image, '_im', None); return grey(image)"
    assert faults(probed(made(model(predict, load=load, top=top)))) == []


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """What is found of the scores that a `predict` with this result gives, asked in this process."""
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hybridwing.submission.check.probe_images._PHOTOGRAPH", (648, 432))
        patch.setattr("hybridwing.submission.check.probe_images._LONG_SIDE", 96)
        pictures = write_probe_images(folder)

    def judge(returned: str, top: str = "") -> list[Check]:
        names: dict[str, Any] = {}
        exec(model(f"return {returned}", top=top)["model.py"], names)
        asked, attempts = names["Model"](), []
        for picture in pictures:
            with Image.open(folder / picture.file) as image:
                attempts.append((picture, Attempt(file=picture.file, **ingestion.attempt(asked, image, ""))))
        return [check for check in check_scores(attempts) if check.status != "pass"]

    return judge


class TestScores:
    @pytest.mark.parametrize(
        ("returned", "finding"),
        [
            ("np.array([grey(image)])", "returns numpy.ndarray"),
            ("np.array([grey(image), 1.0])", "returns numpy.ndarray"),
            ("None", "returns NoneType, and rounding it ends the run with TypeError"),
            ("str(grey(image))", "returns str, and rounding"),
            ("[grey(image)]", "returns list"),
            ("complex(grey(image))", "returns complex"),
            ("float('nan')", "the score is NaN on 25 of 25"),
            ("np.float32('nan')", "the score is NaN"),
            ("float('inf')", "the score is infinite"),
            ("grey(image) if image.mode == 'CMYK' else float('nan')", "the score is NaN on 24 of 25"),
        ],
    )
    def test_what_cannot_be_scored(self, judged, returned, finding):
        (fault,) = judged(returned)
        assert (fault.name, fault.status) == ("scores", "fail")
        assert finding in fault.finding

    def test_a_tensor(self, judged):
        pytest.importorskip("torch")
        (fault,) = judged("torch.tensor(grey(image))", "import torch")
        assert (fault.name, fault.status) == ("scores", "fail")
        assert "predict returns torch.Tensor" in fault.finding
        assert fault.remedy == "return float(score)"

    @pytest.mark.parametrize("returned", ["np.float64(grey(image))", "np.float32(grey(image))", "Own(grey(image))"])
    def test_types_that_are_written_as_numbers(self, judged, returned):
        assert judged(returned, "class Own(float): pass") == []

    @pytest.mark.parametrize(
        ("returned", "finding"),
        [
            ("int(grey(image) > 0.5)", "returns ints: a class"),
            ("0.25", "have the score 0.2500"),
            ("1 - 1e-6 * grey(image)", "score 0.0000 or 1.0000: saturated"),
            ("0.5 + 1e-6 * grey(image)", "tie once their scores are rounded"),
            ("-100 * grey(image)", "lie outside [0, 1]"),
            # Another value at each call, and the same ones in each run of the test.
            (
                "0.01 + 0.9 * grey(image) + 0.0137 * (setattr(self, 'n', getattr(self, 'n', 0) + 1) or self.n % 5)",
                "one picture scores",
            ),
        ],
    )
    def test_what_scores_badly(self, judged, returned, finding):
        found = judged(returned)
        assert {(fault.name, fault.status) for fault in found} == {("scores", "warn")}
        assert finding in found[0].finding

    def test_an_error_on_odd_pictures(self, made):
        predict = "image.load(); assert image.mode == 'RGB', image.mode; return grey(image)"
        found = faults(probed(made(model(predict))))
        assert {(fault.name, fault.status, fault.place) for fault in found} == {("scores", "warn", "model.py:13")}
        text = " ".join(fault.finding for fault in found)
        for what in ("a greyscale JPEG", "an RGBA PNG", "a CMYK JPEG", "16-bit", "palette", "cut off"):
            assert what in text

    def test_an_error_on_photographs(self, made):
        fault = only_fault(made({**model("raise ValueError('no')"), "requirements.txt": ""}))
        assert (fault.name, fault.status, fault.place) == ("scores", "fail", "model.py:13")
        assert "with ValueError: no" in fault.finding


class TestStages:
    def test_an_error_in_load(self, made):
        fault = only_fault(made({**model(load="raise KeyError('w')"), "requirements.txt": ""}))
        assert (fault.name, fault.status, fault.place) == ("probe", "fail", "model.py:11")
        assert "load() ends the run with KeyError" in fault.finding

    def test_an_error_that_other_versions_may_explain(self, made):
        fault = only_fault(made(model(load="raise KeyError('w')")))
        assert (fault.name, fault.status) == ("probe", "warn")
        assert "instead of 1.26.4 may be why" in fault.finding or "instead of 10.3.0" in fault.finding
        assert "--probe-python" in fault.remedy

    @pytest.mark.parametrize(
        ("changes", "finding"),
        [
            ({"top": "1 / 0"}, "importing model.py ends the run with ZeroDivisionError"),
            ({"top": "import left_at_home"}, "importing model.py ends the run with ModuleNotFoundError"),
        ],
    )
    def test_an_error_at_import(self, made, changes, finding):
        found = faults(probed(made({**model(**changes), "requirements.txt": ""})))
        assert found[-1].status == "fail"
        assert finding in found[-1].finding

    def test_an_exit_is_an_error(self, made):
        found = faults(probed(made({**model(load="raise SystemExit(3)"), "requirements.txt": ""})))
        assert "SystemExit: 3" in found[-1].finding

    def test_an_abrupt_end(self, made):
        fault = only_fault(made(model(load="print('so long'); import os; os.kill(os.getpid(), 9)")))
        assert (fault.name, fault.status) == ("limits", "fail")
        assert "load() was ended by signal 9; it said: so long" in fault.finding

    def test_a_package_that_is_not_here(self, made, monkeypatch):
        changes = {
            **model(top="import catboost, nflows"),
            "requirements.txt": "catboost==1.2.5\nnflows==0.14\nnumpy==1.26.4",
        }
        report = probed(made(changes))
        (skipped,) = faults(report)
        assert (skipped.name, skipped.status) == ("probe", "skipped")
        assert "not probed: catboost, nflows cannot be imported here" in skipped.finding
        assert "--probe-python" in skipped.remedy
        assert not report.failed
        assert report.protection == ""

    def test_a_package_that_is_missed_later(self, made):
        changes = {**model(load="import nflows"), "requirements.txt": "nflows==0.14\n"}
        monkey = changes["model.py"].replace("import nflows", "__import__('nflows')")
        fault = only_fault(made({**changes, "model.py": monkey}))
        assert (fault.status, fault.place) == ("skipped", "model.py:11")

    def test_broken_code_is_not_run(self, made):
        found = faults(probed(made({"model.py": "class Net: ..."})))
        assert [(fault.name, fault.status) for fault in found] == [("class Model", "fail"), ("probe", "skipped")]

    def test_an_interpreter_of_its_own(self, made):
        report = check_submission(made(), limits=QUICK, python=Path(sys.executable))
        assert faults(report) == []


class TestHostile:
    def test_a_loop_for_ever(self, made):
        # It sleeps, so that the others get on; where much else runs, two seconds may end before `predict` begins.
        forever = "\n        import time\n        while True: time.sleep(1)\n        return 0"
        fault = only_fault(made(model(forever)), ResourceLimits(seconds=6))
        assert (fault.name, fault.status) == ("limits", "fail")
        assert fault.finding == "predict() was stopped after 6 s"

    def test_all_memory(self, made):
        load = "self.x = [bytearray(8 << 20) for _ in range(10**6)]"
        fault = only_fault(made(model(load=load)))
        assert fault.finding == "Model().load() was stopped at 600 MB of memory"

    def test_gigabytes_printed(self, made):
        fault = only_fault(made(model("\n        while True: print('x' * 10**5)\n        return 0")))
        assert fault.finding == "predict() was stopped after printing 1 MB"

    def test_chatty(self, made):
        fault = only_fault(made(model("print('x' * 10**4); return grey(image)")))
        assert (fault.name, fault.status) == ("output", "warn")

    def test_writes_outside(self, made, tmp_path):
        victim = tmp_path / "victim"
        victim.write_text("as it was")
        changes = {**model(load=f"open({str(victim)!r}, 'r+').write('x')"), "requirements.txt": ""}
        found = faults(probed(made(changes)))
        assert (found[-1].name, found[-1].status) == ("probe", "fail")
        assert "load() ends the run with FileNotFoundError" in found[-1].finding
        assert victim.read_text() == "as it was"

    def test_a_download_that_it_needs(self, made):
        found = faults(probed(made(model(load="socket.create_connection(('192.0.2.1', 80))", top="import socket"))))
        assert [(fault.name, fault.status) for fault in found] == [("probe", "skipped")]
        assert "the sandbox has no network" in found[0].finding

    @pytest.mark.parametrize(
        "left",
        ['{"attempts": [{"file": "99.jpg"}, {"file": "00-specimen.jpg"}], "stage": "done"}', "[" * 100_000],
        ids=["of no picture", "nested"],
    )
    def test_what_it_writes_over_the_report(self, made, left):
        load = f"import os, sys; open(sys.argv[2] + '/ingestion_report.json', 'w').write({left!r}); os._exit(0)"
        report = probed(made(model(load=load)))
        json.loads(report.to_json(), parse_constant=pytest.fail)
        assert len(report.to_json()) < 50_000

    def test_what_it_puts_in_the_place_of_the_report(self, made):
        load = "import os, sys; p = sys.argv[2] + '/ingestion_report.json'; os.remove(p); os.mkfifo(p); os._exit(0)"
        (fault,) = [fault for fault in faults(probed(made(model(load=load)))) if fault.name == "limits"]
        assert fault.status == "fail"
        assert "before all pictures had a score" in fault.finding

    def test_an_end_that_looks_like_success(self, made):
        (fault,) = [f for f in faults(probed(made(model(load="import os; os._exit(0)")))) if f.name == "limits"]
        assert fault.finding == "Model().load() ended the process before all pictures had a score, with no error"

    def test_folders_within_folders_and_links_in_its_own(self, made, tmp_path, monkeypatch):
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        load = "import os; os.chdir(os.path.dirname(__file__)); os.symlink('/', 'root'); os.symlink('/etc', 'etc'); "
        load += "[(os.mkdir('d'), os.chdir('d')) for _ in range(30)]; open(b'\\xff', 'w')"
        assert faults(probed(made(model(load=load)))) == []
        assert list((tmp_path / "tmp").iterdir()) == []


def test_time_over_the_limit(made, monkeypatch):
    monkeypatch.setattr("hybridwing.submission.check.scores.QUEUE_SECONDS", 0.001)
    fault = only_fault(made())
    assert (fault.name, fault.status) == ("time", "warn")
    assert "for a photograph of 18 megapixels, the median of 10: about" in fault.finding


def test_probe_images_are_what_they_say(tmp_path):
    images = write_probe_images(tmp_path)
    modes = {}
    for image in images:
        with Image.open(tmp_path / image.file) as opened:
            modes[image.file.partition("-")[2]] = (opened.mode, opened.size)
    names = {image.file.partition("-")[2]: image.file for image in images}
    assert modes["greyscale.jpg"][0] == "L"
    assert modes["transparent.png"][0] == "RGBA"
    assert modes["cmyk.jpg"][0] == "CMYK"
    assert modes["deep.png"][0].startswith("I")
    assert modes["palette.png"][0] == "P"
    assert modes["tiny.png"][1] == (1, 1)
    with Image.open(tmp_path / names["turned.jpg"]) as turned:
        assert turned.getexif()[0x0112] == 6
    with Image.open(tmp_path / names["truncated.jpg"]) as truncated, pytest.raises(OSError, match="truncated"):
        truncated.load()
    assert [image.file for image in images] == sorted(image.file for image in images)
    assert sum(image.kind == "ordinary" for image in images) == 6


def test_without_a_sandbox_nothing_is_run(made, monkeypatch):
    monkeypatch.setattr("hybridwing.submission.check.checking.why_no_sandbox", lambda: "bubblewrap is not installed")
    report = check_submission(made(model(load="raise ValueError")))
    (skipped,) = faults(report)
    assert (skipped.name, skipped.status) == ("probe", "skipped")
    assert skipped.finding == "not run: bubblewrap is not installed"
    assert "apt install bubblewrap" in skipped.remedy
    assert report.protection == ""
