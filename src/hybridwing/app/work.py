"""What the desk's processes do at the moment: how far scoring is, and the model that was learned from decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from hybridwing.app.learning import candidate, end_candidate

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.app.board import Board


class WorkPanel:
    """The rows of the page that say it. `changed` is called when another model is in use."""

    def __init__(self, board: Board, changed: Callable[[], None]) -> None:
        self.board, self.changed = board, changed
        self._progress = ui.row(align_items="center").classes("w-full gap-3")
        self._candidate = ui.column().classes("w-full")

    def draw_progress(self) -> None:
        """Say how many photographs are scored, with the time left."""
        board = self.board
        done, total, left = board.scoring.progress(board.project)
        self._progress.clear()
        with self._progress:
            if board.scoring.is_running:
                ui.linear_progress(done / max(total, 1), show_value=False).classes("w-64")
                duration = "" if left is None or done == total else f", about {_duration(left)} left"
                ui.label(f"scored {done:,} of {total:,}{duration}")
                ui.button("Stop", on_click=self._stop).props("flat dense no-caps")
            elif done < total:
                ui.label(f"{total - done:,} photographs are not scored yet.")
                ui.button("Score them", on_click=self._go_on).props("outline dense no-caps")
            if board.scoring.error:
                ui.label(f"Scoring stopped: {board.scoring.error}").classes("text-negative")

    def update_candidate(self) -> None:
        """Draw the model that was learned, if something is new about it."""
        learning, is_shown = self.board.learning, bool(self._candidate.default_slot.children)
        if learning.is_running or learning.error or is_shown != (candidate(self.board.project) is not None):
            self.draw_candidate()

    def draw_candidate(self) -> None:
        """Say what a model that was learned from decisions would change, and offer it."""
        learning, change = self.board.learning, candidate(self.board.project)
        self._candidate.clear()
        with self._candidate:
            if learning.is_running:
                with ui.row(align_items="center"):
                    ui.spinner(size="sm")
                    ui.label("learning from the decisions …")
            elif learning.error:
                ui.label(f"Nothing was learned: {learning.error}").classes("text-negative")
            elif change is not None:
                moved = change.to_hybrid + change.to_non_hybrid
                ui.label(
                    f"Refitted with {change.decisions:,} decisions: of the others {moved:,} verdicts change "
                    f"({change.to_hybrid:,} to hybrid, {change.to_non_hybrid:,} to non-hybrid), {change.same:,} stay. "
                    f"Measured, new against old: {change.measure}."
                )
                with ui.row():
                    ui.button("Use the new model", on_click=lambda: self._end(take=True)).props("dense no-caps")
                    ui.button("Keep the old one", on_click=lambda: self._end(take=False)).props("outline dense no-caps")
        learning.error = ""

    def _stop(self) -> None:
        self.board.scoring.stop()
        self.draw_progress()

    def _go_on(self) -> None:
        self.board.scoring.start(self.board.project)
        self.draw_progress()

    def _end(self, *, take: bool) -> None:
        end_candidate(self.board.project, take=take)
        self.board.refresh()
        self.draw_candidate()
        self.changed()


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes" if minutes < 90 else f"{round(minutes / 60)} hours"
