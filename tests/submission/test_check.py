"""The check reads: every fault that the challenge is known for is found in a submission that has it, and no other."""

from __future__ import annotations

import io
import json
import os
import pickle
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from hybridwing.errors import SubmissionError
from hybridwing.submission.check.checking import check_submission

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.submission.check.findings import Check


def faults(path: Path) -> list[Check]:
    """What is not in order, reading only."""
    return [check for check in check_submission(path, static=True).checks if check.status != "pass"]


def only_fault(path: Path) -> Check:
    (fault,) = faults(path)
    assert fault.remedy, "every fault has a remedy"
    return fault


def model(predict: str = "return 0.5", *, load: str = "pass", top: str = "", rest: str = "") -> str:
    body = f"    def load(self):\n        {load}\n    def predict(self, image):\n        {predict}"
    return f"{top}\nclass Model:\n{body}\n{rest}\n"


def test_a_sound_one_has_no_fault(made):
    report = check_submission(made(), static=True)
    assert [check for check in report.checks if check.status != "pass"] == []
    assert not report.failed
    names = {check.name for check in report.checks}
    assert names == {
        *(
            "layout",
            "requirements file",
            "metadata",
            "requirements",
            "syntax",
            "class Model",
            "imports",
            "paths",
            "own files",
        ),
        *(
            "own files",
            "downloads",
            "worker processes",
            "devices",
            "exits",
            "pickles",
            "junk",
            "module names",
            "size",
            "stand-ins",
        ),
    }
    assert check_submission(made(as_zip=True), static=True).checks == report.checks


class TestLayout:
    @pytest.mark.parametrize("as_zip", [True, False])
    def test_nested_folder(self, made, as_zip):
        fault = only_fault(made(within="mine/", as_zip=as_zip))
        assert (fault.name, fault.status, fault.place) == ("layout", "fail", "mine/model.py")
        assert "No module named 'model'" in fault.finding
        assert "cd mine && zip -r" in fault.remedy

    @pytest.mark.parametrize("name", ["Model.py", "models.py", "MODEL.PY", "model.ipynb"])
    def test_misnamed(self, made, sound_model, name):
        fault = only_fault(made({"model.py": None, name: sound_model}))
        assert (fault.name, fault.status, fault.remedy) == ("layout", "fail", f"rename {name} to model.py")

    def test_missing(self, made):
        fault = only_fault(made({"model.py": None}))
        assert (fault.name, fault.status) == ("layout", "fail")
        fault = only_fault(made({"model.py": None, "net.py": "x = 1"}))
        assert "it has net.py" in fault.finding

    def test_no_submission_at_all(self, tmp_path):
        (tmp_path / "photo.jpg").write_bytes(b"x")
        with pytest.raises(SubmissionError, match=r"holds no model\.py.*: photo\.jpg"):
            check_submission(tmp_path)
        (tmp_path / "photo.jpg").unlink()
        with pytest.raises(SubmissionError, match="no file"):
            check_submission(tmp_path)

    @pytest.mark.parametrize(
        "name", ["requirement.txt", "Requirements.txt", "requirements", "requirements.in", "requirements_txt"]
    )
    def test_misnamed_requirements(self, made, name):
        found = faults(made({"requirements.txt": None, name: "numpy==1.26.4"}))
        assert (found[0].name, found[0].status, found[0].place) == ("requirements file", "fail", name)

    def test_missing_requirements(self, made):
        fault = only_fault(made({"requirements.txt": None}))
        assert (fault.name, fault.status) == ("requirements file", "warn")

    @pytest.mark.parametrize(
        ("name", "content", "status", "finding"),
        [
            (None, "", "warn", "no metadata"),
            ("metadata.txt", "description: x", "warn", "metadata.txt is not metadata"),
            ("Metadata", "description: x", "warn", "Metadata is not metadata"),
            ("metadata", "", "warn", "no line 'key: value'"),
            ("metadata", "my model", "warn", "no line 'key: value'"),
            ("metadata", b"\xff\xfe", "warn", "no line 'key: value'"),
            ("metadata.yaml", "command: python3 run.py", "fail", "start the submission itself"),
        ],
    )
    def test_metadata(self, made, name, content, status, finding):
        fault = only_fault(made({"metadata": None, **({name: content} if name else {})}))
        assert (fault.name, fault.status) == ("metadata", status)
        assert finding in fault.finding

    def test_metadata_yaml_will_do(self, made):
        assert faults(made({"metadata": None, "metadata.yaml": "description: x"})) == []

    @pytest.mark.parametrize(
        "name",
        ["__MACOSX/._model.py", ".DS_Store", "__pycache__/model.cpython-310.pyc", ".git/config", "old.zip", "w.tar.gz"],
    )
    def test_junk(self, made, name):
        fault = only_fault(made({name: "x"}, as_zip=True))
        assert (fault.name, fault.status) == ("junk", "warn")
        assert name in fault.finding

    def test_what_python_leaves_in_a_folder_is_no_part_of_it(self, made):
        assert faults(made({"__pycache__/model.cpython-310.pyc": "x", "parts/__pycache__/a.pyc": "x"})) == []

    @pytest.mark.parametrize("name", ["torch.py", "PIL/__init__.py", "sklearn/x.py", "tokenize.py", "ingestion.py"])
    def test_a_module_named_as_a_package(self, made, name):
        fault = only_fault(made({name: "x = 1"}))
        assert (fault.name, fault.status, fault.place) == ("module names", "warn", name.split("/")[0])

    @pytest.mark.parametrize(
        ("content", "finding"),
        [
            ("", "is empty"),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "pointer of Git LFS"),
        ],
    )
    def test_weights_that_are_elsewhere(self, made, content, finding):
        fault = only_fault(made({"best_model.pth": content}))
        assert (fault.name, fault.status, fault.place) == ("stand-ins", "fail", "best_model.pth")
        assert finding in fault.finding

    def test_size(self, made, monkeypatch):
        monkeypatch.setattr("hybridwing.submission.check.files._LARGE", 1000)
        fault = only_fault(made({"weights.bin": bytes(2000)}))
        assert (fault.name, fault.status) == ("size", "warn")
        assert "weights.bin" in fault.finding


