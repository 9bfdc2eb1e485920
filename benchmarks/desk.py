"""How fast the review desk answers, and whether a kill loses a decision.

    python benchmarks/desk.py RUN PHOTOGRAPHS

Puts 2,000 specimens on a desk (the photographs of a folder, again and again, under scores that are drawn), opens it in
Chromium with Playwright, and prints the time to the first screen and to the next specimen. Then a process that decides
without pause is killed fifty times at random moments, and the decisions that it had announced are counted.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPECIMENS, STEPS, KILLS = 2000, 30, 50
DECIDER = """
import itertools, sys
from pathlib import Path
from hybridwing.app.project import Decision, Project
project = Project(Path(sys.argv[1]))
for number in itertools.count():
    print(project.decide(Decision(number % 2000 + 1, "hybrid", note=str(number)), {}).id, flush=True)
"""


def fill(folder: Path, run: Path, photographs: Path) -> None:
    from hybridwing.app.project import Looks, Project
    from hybridwing.images.find import find_images

    project, draw = Project(folder, run), random.Random(0)
    found = find_images([photographs]).images
    for number in range(SPECIMENS):
        source = found[number % len(found)]
        (folder / "photographs" / f"{number:05}{source.suffix}").hardlink_to(source)
    project.add(sorted((folder / "photographs").iterdir()))
    looks = Looks((("notabilis", 0.7), ("lativitta", 0.3)), ("lativitta", "notabilis"), 0.5)
    project.keep_scores([(one.id, draw.random(), "", looks) for one in project.specimens()])
    project.close()


def timed(folder: Path) -> tuple[float, float, list[float]]:
    from playwright.sync_api import sync_playwright

    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "hybridwing.cli", "app", "--project", str(folder), "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
    )
    address = re.search(r"http://\S+", server.stdout.readline()).group()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            page.goto(address, wait_until="commit") if wait_for(address) else None
            page.wait_for_selector(".desk-card")
            began = time.perf_counter()
            page.goto(address, wait_until="commit")
            page.wait_for_selector(".desk-card img")
            first = time.perf_counter() - began
            page.wait_for_function(f"document.querySelectorAll('.desk-card').length === {SPECIMENS}")
            every = time.perf_counter() - began
            page.locator(".desk-card").first.click()
            page.wait_for_selector(".desk-stage img")
            steps = []
            for place in range(2, STEPS + 2):
                began = time.perf_counter()
                page.keyboard.press("ArrowRight")
                page.get_by_text(f"{place} of {SPECIMENS:,}", exact=True).wait_for()
                steps.append(time.perf_counter() - began)
            return first, every, steps
    finally:
        server.kill()
        server.wait()


def wait_for(address: str) -> bool:
    import httpx

    for _ in range(200):
        try:
            httpx.get(address)
            return True
        except httpx.TransportError:
            time.sleep(0.1)
    return False


def killed(folder: Path) -> tuple[int, int]:
    """Decisions that were announced before a kill, and those of them that are lost."""
    from hybridwing.app.project import Project

    announced: set[int] = set()
    draw = random.Random(1)
    for _ in range(KILLS):
        decider = subprocess.Popen([sys.executable, "-c", DECIDER, str(folder)], stdout=subprocess.PIPE, text=True)
        first = decider.stdout.readline()
        time.sleep(draw.uniform(0, 0.3))
        decider.kill()
        lines = (first + decider.communicate()[0]).split("\n")[:-1]
        announced.update(int(line) for line in lines)
    kept = {row[0] for row in Project(folder)._rows("SELECT id FROM decision")}
    return len(announced), len(announced - kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("photographs", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.photographs.parent) as temporary:
        folder = Path(temporary) / "desk"
        fill(folder, options.run, options.photographs)
        first, every, steps = timed(folder)
        print(f"{SPECIMENS:,} specimens: first screen {first:.2f} s, all of them {every:.2f} s")
        print(f"next specimen: median {1000 * statistics.median(steps):.0f} ms, slowest {1000 * max(steps):.0f} ms")
        told, lost = killed(folder)
        print(f"{KILLS} kills: {lost} of {told:,} announced decisions lost")


if __name__ == "__main__":
    main()
