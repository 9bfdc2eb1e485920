"""What is shown of how far numbers can be trusted, where there is little or much of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from hybridwing.cli.show_confidence import show_parentage, show_promises, show_uncertainty
from hybridwing.evaluation.bootstrap import Uncertainty
from hybridwing.runs.parentage import EvaluatedParentage
from hybridwing.runs.predict import RankedImage, RankedImages


def test_a_long_list_of_strange_images_is_cut(capsys):
    images = tuple(RankedImage(n, Path(f"{n}.png"), 0.5, False, "unlike the training images") for n in range(1, 14))
    show_promises(RankedImages("svm", 0.95, 0.9, images, ()))
    shown = capsys.readouterr().out
    assert "of 13 of 13 images nothing can be told" in shown
    assert "… and 3 more" in shown
    assert "11.png" not in shown
    show_promises(RankedImages("svm", 0.95, 0.9, tuple(replace(image, reason="") for image in images), ()))
    assert capsys.readouterr().out == ""


def test_images_without_an_embedding_are_not_said_to_be_like_training(capsys):
    parentage = EvaluatedParentage((None,) * 4, ("on its side", "", None, None), ((),) * 4, ())
    show_parentage(SimpleNamespace(parentage=parentage))  # type: ignore[arg-type]
    assert "gives no verdict: 1 of 2\n" in capsys.readouterr().out


def test_where_nothing_is_known_nothing_is_shown(capsys):
    unknown = SimpleNamespace(uncertainty=Uncertainty({"svm": {}}, {}, 10, 0.95, 3), remainder=None, parentage=None)
    show_uncertainty(unknown)  # type: ignore[arg-type]
    show_parentage(unknown)  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""
