"""Names of crosses: ``"notabilis x lativitta"``, back-crosses in brackets, and their one spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The letter is a cross sign only where it stands alone: subspecies such as "xenoclea" hold it too.
CROSS_PARTS = re.compile(r"([()×]|(?<![^\s()×])[xX](?![^\s()×]))")
_CROSS_SIGN = re.compile(r"×|[\s)][xX][\s(]")
SIGNS = ("x", "X", "×")
_LONGEST = 200
_NOT_A_CROSS = "is not the name of a cross, such as 'lativitta x notabilis'"


@dataclass(frozen=True)
class Cross:
    """An unordered pair of parent subspecies."""

    parents: tuple[str, str]  # The two subspecies, sorted (codes by value, before names)
    # Who was crossed with whom: the cross's name for a first generation, ``"(a x b) x a"`` for a back-cross, with the
    # parts of every cross sorted and the simple part last
    pedigree: str

    @property
    def name(self) -> str:
        """Canonical name of the pair, ``"a x b"``."""
        return " x ".join(self.parents)


def cross_of(first: str, second: str) -> Cross:
    """Cross of two parents, in either order. Each is a subspecies or itself a cross of the same two.

    Raises ValueError if the parents are one and the same subspecies, or descend from more than two; the message
    completes the sentence "the value ...".

    Examples
    --------
    >>> cross_of("notabilis", "lativitta").name
    'lativitta x notabilis'
    >>> cross_of("notabilis", "notabilis x lativitta").pedigree
    '(lativitta x notabilis) x notabilis'
    """
    if is_cross_name(first) or is_cross_name(second):
        return parse_cross(f"({first}) x ({second})")
    if first == second:
        raise ValueError("crosses a subspecies with itself")
    low, high = sorted((first, second), key=by_value)
    return Cross((low, high), f"{low} x {high}")


def is_cross_name(text: str) -> bool:
    """Whether a name has a cross sign in it: ``×``, or a lone ``x`` between blanks."""
    return _CROSS_SIGN.search(text) is not None


def parse_cross(text: str) -> Cross:
    """Read the name of a cross, such as ``"notabilis×lativitta"`` or ``"(lativitta x notabilis) x lativitta"``.

    Raises ValueError if it is not a cross of exactly two subspecies; the message completes the sentence "the value
    ...".

    Examples
    --------
    >>> parse_cross("lativitta x (notabilis x lativitta)").pedigree
    '(lativitta x notabilis) x lativitta'
    """
    if len(text) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters, which no name of a cross is")
    parts = [part.strip() for part in CROSS_PARTS.split(text) if part.strip()]
    subspecies, pedigree, rest = _cross(parts)
    if rest or not is_cross_name(text):
        raise ValueError(_NOT_A_CROSS)
    if len(subspecies) != 2:
        raise ValueError(f"makes a cross of {len(subspecies)} subspecies; a cross has two")
    first, second = sorted(subspecies, key=by_value)
    return Cross((first, second), pedigree)


def cross_columns(name: str | None) -> dict[str, str | None]:
    """The columns of a catalogue that say what a hybrid's parents are; None in all where the name is no cross of two.

    Examples
    --------
    >>> cross_columns("notabilis x lativitta")["parent_1"], cross_columns("hybrid")["cross"]
    ('lativitta', None)
    """
    try:
        cross = parse_cross(name or "")
    except ValueError:
        return dict.fromkeys(("parent_1", "parent_2", "cross", "pedigree"))
    first, second = cross.parents
    return {"parent_1": first, "parent_2": second, "cross": cross.name, "pedigree": cross.pedigree}


def _cross(parts: list[str]) -> tuple[set[str], str, list[str]]:
    """Read sides joined by cross signs, from the left: their subspecies, spelling and what follows."""
    subspecies, pedigree, rest = _side(parts)
    while rest and rest[0] in SIGNS:
        more, spelled, rest = _side(rest[1:])
        subspecies, pedigree = subspecies | more, _spelling(pedigree, spelled)
    return subspecies, pedigree, rest


def _side(parts: list[str]) -> tuple[set[str], str, list[str]]:
    """Read one side of a cross: its subspecies, its spelling and the parts after it."""
    if not parts or parts[0] in SIGNS or parts[0] == ")":
        raise ValueError(_NOT_A_CROSS)
    if parts[0] != "(":
        return {parts[0]}, parts[0], parts[1:]
    subspecies, pedigree, rest = _cross(parts[1:])
    if rest[:1] != [")"]:
        raise ValueError("has a bracket that is not closed")
    return subspecies, pedigree, rest[1:]


def _spelling(first: str, second: str) -> str:
    """Spell one crossing: compound sides in brackets and first, then in order."""
    sides = sorted((first, second), key=lambda side: (not is_cross_name(side), by_value(side)))
    return " x ".join(f"({side})" if is_cross_name(side) else side for side in sides)


def by_value(name: str) -> tuple[bool, int, str]:
    """Key that sorts codes and other numbers by value, before names."""
    return (False, int(name), "") if name.isdecimal() else (True, 0, name)
