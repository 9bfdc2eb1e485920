"""Files that the code takes from its own folder are found, however their paths are put together."""

from __future__ import annotations

import pytest

from hybridwing.submission.check.checking import check_submission

TOP = "import os, glob, inspect, torch, numpy as np, joblib\nimport os.path as osp\nfrom pathlib import Path\n"
REQUIREMENTS = "numpy==1.26.4\ntorch==2.3.0\nscikit-learn==1.3.2\n"


def looked_for(made, code, files=None):
    found = {"model.py": TOP + code, "requirements.txt": REQUIREMENTS, "weights.txt": None, **(files or {})}
    return [one for one in check_submission(made(found), static=True).checks if one.name == "own files"]


def model(load="pass", *, top="", body="", rest=""):
    lines = load.replace("\n", "\n        ")
    predict = "    def predict(self, x): return 0.5"
    return f"{top}\nclass Model:\n{body}\n    def load(self):\n        {lines}\n{predict}\n{rest}\n"


ABSENT = [
    model("self.x = torch.load(os.path.join(os.path.dirname(__file__), 'best_model.pth'))"),
    model("self.x = torch.load(osp.join(osp.dirname(osp.abspath(__file__)), 'best_model.pth'))"),
    model("self.x = torch.load(Path(__file__).parent / 'best_model.pth')"),
    model("self.x = torch.load(Path(__file__).resolve().parent.joinpath('best_model.pth'))"),
    model("self.x = torch.load(Path(__file__).with_name('best_model.pth'))"),
    model("self.x = torch.load(Path(__file__).with_name('best_model').with_suffix('.pth'))"),
    model("self.x = torch.load(f'{os.path.dirname(__file__)}/best_model.pth')"),
    model("self.x = torch.load(os.path.dirname(__file__) + '/best_model.pth')"),
    model("self.x = torch.load(os.path.dirname(__file__) + os.sep + 'best_model.pth')"),
    model("self.x = torch.load(os.path.split(__file__)[0] + '/best_model.pth')"),
    model("self.x = torch.load(Path(__file__).parents[0] / 'best_model.pth')"),
    model("self.x = torch.load(Path(inspect.getfile(Model)).parent / 'best_model.pth')"),
    model("self.x = (Path(__file__).parent / 'best_model.pth').read_bytes()"),
    model("p = Path(__file__).parent\np = p / 'best_model.pth'\nself.x = torch.load(str(p))"),
    model("p = os.path.dirname(__file__)\np += '/best_model.pth'\nself.x = torch.load(p)"),
    model("self.x = torch.load(HERE / NAME)", top="HERE = Path(__file__).parent\nNAME = 'best_model.pth'"),
    model("self.x = torch.load(WEIGHTS)", top="WEIGHTS = os.path.join(os.path.dirname(__file__), 'best_model.pth')"),
    model("self.x = torch.load(Path(__file__).parent / self.NAME)", body="    NAME = 'best_model.pth'"),
    model("self.x = torch.load(Path(__file__).parent / Model.NAME)", body="    NAME: str = 'best_model.pth'"),
    model("self.x = torch.load(Path(__file__).parent / type(self).NAME)", body="    NAME = 'best_model.pth'"),
    model(
        "self.x = torch.load(self.path)",
        body="    def __init__(self):\n        self.path = os.path.join(os.path.dirname(__file__), 'best_model.pth')",
    ),
    model(
        "self.x = torch.load(os.path.join(self.here, self.name))",
        body="    def __init__(self, name='best_model.pth'):\n        self.here = os.path.dirname(__file__)\n"
        "        self.name = name",
    ),
    model("for n in ('weights.npz', 'best_model.pth'):\n    np.load(Path(__file__).parent / n)"),
    model("self.x = [torch.load(Path(__file__).parent / n) for n in ['weights.npz', 'best_model.pth']]"),
    model("self.x = torch.load(Path(__file__).parent / FILES['net'])", top="FILES = {'net': 'best_model.pth'}"),
    model("self.x = torch.load(here('best_model.pth'))", top="def here(n):\n    return Path(__file__).parent / n"),
    model("self.x = read('best_model.pth')", top="def read(n):\n    return torch.load(Path(__file__).parent / n)"),
    model(
        "self.x = torch.load(self._path('best_model.pth'))",
        body="    def _path(self, n):\n        return os.path.join(os.path.dirname(__file__), n)",
    ),
    model(
        "p = Path(__file__).parent / 'best_model.pth'\nif not p.exists():\n    raise OSError(p)\nself.x = torch.load(p)"
    ),
    model("p = Path(__file__).parent / 'best_model.pth'\nassert p.is_file()\nself.x = torch.load(p)"),
    model("self.x = torch.load(os.environ.get('W', os.path.join(os.path.dirname(__file__), 'best_model.pth')))"),
    model(
        "torch.load(HERE / 'best_model.pth')",
        top="try:\n    HERE = Path(__file__).parent\nexcept NameError:\n    HERE = Path('.')",
    ),
    model(
        "torch.load(self.path)",
        body="    @property\n    def path(self):\n        return Path(__file__).parent / 'best_model.pth'",
    ),
    model("os.chdir(os.path.dirname(__file__))\nself.x = torch.load('best_model.pth')"),
]


