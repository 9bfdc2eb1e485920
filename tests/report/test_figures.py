"""Figures show what the scores are: which bars stand where, what is written, and the same bytes twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.backbones.base import BackboneSpec
from hybridwing.catalogue.schema import COLUMNS, Catalogue
from hybridwing.evaluation.bootstrap import Uncertainty
from hybridwing.evaluation.challenge_score import challenge_scores
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.report.figures import HYBRID, NON_HYBRID, draw_evaluation, save_figure
from hybridwing.runs.evaluate import DetectorEvaluation, Evaluation
from hybridwing.runs.folder import RunManifest
from hybridwing.runtime.preprocess import Preprocess

SPEC = BackboneSpec("stub", "stub", "v1", "", "pixels", 3, Preprocess())
UNKNOWN = Uncertainty({}, {}, 1, 0.95, 1)
MANIFEST = RunManifest(
    SPEC, ("svm",), "svm", "the only one", "", 0, "random", 0.2, "t.csv", "", "", 1, 1, 1, 1, 1, {}
)  # fmt: skip


def evaluation(labels: list[int], groups: list[str] | None, **scores: list[float]) -> Evaluation:
    n = len(labels)
    columns = {name: [None] * n for name in COLUMNS} | {
        "uuid": [f"{i}.jpg" for i in range(n)],
        "filename": [f"{i}.jpg" for i in range(n)],
        "hybrid": [bool(label) for label in labels],
        "group": groups or [None] * n,
        "row": list(range(n)),
    }
    table = pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in COLUMNS.items()})
    detectors = {}
    for name, values in scores.items():
        array = np.asarray(values, dtype=np.float64)
        official = challenge_scores(array, labels, groups) if groups else None
        detectors[name] = DetectorEvaluation(array, detection_metrics(array, labels), official)
    return Evaluation(MANIFEST, Catalogue(table, "custom", Path("t.csv"), ""), detectors, (), UNKNOWN)


def many(
    n: int = 240, detectors: tuple[str, ...] = ("svm", "sgd", "knn", "gaussian"), grouped: bool = True
) -> Evaluation:
    rng = np.random.default_rng(4)
    labels = (rng.random(n) < 0.3).astype(int)
    groups = [("major", "minor", "mimic")[i % 3] for i in range(n)] if grouped else None
    scores = {name: np.round(np.clip(rng.normal(0.4 + 0.3 * labels, 0.2), 0.0001, 0.9999), 4) for name in detectors}
    if "knn" in scores:
        scores["knn"] = np.round(scores["knn"] * 4) / 4 * 0.96 + 0.02
    return evaluation(labels.tolist(), groups, **scores)


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def bars(axes, colour: str) -> list[tuple[float, float, float]]:
    """Left edge, right edge and height of the bars of a colour."""
    wanted = mpl.colors.to_rgba(colour)
    return [(p.get_x(), p.get_x() + p.get_width(), p.get_height()) for p in axes.patches if p.get_facecolor() == wanted]


@pytest.mark.slow
def test_a_panel_for_each_detector_and_group():
    figure = draw_evaluation(many())
    assert len(figure.axes) == 12
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["Signal hybrids", "Non-signal hybrids", "Mimic hybrids"] + [""] * 9
    names = [texts(ax)[0] for ax in figure.axes[::3]]
    assert names == ["svm", "sgd", "knn", "gaussian"]
    assert [ax.get_xlabel() for ax in figure.axes] == [""] * 9 + ["hybrid score"] * 3


def test_without_groups_there_is_one_panel_a_detector():
    result = many(grouped=False, detectors=("svm", "knn"))
    figure = draw_evaluation(result)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["All images", ""]
    metrics = result.detectors["svm"].metrics
    found = round(metrics.hybrid_recall * metrics.n_hybrids)
    assert f"{found} of {metrics.n_hybrids} hybrids found" in texts(figure.axes[0])
    assert not any("challenge" in text for text in texts(figure.axes[0]))


def test_what_is_written_is_what_is_scored():
    result = many()
    figure = draw_evaluation(result)
    labels, groups = result.catalogue.labels, result.catalogue.groups
    for row, (name, detector) in enumerate(result.detectors.items()):
        assert f"challenge\nscore {detector.challenge.challenge_score:.3f}" in texts(figure.axes[3 * row]), name
        recalls = (
            detector.challenge.species_a["major_recall"],
            detector.challenge.species_a["minor_recall"],
            detector.challenge.mimic["hybrid_recall"],
        )
        for column, (group, recall) in enumerate(zip(("major", "minor", "mimic"), recalls, strict=True)):
            total = int(labels[groups == group].sum())
            expected = f"{round(recall * total)} of {total} hybrids found"
            assert expected in texts(figure.axes[3 * row + column])


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(1, 9999), st.booleans()), min_size=1, max_size=40))
def test_bars_right_of_the_threshold_are_exactly_what_is_called_hybrid(images):
    scores, labels = [score / 10_000 for score, _ in images], [int(hybrid) for _, hybrid in images]
    result = evaluation(labels, None, svm=scores)
    threshold = result.detectors["svm"].metrics.threshold
    axes = draw_evaluation(result).axes[0]
    assert axes.lines[-1].get_xdata()[0] == threshold
    for colour, hybrid, sign in ((HYBRID, 1, 1), (NON_HYBRID, 0, -1)):
        own = [score for score, label in zip(scores, labels, strict=True) if label == hybrid]
        shown = bars(axes, colour)
        assert all(right <= threshold + 1e-12 or left >= threshold - 1e-12 for left, right, _ in shown)
        assert all(height * sign > 0 and right - left <= 0.025 + 1e-9 for left, right, height in shown)
        assert sum(height for *_, height in shown) == pytest.approx(sign * bool(own))
        above = sum(height for left, _, height in shown if left >= threshold - 1e-12)
        called = sum(score > threshold for score in own)
        assert sign * above == pytest.approx(called / len(own) if own else 0)


@pytest.mark.parametrize("label", [0, 1])
def test_a_panel_of_one_class_says_so(label, tmp_path):
    figure = draw_evaluation(evaluation([label] * 3, None, svm=[0.2, 0.4, 0.9]))
    assert ("no non-hybrids" if label else "no hybrids") in texts(figure.axes[0])
    save_figure(figure, tmp_path / "figure")


def test_scores_at_the_ends_are_shown():
    figure = draw_evaluation(evaluation([0, 1, 0, 1], None, svm=[0.0, 0.0, 1.0, 1.0]))
    assert sum(height for *_, height in bars(figure.axes[0], HYBRID)) == pytest.approx(1)
    assert min(left for left, *_ in bars(figure.axes[0], HYBRID)) == 0
    assert max(right for _, right, _ in bars(figure.axes[0], HYBRID)) == 1


def test_a_row_has_one_scale_and_names_it():
    figure = draw_evaluation(many())
    for row in range(4):
        limits = {figure.axes[3 * row + column].get_ylim() for column in range(3)}
        assert len(limits) == 1
        low, high = limits.pop()
        assert low == -high
        labels = [label.get_text() for label in figure.axes[3 * row].get_yticklabels()]
        assert labels[1] == "0"
        assert labels[0] == labels[2]
        assert labels[0].endswith("%")


@pytest.mark.slow
def test_nothing_overlaps_and_nothing_is_small():
    for result in (many(), many(detectors=("svm",)), many(grouped=False, detectors=("svm", "gaussian"))):
        figure = draw_evaluation(result)
        figure.draw_without_rendering()
        written = [t for t in figure.findobj(mpl.text.Text) if t.get_text() and t.get_visible()]
        assert min(text.get_fontsize() for text in written) >= 9
        boxes = [text.get_window_extent() for text in written]
        page = figure.bbox
        for i, box in enumerate(boxes):
            assert page.x0 <= box.x0 + 1
            assert box.x1 <= page.x1 + 6, "the last tick label may hang over the margin by less than a letter"
            for other, text in zip(boxes[i + 1 :], written[i + 1 :], strict=True):
                assert not (box.shrunk(0.9, 0.9).overlaps(other.shrunk(0.9, 0.9))), (written[i], text)


@pytest.mark.slow
def test_the_same_bytes_twice_whatever_the_users_style(tmp_path):
    save_figure(draw_evaluation(many()), tmp_path / "a")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9, "svg.fonttype": "none"}):
        paths = save_figure(draw_evaluation(many()), tmp_path / "b")
    assert paths == (tmp_path / "b.png", tmp_path / "b.svg")
    for suffix in (".png", ".svg"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_dot_in_the_name_stays(tmp_path):
    png, svg = save_figure(draw_evaluation(many(grouped=False, detectors=("svm",))), tmp_path / "v1.2")
    assert (png.name, svg.name) == ("v1.2.png", "v1.2.svg")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()


@pytest.mark.slow
def test_drawing_leaves_the_users_style_alone():
    before = dict(mpl.rcParams)
    draw_evaluation(replace(many(), failures=()))
    assert dict(mpl.rcParams) == before
