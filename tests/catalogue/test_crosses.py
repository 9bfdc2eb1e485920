from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue.crosses import cross_of, is_cross_name, parse_cross

subspecies = st.sampled_from(["lativitta", "notabilis", "xenoclea", "2", "10"])


@given(subspecies, subspecies)
def test_a_cross_has_no_order(first: str, second: str) -> None:
    if first == second:
        with pytest.raises(ValueError, match="with itself"):
            cross_of(first, second)
        return
    cross = cross_of(first, second)
    assert cross == cross_of(second, first) == parse_cross(f"{second} x {first}") == parse_cross(cross.name)
    back = parse_cross(f"{first} x ({second} × {first})")
    assert back.parents == cross.parents
    assert back == parse_cross(f"({first} X {second}) x {first}") == parse_cross(back.pedigree)
    assert back.pedigree == f"({cross.name}) x {first}"


def test_codes_are_sorted_by_value() -> None:
    assert cross_of("10", "9").name == "9 x 10"


def test_a_bracket_around_all_and_double_crosses() -> None:
    assert parse_cross("(b x a)").pedigree == "a x b"
    assert parse_cross("(b x a) x (a x b)").pedigree == "(a x b) x (a x b)"


def test_the_sign_needs_no_blanks_and_the_letter_does() -> None:
    assert parse_cross("notabilis×lativitta").name == "lativitta x notabilis"
    assert parse_cross("(xenoclea×maxx)×xenoclea").pedigree == "(maxx x xenoclea) x xenoclea"
    assert is_cross_name("a×b")
    assert not is_cross_name("axb")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a x",
        "x",
        "×",
        "a×",
        "×a",
        "b×a x",
        "x b×a",
        "a x x b",
        ")a x b(",
        "a x b)",
        "(a x b",
        "((a) b) x a",
        "a x ()",
        "(" * 500 + "a x b",
    ],
)
def test_what_is_no_cross(text: str) -> None:
    with pytest.raises(ValueError, match=r"name|bracket|longer"):
        parse_cross(text)


@given(st.text(alphabet="ab x×()", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        cross = parse_cross(text)
    except ValueError:
        return
    assert parse_cross(cross.pedigree) == cross
    assert is_cross_name(cross.name)