class TestRequirements:
    def test_a_line_with_its_place_and_remedy(self, made):
        fault = only_fault(made({"requirements.txt": "numpy==1.26.4\npillow==10.3.0\n"}))
        assert fault.status == "fail"
        assert fault.place == "requirements.txt:2"
        assert fault.remedy == "write: Pillow==10.3.0"

    def test_without_a_line_that_would_pass(self, made):
        found = faults(made({"requirements.txt": "numpy==1.26.4\nskops==1.0\n\ntorch"}))
        assert [fault.status for fault in found] == ["fail", "fail", "warn"]
        assert found[0].remedy.startswith("remove the line and do without")
        assert found[1].remedy == "remove the line"

    @pytest.mark.parametrize(
        ("line", "status", "finding", "remedy"),
        [
            ("torch==2.3.0+cu121", "fail", "a local build", "write: torch==2.3.0"),
            ("torch==2.3.0+cpu", "fail", "a local build", "write: torch==2.3.0"),
            ("torch==2.4.0.dev20240501+cu121", "fail", "a local build", "write: torch==2.4.0"),
            ("torch==2.4.0.dev20240501", "fail", "a nightly build", "write: torch==2.4.0"),
            ("tensorflow==2.3.0+nv", "fail", "a local build", "write: tensorflow==2.3.0"),
            ("numpy==2.3.1", "fail", "installs on Python 3.10", "write: numpy==2.2.6"),
            ("scipy==1.16.0", "fail", "the newest is 1.15.3", "write: scipy==1.15.3"),
            ("pandas==3.0", "fail", "the newest is 2.3.3", "write: pandas==2.3.3"),
            ("numpy==1.26.9", "fail", "finds no release 1.26.9", "write: numpy==1.26.4"),
            ("scikit-learn==1.4.1", "fail", "finds no release", "write: scikit-learn==1.4.1.post1"),
            ("torch==1.10.0", "fail", "finds no release", "write: torch==1.11.0"),
            ("numpy==1.20.3", "warn", "no ready-built wheel", "write: numpy==1.21.2"),
            ("timm==9.9.9", "fail", "the newest is 2.24.0", "write: timm==2.24.0"),
            ("timm==1.0.7", "fail", "finds no release", "write: timm==1.0.0"),
        ],
    )
    def test_a_version_that_cannot_be_installed(self, made, line, status, finding, remedy):
        fault = only_fault(made({"requirements.txt": f"Pillow==10.3.0\n{line}\n"}))
        assert (fault.name, fault.status, fault.place) == ("requirements", status, "requirements.txt:2")
        assert finding in fault.finding
        assert fault.remedy == remedy

    @pytest.mark.parametrize("line", ["numpy==1.26", "numpy==1.26.4", "torch==2.13.0", "timm==2.3"])
    def test_a_version_that_can_be_installed(self, made, line):
        assert faults(made({"requirements.txt": f"{line}\n"})) == []

    def test_a_version_that_nobody_can_look_up(self, made, monkeypatch):
        monkeypatch.setattr("hybridwing.submission.package.releases.listed_by_pip", lambda package: None)
        fault = only_fault(made({"requirements.txt": "timm==1.0.7\n"}))
        assert (fault.name, fault.status) == ("requirements", "warn")
        assert "could not be looked up" in fault.finding

    def test_the_remedy_for_a_spelling_can_be_installed(self, made):
        assert only_fault(made({"requirements.txt": "Torch==2.3.0+cu121\n"})).remedy == "write: torch==2.3.0"

    @pytest.mark.parametrize(
        ("first", "second", "status"),
        [
            ("numpy==1.26.4", "numpy==1.25.0", "fail"),
            ("numpy==1.26.4", "numpy==1.26.4", "warn"),
            ("scikit-learn==1.3.2", "scikit_learn==1.4.0", "fail"),
            ("Pillow==10.3.0", "pillow==10.2.0", "fail"),
            ("opencv-python-headless==1.0.0", "OpenCV.Python_Headless==2.3.0", "fail"),
            ("torch==2.3.0", "pytorch==2.3.0", "warn"),
        ],
    )
    def test_a_package_that_is_asked_for_twice(self, made, first, second, status):
        found = faults(made({"requirements.txt": f"{first}\n{second}\n"}))
        twice = [fault for fault in found if "on line 1 already" in fault.finding]
        assert [(fault.name, fault.status, fault.place) for fault in twice] == [
            ("requirements", status, "requirements.txt:2")
        ]

    def test_an_encoding(self, made):
        fault = only_fault(made({"requirements.txt": "numpy==1.26.4".encode("utf-16")}))
        assert (fault.name, fault.status) == ("requirements", "fail")

    @pytest.mark.parametrize(
        ("code", "remedy"),
        [
            ("import sklearn.svm", "scikit-learn==VERSION"),
            ("from timm import create_model", "timm==VERSION"),
            ("import cv2", "opencv-python-headless==VERSION"),
            ("import skops.io", "do without skops"),
            ("def f():\n    import torch", "torch==VERSION"),
        ],
    )
    def test_an_import_that_nothing_brings(self, made, code, remedy):
        fault = only_fault(made({"model.py": model(top=code)}))
        assert (fault.name, fault.status) == ("imports", "warn")
        assert fault.remedy.endswith(remedy)

    @pytest.mark.parametrize(
        "code",
        [
            "import json, PIL.Image, numpy.linalg, tqdm",
            "try:\n    import torch\nexcept ImportError:\n    torch = None",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
            "if __name__ == '__main__':\n    import torch",
            "import weights_of_mine",
            "from . import weights_of_mine",
        ],
    )
    def test_an_import_that_is_there_or_not_needed(self, made, code):
        assert faults(made({"model.py": model(top=code), "weights_of_mine.py": "x = 1"})) == []

    def test_what_a_package_brings(self, made):
        files = {
            "requirements.txt": "open-clip-torch==2.24.0",
            "model.py": model(top="import torch, torchvision, open_clip"),
        }
        assert faults(made(files)) == []


