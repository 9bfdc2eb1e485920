"""What a card says of a specimen."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridwing.app.cards import card_html, state_html
from hybridwing.app.project import Decision, Specimen

HOSTILE = "<img src=x onerror=alert(1)>.jpg"


@pytest.mark.parametrize(
    ("specimen", "decision", "blind", "said"),
    [
        ({}, None, False, "waits to be scored"),
        ({"failure": "cut <short>"}, None, False, "cut &lt;short&gt;"),
        ({"score": 0.5}, None, True, "not decided yet"),
        ({"score": 0.5, "reason": "like <nothing>"}, None, False, "0.500 cannot tell</span>: like &lt;nothing&gt;"),
        ({"score": 0.5}, Decision(1, "hybrid", "a x <b>"), True, "✓ Hybrid</b> a x &lt;b&gt;"),
        ({}, Decision(1, "", "a x b"), False, "waits to be scored"),
    ],
)
def test_the_decision_and_the_verdict_are_said_as_text(specimen, decision, blind, said):
    found = state_html(Specimen(1, Path("a.jpg"), "a.jpg", **specimen), decision, None, blind=blind)
    assert said in found
    assert ("0.500" in found) == ("score" in specimen and not blind)


def test_a_name_is_text_and_keeps_its_end():
    card = card_html(Specimen(7, Path(HOSTILE), HOSTILE), "")
    assert 'data-id="7"' in card
    assert "<img src=x" not in card
    assert "rt(1)&gt;.jpg</span></span>" in card