@pytest.mark.parametrize("code", ABSENT)
def test_a_file_that_is_not_there(made, code):
    (fault,) = looked_for(made, code, {"weights.npz": ""})
    assert fault.status == "fail"
    assert "'best_model.pth'" in fault.finding
    assert "best_model.pth" in fault.remedy
    (passed,) = looked_for(made, code, {"weights.npz": "", "best_model.pth": ""})
    assert passed.status == "pass"


@pytest.mark.parametrize(
    ("imported", "files"),
    [
        ("from config import PATH", {"config.py": "from pathlib import Path\nPATH = Path(__file__).parent / 'w.pth'"}),
        ("from config import *", {"config.py": "import os\nPATH = os.path.dirname(__file__) + '/w.pth'"}),
        ("import config as c\nPATH = c.PATH", {"config.py": "import os\nPATH = os.path.dirname(__file__) + '/w.pth'"}),
        ("import config\nPATH = Path(config.__file__).parent / config.N", {"config.py": "N = 'w.pth'"}),
        ("from net.paths import get\nPATH = get('w.pth')",
         {"net/__init__.py": "", "net/paths.py": "import os\nROOT = os.path.dirname(os.path.dirname(__file__))\n"
          "def get(name):\n    return os.path.join(ROOT, name)"}),
    ],
)  # fmt: skip
def test_names_of_other_modules(made, imported, files):
    code = model("self.x = torch.load(PATH)", top=imported)
    assert {(one.status, "'w.pth'" in one.finding) for one in looked_for(made, code, files)} == {("fail", True)}
    assert [one.status for one in looked_for(made, code, {**files, "w.pth": ""})] == ["pass"]


def test_a_module_s_folder_is_its_own(made):
    files = {"net/__init__.py": "import os\nX = open(os.path.join(os.path.dirname(__file__), 'w.txt'))", "w.txt": ""}
    (fault,) = looked_for(made, model(top="import net"), files)
    assert (fault.status, fault.place) == ("fail", "net/__init__.py:2")
    assert "'net/w.txt'" in fault.finding
    assert "look for w.txt" in fault.remedy


@pytest.mark.parametrize("name", ["Best_Model.pth", "best_model.PTH"])
def test_a_wrong_case_is_named(made, name):
    (fault,) = looked_for(made, ABSENT[0], {name: ""})
    assert fault.status == "fail"
    assert "large letters from small" in fault.finding
    assert f"rename {name} to best_model.pth" in fault.remedy


def test_a_path_that_leads_out(made):
    (fault,) = looked_for(made, model("self.x = torch.load(Path(__file__).parent.parent / 'w.pth')"))
    assert fault.status == "fail"
    assert "leads out" in fault.finding


def test_a_folder_that_is_not_there(made):
    code = model("self.x = AutoModel.from_pretrained(os.path.join(os.path.dirname(__file__), 'dino'))")
    assert looked_for(made, code)[0].status == "fail"
    assert looked_for(made, code, {"dino/config.json": ""})[0].status == "pass"


@pytest.mark.parametrize(
    "load",
    [
        "p = Path(__file__).parent / 'w.pth'\nif p.exists():\n    self.x = torch.load(p)",
        "try:\n    self.x = torch.load(Path(__file__).parent / 'w.pth')\nexcept OSError:\n    self.x = None",
    ],
)
def test_one_that_may_be_missing(made, load):
    assert [one.status for one in looked_for(made, model(load))] == ["warn"]


@pytest.mark.parametrize(
    "load",
    [
        "open(os.path.join(os.path.dirname(__file__), 'log.txt'), 'w')",
        "os.makedirs(os.path.join(os.path.dirname(__file__), 'cache'), exist_ok=True)",
        "import sys; sys.path.append(os.path.join(os.path.dirname(__file__), 'src'))",
        "self.x = torch.load(os.path.join(os.path.dirname(__file__), self.unknown))",
        "self.x = torch.load(os.path.dirname(__file__) + '/fold' + str(self.k) + '.pth')",
        "self.x = os.path.join(self.folder, 'w.pth')",
        "print(f'{os.path.dirname(__file__)}/w.pth')",
        "self.x = Path(__file__).parent",
        "self.x = 'w.pth'",
    ],
)
def test_what_is_no_file_that_must_be_there(made, load):
    assert [one.status for one in looked_for(made, model(load))] == ["pass"]


def test_code_that_never_runs(made):
    main = "if __name__ == '__main__':\n    open(Path(__file__).parent / 'train.csv')"
    assert looked_for(made, model(rest=main))[0].status == "pass"
    never = "def train():\n    open(Path(__file__).parent / 'train.csv')"
    assert looked_for(made, model(rest=never))[0].status == "warn"


@pytest.mark.parametrize(
    "code",
    [
        "x = '{:>9999999999}'.format(1)",
        "x = '%*d' % (9999999999, 1)",
        "x = '{:{w}}'.format(1, w=9999999999)",
        "a0 = ('x' * 9, 'y')\n" + "\n".join(f"a{n + 1} = (a{n}, a{n}, a{n})" for n in range(60)) + "\nx = f'{a60}'",
        "a0 = 'xy'\n" + "\n".join(f"a{n + 1} = a{n} + a{n}" for n in range(60)),
        "x = x + 'a'",
        "def f(n): return f(n + 'a')\nx = f('a')",
        "a = b\nb = a\nx = a / b",
    ],
)
def test_code_that_means_harm_takes_neither_time_nor_memory(made, code):
    assert looked_for(made, model(top=code))[0].status == "pass"