class TestModel:
    @pytest.mark.parametrize(
        ("code", "place", "finding"),
        [
            ("def f(:\n", "model.py:1", "Python 3.10 cannot parse it"),
            ("x = 1\nclass Model:\nload\n", "model.py:3", "Python 3.10 cannot parse it"),
            ("x = 1\0", "model.py", "parse"),
            ("x = " + "-" * 100_000 + "1", "model.py", "parse"),
            (b"\xff\xfe\x00", "model.py", "parse"),
        ],
    )
    def test_syntax(self, made, code, place, finding):
        fault = only_fault(made({"model.py": code}))
        assert (fault.name, fault.status) == ("syntax", "fail")
        assert fault.place.startswith(place)
        assert finding in fault.finding

    def test_far_too_long(self, made, monkeypatch):
        monkeypatch.setattr("hybridwing.submission.check.syntax._LARGEST", 100)
        assert "over 100 bytes" in only_fault(made()).finding

    @pytest.mark.parametrize(
        ("code", "finding", "line"),
        [
            ("import tomllib", "tomllib came with Python 3.11", 1),
            ("from typing import Self", "typing.Self came with Python 3.11", 1),
            ("import typing as t\ndef f() -> t.Self: ...", "typing.Self", 2),
            ("from typing import (\n    Any,\n    override,\n)", "typing.override came with Python 3.12", 1),
            ("import datetime\nx = datetime.datetime.now(datetime.UTC)", "datetime.UTC", 2),
            ("from enum import StrEnum", "enum.StrEnum", 1),
            ("import enum\nclass A(enum.StrEnum): x = 'a'", "enum.StrEnum", 2),
            ("import asyncio as a\nasync def f():\n    async with a.TaskGroup(): ...", "asyncio.TaskGroup", 3),
            ("def f():\n    raise ExceptionGroup('a', [])", "ExceptionGroup", 2),
            ("import itertools\nx = itertools.batched('ab', 1)", "itertools.batched came with Python 3.12", 2),
            ("from pathlib import Path\nx = Path('.').walk()", "pathlib.Path.walk", 2),
            ("import math\nx = math.cbrt(8)", "math.cbrt", 2),
            ("import hashlib\nx = hashlib.file_digest", "hashlib.file_digest", 2),
            ("import shutil\ndef f(): shutil.rmtree('a', onexc=None)", "shutil.rmtree(onexc)", 2),
            ("try:\n    x = 1\nexcept* ValueError:\n    pass", "except*", 3),
            ("type X = int", "", 1),
            ("def f[T](x: T) -> T: return x", "", 1),
            ("class A[T]: ...", "", 1),
            ("x = f'{'a'}'", "", 1),
            ("y = []\nx = f\"{'\\n'.join(y)}\"", "f-string", 2),
            ("return 1", "outside function", 1),
        ],
    )
    def test_what_python_3_10_does_not_have(self, made, code, finding, line):
        found = faults(made({"model.py": code + model()}))
        assert {(fault.name, fault.status) for fault in found} == {("syntax", "fail")}
        assert finding in found[0].finding
        assert found[0].place.startswith(f"model.py:{line}") or sys.version_info >= (3, 12)
        assert found[0].remedy

    @pytest.mark.parametrize(
        "code",
        [
            "try:\n    import tomllib\nexcept ImportError:\n    tomllib = None",
            "import sys\nif sys.version_info >= (3, 11):\n    import tomllib",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from typing import Self",
            "from __future__ import annotations\nimport typing\ndef f() -> typing.Self: ...",
            "import os\nx = list(os.walk('.'))",
            "class StrEnum: ...\nx = StrEnum",
            "x = {}\ny = x[(*'ab',)]",
            "match 1:\n    case 1: ...",
            "with (open(__file__) as a, open(__file__) as b): ...",
            "import distutils.version",
        ],
    )
    def test_what_python_3_10_has(self, made, code):
        assert faults(made({"model.py": code + "\n" + model()})) == []

    def test_a_module_of_its_own_that_newer_pythons_have(self, made):
        assert not [
            f for f in faults(made({"model.py": model(top="import tomllib"), "tomllib.py": ""})) if f.status == "fail"
        ]

    def test_syntax_of_a_module_it_imports(self, made):
        fault = only_fault(made({"model.py": model(top="import net"), "net.py": "def"}))
        assert (fault.name, fault.place) == ("syntax", "net.py:1")

    def test_syntax_of_a_file_nobody_imports_does_not_matter(self, made):
        assert faults(made({"train.py": "def", "notes/x.py": "print 1"})) == []

    @pytest.mark.parametrize(
        ("code", "finding", "place"),
        [
            ("x = 1", "no class Model", "model.py"),
            ("class Net: ...", "it has Net", "model.py:1"),
            ("class Model:\n  def predict(self, x): return 1", "no method load", "model.py:1"),
            ("class Model:\n  def load(self): ...", "no method predict", "model.py:1"),
            (
                "class Model:\n  def load(self): ...\n  def predict_proba(self, x): return 1",
                "it has predict_proba",
                "model.py:1",
            ),
            (model().replace("self, image", "self"), "predict takes 1 arguments and gets 2", "model.py:5"),
            (model().replace("self, image", "self, image, mask"), "predict wants 3 arguments", "model.py:5"),
            (model().replace("self, image", "image"), "predict takes 1 arguments and gets 2", "model.py:5"),
            (model().replace("self, image", "self, image, *, size"), "the keyword size", "model.py:5"),
            (model().replace("load(self)", "load(self, path)"), "load wants 2 arguments and gets 1", "model.py:3"),
            (model(rest="    def __init__(self, path): ..."), "__init__ wants 2 arguments", "model.py:7"),
        ],
    )
    def test_what_the_ingestion_program_cannot_use(self, made, code, finding, place):
        fault = only_fault(made({"model.py": code}))
        assert (fault.name, fault.status, fault.place) == ("class Model", "fail", place)
        assert finding in fault.finding

    @pytest.mark.parametrize(
        "code",
        [
            model(),
            model().replace("self, image", "self, image, size=224"),
            model().replace("self, image", "self, *images"),
            model().replace("self, image", "self, image, /"),
            model().replace("    def predict(self, image", "    @staticmethod\n    def predict(image"),
            model().replace("    def predict(self, image", "    @classmethod\n    def predict(cls, image"),
            model().replace("    def predict(self, image", "    @decorated\n    def predict(self, image, mask"),
            model("raise NotImplementedError"),
            "try:\n    import x\nfinally:\n" + "".join(f"    {line}\n" for line in model().splitlines()),
            "class Base:\n  def load(self): ...\nclass Model(Base):\n  def predict(self, x): return 0.5",
        ],
    )
    def test_what_it_can_use(self, made, code):
        assert faults(made({"model.py": code})) == []

    @pytest.mark.parametrize(
        "code",
        [
            "from net import Model",
            "from net import Net as Model",
            "from net import Net\nModel = Net",
            "from net import *",
        ],
    )
    def test_a_class_of_another_module(self, made, code):
        found = faults(made({"model.py": code, "net.py": model() + "Net = Model"}))
        assert not [fault for fault in found if fault.status == "fail"]

    def test_what_shows_only_when_it_runs(self, made):
        files = {"requirements.txt": "torch==2.3.0\n"}
        code = "import torch\nclass Model(torch.nn.Module):\n  def predict(self, x): return 0.5"
        fault = only_fault(made({"model.py": code, **files}))
        assert (fault.status, fault.name) == ("warn", "class Model")
        fault = only_fault(made({"model.py": "import torch\nModel = torch.load", **files}))
        assert (fault.status, fault.name) == ("warn", "class Model")

    def test_another_modules_class_that_is_not_taken(self, made):
        code = "import net\nclass Other: ..."
        assert only_fault(made({"model.py": code, "net.py": model()})).status == "fail"


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/home/me/clf.pkl",
            "/content/drive/x.pt",
            "C:\\\\Users\\\\me\\\\x.pt",
            "C:/x.pt",
            "~/weights/x",
            "/weights.npz",
        ],
    )
    def test_absolute(self, made, path):
        fault = only_fault(made({"model.py": model(load=f"self.x = open('{path}').read()")}))
        assert (fault.name, fault.status, fault.place) == ("paths", "fail", "model.py:4")
        assert "__file__" in fault.remedy

    @pytest.mark.parametrize("path", ["/app/ingested_program/clf.pkl", "/tmp/x"])
    def test_there_today(self, made, path):
        assert only_fault(made({"model.py": model(load=f"x = open('{path}').read()")})).status == "warn"

    @pytest.mark.parametrize(
        "load",
        [
            "x = open('weights.txt').read()",
            "x = open('./weights.txt', 'rb')",
            "x = np.load('net/weights.npz')",
            "x = torch.load(os.path.join('net', 'weights.pt'))",
            "name = 'weights.txt'; x = open(name)",
            "self.name = 'weights.txt'; x = joblib.load(self.name)",
            "x = Path('weights.txt').read_text()",
            "x = pickle.load(open('weights.txt', 'rb'))",
        ],
    )
    def test_relative(self, made, load):
        fault = only_fault(made({"model.py": model(load=load)}))
        assert (fault.name, fault.status, fault.place) == ("paths", "fail", "model.py:4")
        assert "working directory" in fault.finding

    @pytest.mark.parametrize(
        "load",
        [
            "x = os.getcwd()",
            "x = Path.cwd()",
            "x = Path.home()",
            "x = os.path.expanduser(self.name)",
            "open('log.txt', 'w')",
            "open('log.txt', mode='a')",
        ],
    )
    def test_doubtful(self, made, load):
        fault = only_fault(made({"model.py": model(load=load)}))
        assert (fault.name, fault.status) == ("paths", "warn")

    @pytest.mark.parametrize(
        "load",
        [
            "x = open(os.path.join(os.path.dirname(__file__), 'weights.txt'))",
            "x = Path(__file__).parent / 'net' / 'weights.npz'",
            "x = Path(__file__).parent / Path('weights.txt')",
            "os.chdir(os.path.dirname(__file__)); x = open('weights.txt')",
            "'''Loads /home/me/clf.pkl.'''",
            "x = open('/dev/null')",
            "x = name.replace('/home/me/x', '')",
            "x = name == '/home/me/x'",
            "x = ' / '.join(names); y = 'a/b'; z = '/'",
            "x = f'{name}/a/b.txt'",
            "x = 'https://huggingface.co/x'",
            "x = net.load('https://x.org/y.pt')",
            "name = 'a.txt'; name = other; x = open(name)",
        ],
    )
    def test_sound(self, made, load):
        assert faults(made({"model.py": model(load=load), "net/weights.npz": "x"})) == []

    @pytest.mark.parametrize(
        ("load", "status"),
        [
            ("x = np.load(Path(__file__).parent / 'head.npz')", "fail"),
            ("x = np.load(os.path.join(os.path.dirname(__file__), 'net', 'Weights.npz'))", "fail"),
            ("x = np.load(here / 'head.npz') if (here / 'head.npz').exists() else None", "warn"),
        ],
    )
    def test_weights_that_are_not_there(self, made, load, status):
        fault = only_fault(made({"model.py": model(load=load), "net/weights.npz": "x"}))
        assert (fault.name, fault.status, fault.place) == ("own files", status, "model.py:4")
        assert ("rename net/weights.npz" in fault.remedy) == ("Weights" in load)

    @pytest.mark.parametrize(
        "load",
        [
            "x = np.load(Path(__file__).parent / 'net' / 'weights.npz')",
            "x = hf_hub_download('a/b', 'net.safetensors', local_files_only=True)",
            "np.save('scores.npy', x)",
            "x = 'see weights.npz'",
            "names = ('net.safetensors', 'net.bin'); x = next(name for name in names if (here / name).exists())",
        ],
    )
    def test_weights_that_are_there_or_not_the_submissions(self, made, load):
        assert "own files" not in {
            fault.name for fault in faults(made({"model.py": model(load=load), "net/weights.npz": "x"}))
        }

    def test_what_runs_as_a_program_only_does_not_matter(self, made):
        rest = "if __name__ == '__main__':\n    print(Model().predict(open('/home/me/test.jpg')), input())"
        assert faults(made({"model.py": model(rest=rest)})) == []


