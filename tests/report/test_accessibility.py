"""axe finds nothing serious on the pages, light and dark, on a telephone and on a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.report.explained import write_explanations
from hybridwing.report.prediction_page import write_prediction
from hybridwing.report.run_page import held_out, write_run_report
from hybridwing.runs.explaining import Explainer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def pages(small: Any, small_run: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pages of a run, of a prediction and of explanations."""
    folder, images, one = tmp_path_factory.mktemp("pages"), small[0].images, Compute(workers=1)
    write_run_report(small_run, held_out(small_run), folder / "run.html", images=images)
    few = sorted(images.iterdir())[:4]
    write_prediction(small_run.predict(few, tnr=0.8, compute=one), small_run, folder / "ranked.html", compute=one)
    knows = Explainer(small_run)
    why = write_explanations(knows.explain(few[:2], compute=one), knows, folder / "why")
    return [folder / "run.html", folder / "ranked.html", why]


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_serious_is_found(browser: Any, pages: list[Path], serious: Any, width: int, scheme: str) -> None:
    for path in pages:
        page = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme).new_page()
        page.goto(path.as_uri())
        page.eval_on_selector_all("details", "all => all.forEach((one) => { one.open = true; })")
        assert [(path.name, *one) for one in serious(page)] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.context.close()
