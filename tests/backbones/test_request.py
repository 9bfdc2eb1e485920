"""What names and views with commas between ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.backbones.base import MOST_PARTS, BackboneSpec
from hybridwing.backbones.entries import BEST
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.backbones.request import Backbone, split_names
from hybridwing.errors import BackboneError
from hybridwing.runtime.preprocess import Preprocess


def told(names: str, views: str = "whole", feature: str = "default") -> list[str]:
    return [f"{one.name} {one.view} {one.feature}" for one in Backbone(names, views, feature=feature).singles]


@pytest.mark.slow
@given(st.text().filter(lambda text: "," not in text and text != BEST), st.text().filter(lambda text: "," not in text))
def test_one_name_with_one_view_is_taken_as_it_is(name, view):
    request = Backbone(name, view, feature="cls")
    assert request.singles == (request,)


def test_every_backbone_has_every_view_and_pattern_comes_once():
    assert told("a,pattern,b", "specimen,hindwings", "cls") == [
        "a specimen cls", "a hindwings cls", "pattern whole default", "b specimen cls", "b hindwings cls",
    ]  # fmt: skip
    assert told("pattern,a", "forewings") == ["pattern whole default", "a forewings default"]


@pytest.mark.parametrize(
    ("names", "views", "read"),
    [
        ("a,a", "whole", ["a whole default"]),
        ("pattern,pattern", "whole", ["pattern whole default"]),
        ("a", "whole,whole", ["a whole default"]),
        (" a , b,", " whole,", ["a whole default", "b whole default"]),
        (",", "whole", [", whole default"]),
    ],
)
def test_what_stands_there_twice_is_taken_once_and_blanks_do_not_count(names, views, read):
    assert told(names, views) == read


def test_a_folder_may_have_commas(tmp_path):
    for name in ("a", "a,b", "c"):
        (tmp_path / name).mkdir()
    first, both, other = (f"local:{tmp_path / name}" for name in ("a", "a,b", "c"))
    assert split_names(both) == (both,)
    assert split_names(f"pattern,{both},{other},dinov2-base") == ("pattern", both, other, "dinov2-base")
    assert split_names(f"{first},pattern") == (first, "pattern")
    # No folder of that name: read as two.
    assert split_names(f"local:{tmp_path / 'x,y'}") == (f"local:{tmp_path / 'x'}", "y")


@pytest.mark.parametrize(
    ("names", "views", "message"),
    [
        ("a,b", "wings,legs", "view must be one of whole, specimen, forewings, hindwings; got 'wings', 'legs'"),
        ("pattern", "specimen,forewings", "the pattern backbone finds the wings itself; it has no views specimen,"),
        (",".join(["a"] * 65), "whole", "65 names with commas between are too many; 64 are the most"),
        (",".join(map(str, range(33))), "whole,specimen", "66 backbones with views are too many; 64 are the most"),
        ("," * 10**6, "whole", "too many"),
    ],
)
def test_what_cannot_be(names, views, message):
    with pytest.raises(BackboneError) as caught:
        Backbone(names, views)
    assert message in str(caught.value)
    assert MOST_PARTS == 64


def test_a_backbone_is_asked_for_again_by_the_same_names_or_by_new_ones():
    network = BackboneSpec("local:/a,b", "transformers", "ViT", "ab" * 32, "cls", 8, Preprocess(view="forewings"))
    behind = replace(network, preprocess=Preprocess(view="hindwings"))
    spec = BackboneSpec.of_parts([PatternBackbone().spec, network, behind])
    again = Backbone.of(spec).singles
    assert again[0] == Backbone("pattern")
    assert [(one.name, one.view, one.feature) for one in again[1:]] == [
        (("local:/a,b"), "forewings", "cls"),
        (("local:/a,b"), "hindwings", "cls"),
    ]
    moved = Backbone.of(spec, "pattern,local:/new").singles
    assert [one.name for one in moved] == ["pattern", "local:/new", "local:/new"]
    with pytest.raises(BackboneError, match=r"has the backbones pattern, local:/a,b: name all 2 in this order"):
        Backbone.of(spec, "local:/new")
    for names in ("local:/new,pattern", "local:/new,local:/other"):
        with pytest.raises(BackboneError, match=rf"in this order, with commas between; '{names}' was read as local:"):
            Backbone.of(spec, names)


def test_requests_side_by_side_keep_their_own_views():
    joined = Backbone.join("pattern", Backbone("a", view="forewings", feature="cls"), Backbone("a,b", view="whole"))
    assert [(one.name, one.view, one.feature) for one in joined.singles] == [
        ("pattern", "whole", "default"),
        ("a", "forewings", "cls"),
        ("a", "whole", "default"),
        ("b", "whole", "default"),
    ]
    assert joined.name == "pattern,a,b"
    assert Backbone.join("a") == Backbone("a")
    assert Backbone(("pattern", "a"), ("whole", "specimen")).singles == Backbone("pattern,a", "whole,specimen").singles