class TestCode:
    @pytest.mark.parametrize(
        "load",
        [
            "x = AutoModel.from_pretrained('facebook/dinov2-base')",
            "x = AutoModel.from_pretrained(pretrained_model_name_or_path='bert-base')",
            "self.name = 'facebook/dinov2-base'; x = AutoModel.from_pretrained(self.name)",
            "x = hf_hub_download('a/b', 'c')",
            "x = huggingface_hub.snapshot_download('a/b')",
            "x = torch.hub.load('facebookresearch/dinov2', 'dinov2_vitb14')",
            "x = torch.hub.load_state_dict_from_url('https://x')",
            "x = timm.create_model('resnet50', pretrained=True)",
            "x = timm.create_model('hf-hub:a/b')",
            "x = open_clip.create_model_and_transforms('ViT-B-16', pretrained='openai')",
            "x = open_clip.create_model('hf-hub:imageomics/bioclip')",
            "x = torchvision.models.resnet50(weights='DEFAULT')",
            "x = models.resnet50(weights=ResNet50_Weights.DEFAULT)",
            "x = models.resnet50(pretrained=True)",
            "urllib.request.urlretrieve('https://x', p)",
            "x = requests.get('https://x')",
            "subprocess.run(['wget', 'https://x'])",
            "os.system('pip install skops')",
        ],
    )
    def test_downloads(self, made, load):
        fault = only_fault(made({"model.py": model(load=load)}))
        assert (fault.name, fault.status, fault.place) == ("downloads", "warn", "model.py:4")

    @pytest.mark.parametrize(
        "load",
        [
            "x = AutoModel.from_pretrained(os.path.dirname(__file__))",
            "x = AutoModel.from_pretrained('net')",
            "x = AutoModel.from_pretrained('a/b', local_files_only=True)",
            "x = torch.hub.load(here, 'm', source='local')",
            "x = timm.create_model('resnet50', pretrained=False)",
            "x = timm.create_model('local-dir:x', weights=None)",
            "x = models.resnet50()",
            "x = subprocess.run(['nvidia-smi'])",
        ],
    )
    def test_no_downloads(self, made, load):
        assert faults(made({"model.py": model(load=load), "net/config.json": "{}"})) == []

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("x = DataLoader(d, num_workers=4)", "fail"),
            ("x = torch.utils.data.DataLoader(d, num_workers=os.cpu_count())", "warn"),
            ("x = ProcessPoolExecutor()", "warn"),
            ("x = multiprocessing.Pool(4)", "warn"),
        ],
    )
    def test_workers(self, made, code, status):
        fault = only_fault(made({"model.py": model(load=code)}))
        assert (fault.name, fault.status) == ("worker processes", status)

    @pytest.mark.parametrize(
        "code",
        [
            "x = 'cuda:1'",
            "x = 'cuda:1' if torch.cuda.is_available() else 'cpu'",
            "x.to('cuda')",
            "x.cuda()",
            "x = 'cuda:0'",
        ],
    )
    def test_devices(self, made, code):
        fault = only_fault(made({"model.py": model(load=code)}))
        assert (fault.name, fault.status) == ("devices", "fail")

    @pytest.mark.parametrize(
        "code",
        [
            "x = device.replace('cuda', 'cpu')",
            "x = 'cuda' if torch.cuda.is_available() else 'cpu'",
            "x = 'cuda:0' if torch.cuda.is_available() else 'cpu'",
            "'cuda:1'",
            "x = DataLoader(d, num_workers=0)",
        ],
    )
    def test_sound(self, made, code):
        assert faults(made({"model.py": model(load=code)})) == []

    @pytest.mark.parametrize(
        "code", ["input()", "breakpoint()", "sys.exit(1)", "exit()", "os._exit(0)", "pdb.set_trace()"]
    )
    def test_exits(self, made, code):
        fault = only_fault(made({"model.py": model(load=code)}))
        assert (fault.name, fault.status) == ("exits", "fail")

    def test_in_a_module_it_imports(self, made):
        files = {
            "model.py": model(top="from net.head import Head\nimport other"),
            "net/__init__.py": "",
            "net/head.py": "from .deep import x\nHead = input()",
            "net/deep.py": "x = open('/home/me/x')",
            "other.py": "import net",
        }
        assert sorted(fault.place for fault in faults(made(files))) == ["net/deep.py:1", "net/head.py:2"]


