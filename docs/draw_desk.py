"""Photograph the review desk for README and how-to/review.md: a quickstart's run, in the system's Chromium.

    python docs/draw_desk.py QUICKSTART

QUICKSTART is the folder that `hybridwing quickstart` made. It needs the extra [app] and Playwright.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
SHOWN = 48


def reviewed(quickstart: Path) -> list[Path]:
    """Some photographs of the test part, among them the signal hybrids, of dorsal sides."""
    with (quickstart / "collection" / "truth" / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["side"] == "dorsal"]
    with (quickstart / "collection" / "ref_test.csv").open(newline="", encoding="utf-8") as file:
        tested = {row["filename"] for row in csv.DictReader(file)}
    names = [row["filename"] for row in rows if row["filename"] in tested]
    return [quickstart / "collection" / "images" / name for name in names[:: max(1, len(names) // SHOWN)][:SHOWN]]


def kept(page: Page, name: str) -> None:
    """Write what the page shows."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(IMAGES / f"{name}.webp", quality=82)


def photographed(page: Page) -> None:
    """Decide on three specimens, then look at one."""
    page.wait_for_function("!document.body.innerText.includes('waits to be scored')", timeout=300_000)
    page.get_by_role("button", name="Stop").wait_for(state="detached", timeout=60_000)
    page.reload()  # the first of the ranking is looked at, not the first that was scored
    page.wait_for_selector(".desk-card")
    page.wait_for_timeout(1000)
    for key in "hhn":
        page.keyboard.press(key)
        page.wait_for_timeout(400)
    page.wait_for_timeout(1500)
    kept(page, "desk-grid")
    page.locator(".desk-card").nth(1).click()
    page.wait_for_selector(".desk-why img", timeout=120_000)
    page.wait_for_timeout(800)
    kept(page, "desk-one")


def main() -> None:
    """Replace both pictures."""
    quickstart = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-u", "-m", "hybridwing.cli", "app", str(quickstart / "run"), "--no-browser"]
        images = [argument for path in reviewed(quickstart) for argument in ("--images", str(path))]
        server = subprocess.Popen(
            [*command, "--project", f"{temporary}/desk", *images], stdout=subprocess.PIPE, text=True
        )
        try:
            for line in server.stdout or ():
                if found := re.search(r"http://\S+", line):
                    break
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 920}, color_scheme="light")
                for _ in range(100):
                    page.wait_for_timeout(300)
                    try:
                        page.goto(found.group())
                        break
                    except Exception:
                        continue
                page.wait_for_selector(".desk-card")
                photographed(page)
                browser.close()
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
