"""The desk in a real browser: reviewed by keyboard, killed, opened twice, given hostile names."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from hybridwing.app.project import Project
from hybridwing.app.scoring import score_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .conftest import Trained

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytest.importorskip("nicegui", reason="the extra [app] is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Server:
    """A desk in a process of its own."""

    def __init__(self, project: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hybridwing.cli", "app", "--project", str(project), "--no-browser"],
            stdout=subprocess.PIPE,
            text=True,
            # NiceGUI serves otherwise within a test.
            env={n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")} | {"PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        said = re.search(r"http://\S+", self._process.stdout.readline())
        assert said is not None
        self.address = said.group()

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.contextmanager
def serving(project: Path) -> Iterator[Server]:
    server = Server(project)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def project(tmp_path: Path, trained: Trained) -> Path:
    made = Project(tmp_path / "desk", trained.run)
    made.add(trained.photographs[:5])
    score_waiting(made)
    made.close()
    return made.folder


def page_of(browser: sync_api.Browser, server: Server, width: int = 1280, scheme: Any = "light") -> sync_api.Page:
    page = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme).new_page()
    page.set_default_timeout(120_000)
    for _ in range(100):  # until the server listens
        with contextlib.suppress(sync_api.Error):
            page.goto(server.address)
            break
        page.wait_for_timeout(300)
    page.wait_for_selector(".desk-card")
    return page


def wait_until(page: sync_api.Page, look: Callable[[], object], expected: object) -> None:
    """Wait until what is looked at is as expected: a text on the page may have been there before."""
    for _ in range(200):
        if look() == expected:
            return
        page.wait_for_timeout(300)
    assert look() == expected


def wait_until_scored(page: sync_api.Page, project: Path, counts: tuple[int, int, int]) -> None:
    """Wait until so many photographs have a score, failed, and are there."""
    wait_until(page, lambda: Project(project).counts(), counts)


def choices(project: Path) -> list[str]:
    return [decision.choice for _, decision in sorted(Project(project).decisions().items())]


def test_reviewed_by_keyboard_killed_and_gone_on(browser: sync_api.Browser, project: Path, trained: Trained) -> None:
    with serving(project) as server:
        page = page_of(browser, server)
        assert page.locator(".desk-card").count() == 5
        page.keyboard.press("ArrowRight")  # the card has the focus now, and keys still count
        page.keyboard.press("g")
        page.wait_for_selector(".desk-stage img")
        for key in "hnuz":
            page.keyboard.press(key)
        wait_until(page, lambda: sorted(choices(project)), ["", "hybrid", "non-hybrid"])
        page.get_by_text("2 decided").wait_for()
        server.kill()
    Project(project).add(trained.photographs[5:7])
    with serving(project) as server:
        page = page_of(browser, server)
        page.get_by_text("7 of 7 shown, 2 decided").wait_for()
        wait_until_scored(page, project, (7, 0, 7))


def test_two_pages_see_each_other_and_names_are_text(
    browser: sync_api.Browser, project: Path, trained: Trained, tmp_path: Path
) -> None:
    hostile = tmp_path / "<img src=x onerror=document.title='owned'>.jpg"
    shutil.copyfile(trained.photographs[6], hostile)
    Project(project).add([hostile])
    with serving(project) as server:
        first, second = page_of(browser, server), page_of(browser, server)
        first.locator(".desk-card").first.click()
        first.get_by_role("button", name=re.compile("^Hybrid")).click()
        second.get_by_text("✓ Hybrid").wait_for()
        assert second.get_by_text("onerror").count() == 1
        assert "owned" not in (first.title(), second.title())
        stranger = browser.new_context().request.get(server.address.partition("?")[0])
        assert stranger.status == 403


def test_dropped_photographs_are_scored_and_bad_ones_listed(
    browser: sync_api.Browser, project: Path, trained: Trained, tmp_path: Path
) -> None:
    note = tmp_path / "note.exe"
    note.write_text("no photograph")
    with serving(project) as server:
        page = page_of(browser, server)
        page.get_by_text("Add photographs").click()
        page.locator("input[type=file]").set_input_files([trained.photographs[7], note])
        page.get_by_text("note.exe: neither a photograph").wait_for()
        page.get_by_text("6 of 6 shown").wait_for()
        wait_until_scored(page, project, (6, 0, 6))


def test_the_most_uncertain_stay_in_their_order_until_it_is_asked_for_again(
    browser: sync_api.Browser, project: Path
) -> None:
    def order(page: sync_api.Page) -> list[str | None]:
        return [card.get_attribute("data-id") for card in page.locator(".desk-card").all()]

    with serving(project) as server:
        page = page_of(browser, server)
        again = page.get_by_role("button", name="Order again")
        assert not again.is_visible()
        page.get_by_label("Order", exact=True).click()
        page.get_by_role("option", name="most uncertain first").click()
        again.wait_for()
        page.wait_for_timeout(500)
        before = order(page)
        page.locator(".desk-card").first.focus()
        page.keyboard.press("h")
        page.get_by_text("1 decided").wait_for()
        page.keyboard.press("g")
        page.wait_for_selector(".desk-stage img")
        page.keyboard.press("g")
        page.wait_for_selector(".desk-card")
        assert order(page) == before
        again.click()
        wait_until(page, lambda: sorted(map(str, order(page))), sorted(map(str, before)))


def test_filters_are_folded_on_a_telephone(browser: sync_api.Browser, project: Path) -> None:
    with serving(project) as server:
        page = page_of(browser, server, 390)
        button, search = page.get_by_role("button", name="Filters"), page.get_by_label("Search")
        assert (search.is_visible(), button.get_attribute("aria-expanded")) == (False, "false")
        assert page.locator(".desk-card").first.bounding_box()["y"] < 250
        button.click()
        search.wait_for()
        wait_until(page, lambda: button.get_attribute("aria-expanded"), "true")
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_axe_finds_nothing_serious(browser: sync_api.Browser, project: Path, serious: Any) -> None:
    with serving(project) as server:
        for width, scheme in ((390, "dark"), (1280, "light")):
            page = page_of(browser, server, width, scheme)
            page.wait_for_timeout(500)
            assert serious(page) == []
            if width == 390:
                page.get_by_role("button", name="Filters").click()
                assert serious(page) == []
            page.locator(".desk-card").first.click()
            page.wait_for_selector(".desk-why img")
            page.wait_for_timeout(500)
            assert serious(page) == []
            page.keyboard.press("h")
            page.keyboard.press("ArrowLeft")
            page.get_by_text("✓ Hybrid").wait_for()
            page.wait_for_timeout(500)
            assert serious(page) == []
            page.context.close()