class Evil:
    def __reduce__(self):
        return os.system, ("echo loaded",)


def pickled(state: dict[str, object], protocol: int = 4) -> bytes:
    return pickle.dumps(state, protocol)


PINNED = "numpy==1.26.4\nscikit-learn==1.3.2\n"


class TestPickles:
    @pytest.mark.parametrize("name", ["clf.pkl", "clf.pickle", "clf.joblib", "net.pt", "net.pth", "w.bin", "net.ckpt"])
    def test_a_dangerous_one_is_not_loaded(self, made, name, capfd):
        content = pickle.dumps(Evil())
        if name == "net.pt":
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("archive/data.pkl", content)
            content = buffer.getvalue()
        fault = only_fault(made({name: content}))
        assert (fault.name, fault.status, fault.place) == ("pickles", "fail", name)
        assert ".system" in fault.finding
        assert "loaded" not in capfd.readouterr().out

    @pytest.mark.parametrize(
        ("requirements", "finding"),
        [
            (PINNED, "by scikit-learn 1.4.2 and will be loaded by the pinned 1.3.2"),
            ("numpy==1.26.4\n", "does not ask for scikit-learn"),
        ],
    )
    def test_a_clash_of_versions(self, made, requirements, finding):
        content = pickled({"_sklearn_version": "1.4.2"})
        fault = only_fault(made({"clf.pkl": content, "requirements.txt": requirements}))
        assert (fault.name, fault.status, fault.place) == ("pickles", "warn", "clf.pkl")
        assert finding in fault.finding
        assert "scikit-learn==1.4.2" in fault.remedy

    def test_a_version_that_is_not_pinned(self, made):
        content = pickled({"_sklearn_version": "1.4.2"})
        found = faults(made({"clf.pkl": content, "requirements.txt": "numpy==1.26.4\nscikit-learn\n"}))
        assert [fault.name for fault in found] == ["requirements", "pickles"]
        assert "takes the newest" in found[1].finding

    def test_the_version_that_is_pinned(self, made):
        path = made({"clf.pkl": pickled({"_sklearn_version": "1.3.2"}), "requirements.txt": PINNED})
        (passed,) = [check for check in check_submission(path, static=True).checks if check.name == "pickles"]
        assert passed.status == "pass"
        assert "written by scikit-learn 1.3.2" in passed.finding

    @pytest.mark.parametrize(
        ("content", "finding"),
        [(b"c__main__\nNet\n.", "__main__.Net"), (b"chome_module\nNet\n.", "home_module.Net")],
    )
    def test_classes_that_are_not_there(self, made, content, finding):
        fault = only_fault(made({"clf.pkl": content}))
        assert fault.status == "fail"
        assert finding in fault.finding

    def test_a_class_of_the_submission(self, made):
        assert faults(made({"clf.pkl": b"cnet\nNet\n.", "net.py": "class Net: ..."})) == []

    def test_files_that_are_no_pickles(self, made):
        assert faults(made({"w.bin": b"\x00\x01" * 100, "x.model": "text", "e.pkl": b"-"})) == []

    def test_damaged(self, made):
        fault = only_fault(made({"net.pt": b"PK\3\4 and no more"}))
        assert (fault.name, fault.status) == ("pickles", "fail")


def test_json_and_counts(made):
    report = check_submission(made({"model.py": model("return 0.5", load="input()"), "metadata": None}), static=True)
    assert report.failed
    shown = json.loads(report.to_json())
    assert shown["ok"] is False
    assert shown["counts"]["fail"] == report.count("fail") == 1
    assert shown["counts"]["warn"] == 1
    assert {"name", "status", "finding", "remedy", "place"} == set(shown["checks"][0])
