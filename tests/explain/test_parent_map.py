"""Places of the wings are given to the parent that they take after, and to none where nobody can tell."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.errors import RunError
from hybridwing.explain.parent_map import colour_name, parent_map
from hybridwing.explain.wing_model import MOST_OF_A_CLASS, WingModel, fit_wings, read_wings
from hybridwing.explain.wing_pictures import SIDE, WingPicture

if TYPE_CHECKING:
    from pathlib import Path

DARK, RED, YELLOW, BLUE = (0.08, 0.06, 0.05), (0.75, 0.15, 0.1), (0.9, 0.8, 0.35), (0.2, 0.35, 0.9)
#: Where the parents differ: a forewing band, a forewing base, hindwing rays.
BAND, BASE, RAYS = (0, slice(6, 18), slice(6, 14)), (0, slice(12, 24), slice(17, 24)), (1, slice(6, 20), slice(6, 20))
PLACES = (BAND, BASE, RAYS)
FIRST, SECOND = (YELLOW, RED, RED), (RED, DARK, DARK)
PAIR = ("lativitta", "notabilis")


def picture(colours: tuple[tuple[float, ...], ...], rng: np.random.Generator) -> WingPicture:
    """Dark wings with the three elements, a little unsteady in place and light."""
    made = np.empty((2, SIDE, SIDE, 3))
    made[:] = DARK
    for (wing, rows, columns), colour in zip(PLACES, colours, strict=True):
        made[wing, rows, columns] = colour
    made = np.roll(made, rng.integers(0, 2, 2), axis=(1, 2)) * rng.uniform(0.85, 1.15)
    made += rng.normal(0, 0.02, made.shape)
    boxes = np.full((2, 2), 0.7, np.float32)
    return WingPicture(made.clip(0, 1).astype(np.float32), np.ones((2, SIDE, SIDE), np.float32), boxes)


@pytest.fixture(scope="module")
def model() -> WingModel:
    rng = np.random.default_rng(0)
    vectors = [picture(colours, rng).as_vector() for colours in (FIRST, SECOND) for _ in range(20)]
    found = fit_wings(np.stack(vectors), [PAIR[0]] * 20 + [PAIR[1]] * 20)
    assert found is not None
    return found


def test_every_mixture_of_elements_is_read_off(model):
    rng = np.random.default_rng(1)
    for choice in itertools.product((0, 1), repeat=3):
        hybrid = picture(tuple((FIRST, SECOND)[who][place] for place, who in enumerate(choice)), rng)
        found = parent_map(hybrid, model, PAIR)
        for (wing, rows, columns), who in zip(PLACES, choice, strict=True):
            inner = found.leaning[wing, rows, columns][2:-2, 2:-2]
            assert (np.sign(inner) == (1 if who else -1)).mean() >= 0.85
        given = {element.name: element.parent for element in found.elements}
        assert given == {
            "forewing middle": PAIR[choice[0]],
            "forewing base": PAIR[choice[1]],
            "hindwing middle": PAIR[choice[2]],
        }


def test_words_name_elements_by_place_and_colour(model):
    hybrid = picture((RED, RED, DARK), np.random.default_rng(2))
    words = parent_map(hybrid, model, PAIR).words
    assert words == "forewing base red as in lativitta; forewing middle red and hindwing middle dark as in notabilis"


def test_where_the_parents_are_alike_or_the_place_is_like_neither_nothing_is_said(model):
    strange = picture((BLUE, RED, RED), np.random.default_rng(3))
    found = parent_map(strange, model, PAIR)
    assert np.abs(found.leaning[0, 8:16, 8:12]).mean() < 0.35
    assert next(element.parent for element in found.elements if element.name == "forewing middle") == ""
    assert "forewing middle undecided" in found.words
    alike = np.ones((2, SIDE, SIDE), dtype=bool)
    for wing, rows, columns in PLACES:
        grown = [slice(part.start - 2 if part.start else 0, part.stop + 2) for part in (rows, columns)]
        alike[wing, grown[0], grown[1]] = False
    alike[:, :2], alike[:, -2:], alike[:, :, :2], alike[:, :, -2:] = False, False, False, False
    assert np.abs(found.leaning[alike]).mean() < 0.2


def test_a_specimen_without_hindwings_is_compared_by_its_forewings(model):
    torn = picture(FIRST, np.random.default_rng(4))
    torn.inside[1] = 0
    found = parent_map(torn, model, PAIR)
    assert not found.leaning[1].any()
    assert {element.name.split()[0] for element in found.elements} == {"forewing"}


def test_models_of_shuffled_specimens_give_other_maps(model):
    rng = np.random.default_rng(5)
    vectors = np.stack([picture(colours, rng).as_vector() for colours in (FIRST, SECOND) for _ in range(20)])
    hybrid = picture((RED, RED, DARK), rng)
    own = parent_map(hybrid, model, PAIR).leaning.ravel()
    alike = []
    for _ in range(10):
        shuffled = fit_wings(vectors, rng.permutation(np.repeat(PAIR, 20)).tolist())
        alike.append(np.corrcoef(own, parent_map(hybrid, shuffled, PAIR).leaning.ravel())[0, 1])
    assert np.mean(alike) < 0.3


@pytest.mark.parametrize(
    ("colour", "name"),
    [(DARK, "dark"), (RED, "red"), (YELLOW, "yellow"), (BLUE, "blue"), ((0.9, 0.9, 0.85), "white"),
     ((0.9, 0.5, 0.1), "orange"), ((0.3, 0.2, 0.15), "brown")],
)  # fmt: skip
def test_colours_have_names(colour, name):
    assert colour_name(np.array(colour)) == name


def test_a_model_is_read_as_it_was_written(model, tmp_path: Path):
    model.write(tmp_path / "wings.npz")
    again = read_wings(tmp_path / "wings.npz")
    assert again is not None
    assert again.names == model.names
    np.testing.assert_array_equal(again.spreads, model.spreads)
    np.testing.assert_array_equal(again.means, model.means)
    assert read_wings(tmp_path / "absent.npz") is None
    WingModel(("one",), model.counts, model.means, model.spreads[:1]).write(tmp_path / "wrong.npz")
    with pytest.raises(RunError, match="train again"):
        read_wings(tmp_path / "wrong.npz")


def test_classes_of_few_borrow_their_spread(model):
    rng = np.random.default_rng(6)
    vectors = np.stack([picture(FIRST, rng).as_vector() for _ in range(MOST_OF_A_CLASS + 1)])
    found = fit_wings(vectors, ["one", *["many"] * MOST_OF_A_CLASS])
    assert found is not None
    np.testing.assert_allclose(found.spread("one"), found.spread("many"), rtol=0.4)
    assert fit_wings(vectors, [None] * len(vectors)) is None
