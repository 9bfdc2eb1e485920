"""axe finds nothing serious on the pages, light and dark, on a telephone and on a desk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.report.explained import write_explanations
from hybridwing.report.prediction_page import write_prediction
from hybridwing.report.run_page import held_out, write_run_report
from hybridwing.runs.explaining import Explainer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium")]


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_serious_is_found(browser: Any, pages: list[Path], width: int, scheme: str) -> None:
    for path in pages:
        page = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme).new_page()
        page.goto(path.as_uri())
        page.eval_on_selector_all("details", "all => all.forEach((one) => { one.open = true; })")
        found = axe.Axe().run(page).response
        assert found["passes"]
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        assert [(path.name, one["id"], one["nodes"][0]["html"][:200]) for one in serious] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.context.close()
