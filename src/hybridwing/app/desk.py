"""The page: add photographs, review them by mouse or keyboard, set the threshold, learn, export."""

from __future__ import annotations

import getpass
import json
import tempfile
import time
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import events, run, ui

from hybridwing.app.board import DECISIONS, ORDERS, VERDICTS, Board, Filter
from hybridwing.app.cards import LABELS, card_html, state_html
from hybridwing.app.exports import verdict_of, write_contact_sheet, write_darwin_core, write_decisions
from hybridwing.app.intake import LARGEST_FILE, take_in
from hybridwing.app.project import Decision, Specimen
from hybridwing.app.work import WorkPanel

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.app.thresholds import Limit

KEYS = {"h": "hybrid", "n": "non-hybrid", "u": "unsure"}
HELP = (
    "H hybrid, N not a hybrid, U unsure, Z undo, ← → previous and next, G grid or one specimen. Wheel or double click "
    "zooms the picture."
)
_MOST_SHOWN = 5000
_AT_ONCE = 60
"""Cards that the first screen needs; the others follow."""

_BETWEEN = 3.0
"""Least seconds between two drawings of the grid while scores come in."""


class Desk:
    """One browser's page on a board."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.filter = Filter()
        self.rate = 0.95
        self.one = False
        self.current: int | None = None
        self.who = getpass.getuser()
        self.shown: list[Specimen] = []
        self._counts = board.project.counts()
        self._placed: tuple[tuple[int, float, int], dict[int, int]] | None = None
        self._drawn = 0.0
        self._seen = max((d.id for d in board.decisions.values()), default=0)
        self._note: ui.textarea | None = None
        self._name: ui.input | None = None

    # -- the frame -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Lay out the page."""
        ui.add_head_html('<link rel="stylesheet" href="/desk/desk.css"><script src="/desk/desk.js"></script>')
        ui.colors(primary="#1f6f5c")
        with ui.row(align_items="center").classes("desk-bar").props("role=toolbar aria-label=Desk"):
            ui.html("Review desk", sanitize=False, tag="h1")
            self._toggle = ui.button("One by one", on_click=self.toggle).props("outline dense no-caps")
            export = ui.button("Export", icon="download").props("outline dense no-caps aria-label=Export")
            with export.classes("desk-export"), ui.menu():
                for label, name, write in (
                    ("Spreadsheet (.xlsx)", "decisions.xlsx", write_decisions),
                    ("Table (.csv)", "decisions.csv", write_decisions),
                    ("Darwin Core (.csv)", "darwin-core.csv", write_darwin_core),
                    ("Contact sheet to print", "contact-sheet.html", write_contact_sheet),
                ):
                    ui.menu_item(label, on_click=lambda name=name, write=write: self._export(name, write))
            self._learn = ui.button("Learn from decisions", on_click=self.learn).props("outline dense no-caps")
            who = ui.input("Your name", value=self.who, on_change=self._named).props("dense outlined")
            who.classes("w-40 desk-fold")
        with ui.column().classes("desk-main"):
            with ui.expansion("Add photographs", icon="add_photo_alternate", value=not self.board.specimens) as adding:
                ui.label("Drop photographs, zip archives of them, or a spreadsheet that says more of them.").classes(
                    "desk-soft"
                )
                ui.upload(
                    multiple=True, auto_upload=True, max_file_size=LARGEST_FILE, on_upload=self._uploaded,
                    on_multi_upload=None, label="Drop files here, or press +",
                    on_rejected=lambda: ui.notify("a file is too large", type="negative"),
                ).props("flat")  # fmt: skip
            adding.classes("w-full").props("dense header-class=q-px-none")
            self._adding = adding
            self._refused = ui.column().classes("w-full gap-1")
            self._work = WorkPanel(self.board, self.draw)
            self._controls()
            self._content = ui.column().classes("w-full gap-3")
        ui.keyboard(on_key=self._key, repeating=False, ignore=["input", "select", "textarea"])
        ui.on("picked", lambda event: self.open(int(event.args)))
        ui.timer(0.5, self._tick)
        self._work.draw_progress()
        self._work.draw_candidate()
        self.draw()

    def _controls(self) -> None:
        limits = self.board.limits
        if limits:
            self.rate = min(limits, key=lambda one: abs(one.tnr - 0.95)).tnr
            with ui.row(align_items="center").classes("w-full gap-4 desk-fold"):
                ui.label("Threshold").props("id=threshold-label")
                slider = ui.slider(
                    min=0, max=len(limits) - 1, step=1, value=[one.tnr for one in limits].index(self.rate)
                ).classes("w-64")
                slider.props("aria-labelledby=threshold-label")
                slider.on("change", lambda event: self._set_rate(int(event.args)))
                self._sentence = ui.label("").classes("desk-sentence").props("aria-live=polite")
        else:
            self._sentence = ui.label(
                "Too few specimens were held out to promise an error rate: they are ranked without a verdict."
            ).classes("desk-fold")
        with ui.row(align_items="center").classes("w-full gap-3"):
            folding = ui.button("Filters", icon="tune").props("outline dense no-caps aria-expanded=false")
            folding.classes("desk-folding").on("click", js_handler="(event) => desk.fold(event.currentTarget)")
            with ui.row(align_items="center").classes("gap-3 desk-fold"):
                self._select(VERDICTS, "Verdict", "verdict")
                self._select(DECISIONS, "Decision", "decision")
                self._select(ORDERS, "Order", "order")
                self._again = ui.button("Order again", icon="refresh", on_click=self._order_again)
                self._again.props("flat dense no-caps")
                ui.input("Search", on_change=lambda e: self._narrow(text=e.value or "")).props(
                    "dense outlined clearable debounce=250"
                )
            self._summary = ui.label("").classes("desk-soft").props("aria-live=polite")
        self._help = ui.label(HELP).classes("desk-soft text-sm desk-keys")

    def _select(self, options: dict[str, str], label: str, name: str) -> None:
        ui.select(
            options, label=label, value=getattr(self.filter, name), on_change=lambda e: self._narrow(**{name: e.value})
        ).props("dense outlined").classes("w-52")

    @property
    def limit(self) -> Limit | None:
        """The threshold that is set, if the model in use can promise one."""
        return next((one for one in self.board.limits if one.tnr == self.rate), None)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Show what the filter lets through."""
        self._drawn = time.monotonic()
        limit = self.limit
        if limit is not None:
            measured = self.board.measured(limit)
            self._sentence.set_text(f"{limit.sentence(self.board.scores())} {measured}".strip())
        places = self._kept_places()
        self.shown = self.board.shown(self.filter, limit, places)
        self._again.set_visibility(places is not None)
        numbers = [one.id for one in self.shown]
        if self.current not in numbers:
            self.current = numbers[0] if numbers else None
        self._say_counts()
        self._toggle.set_text("Grid" if self.one else "One by one")
        self._adding.set_visibility(not self.one)
        if self.one:
            self._draw_one()
        else:
            self._draw_grid()

    def _kept_places(self) -> dict[int, int] | None:
        """The order of the most uncertain: a decision does not move the next specimen away; None for other orders."""
        limit = self.limit
        if self.filter.order != "near" or limit is None:
            return None
        asked = (self.board.project.model, self.rate, len(self.board.scores()))
        if self._placed is None or self._placed[0] != asked:
            self._placed = (asked, self.board.uncertain_first(limit))
        return self._placed[1]

    def _draw_grid(self) -> None:
        self._content.clear()
        cards = [card_html(one, self._state(one)) for one in self.shown[:_MOST_SHOWN]]
        with self._content:
            if not self.shown:
                ui.label("Nothing to show: add photographs, or widen the filter.").classes("desk-soft")
            grid = ui.html("".join(cards[:_AT_ONCE]), sanitize=False).classes("desk-grid")
            grid.props('onclick="desk.picked(event)" role=group aria-label=Specimens')
            if len(cards) > _AT_ONCE:
                ui.timer(0.3, lambda: grid.set_content("".join(cards)), once=True)
            if len(self.shown) > _MOST_SHOWN:
                ui.label(f"The first {_MOST_SHOWN:,} are shown; narrow the filter for the rest.").classes("desk-soft")
        self._mark_current(focus=False)

    def _state(self, one: Specimen) -> str:
        decision = self.board.decisions.get(one.id)
        return state_html(one, decision, self.limit, blind=self.filter.order == "blind")

    def _draw_one(self) -> None:
        one = self._specimen()
        self._content.clear()
        with self._content:
            if one is None:
                ui.label("Nothing to show: add photographs, or widen the filter.").classes("desk-soft")
                return
            with ui.element("div").classes("desk-one"):
                picture = f'<img alt="{escape(one.name)}" src="/picture/{one.id}/large" draggable="false">'
                stage = ui.html(picture, sanitize=False).classes("desk-stage")
                with ui.column().classes("gap-3 desk-decide"):
                    self._draw_choices(one)
                if self.filter.order != "blind" and one.score is not None:
                    place = ui.html('<p class="desk-soft">looking for reasons …</p>', sanitize=False)
                    self._draw_reasons(one, place.classes("desk-reasons").props("aria-live=polite"))
                with ui.column().classes("gap-3 desk-details"):
                    self._draw_facts(one)
        ui.run_javascript(f"desk.zoomable(getElement({stage.id}).$el)")
        following = self._neighbour(1)
        if following is not None:
            ui.run_javascript(f"new Image().src = '/picture/{following}/large'")

    def _draw_reasons(self, one: Specimen, place: ui.html) -> None:
        """Fill in the explanation when it is made, if the specimen is still looked at."""

        async def fill() -> None:
            if self.current != one.id or place.is_deleted:
                return
            why = await run.io_bound(self.board.why, one)
            if self.current == one.id and not place.is_deleted:
                place.set_content(why or "")

        ui.timer(0.4, fill, once=True)

    def _draw_choices(self, one: Specimen) -> None:
        place = [s.id for s in self.shown].index(one.id) + 1
        ui.label(one.name).classes("text-lg font-medium break-all")
        ui.label(f"{place:,} of {len(self.shown):,}").classes("desk-soft")
        ui.html(self._state(one), sanitize=False).props("aria-live=polite")
        decision = self.board.decisions.get(one.id, Decision(one.id))
        with ui.row().classes("gap-2 desk-choices"):
            for key, choice in KEYS.items():
                button = ui.button(on_click=lambda choice=choice: self.decide(choice)).props("no-caps dense")
                button.props("unelevated" if decision.choice == choice else "outline")
                with button:
                    ui.html(f'{LABELS[choice]}<kbd class="desk-key">{key.upper()}</kbd>', sanitize=False)
            with ui.button(on_click=self.undo).props("flat no-caps dense"):
                ui.html('Undo<kbd class="desk-key">Z</kbd>', sanitize=False)

    def _draw_facts(self, one: Specimen) -> None:
        decision = self.board.decisions.get(one.id, Decision(one.id))
        hint = " x ".join(one.looks.parents) if self.filter.order != "blind" else ""
        self._name = ui.input("Right name, if you know it", value=decision.parents, placeholder=hint).classes("w-full")
        self._name.props("dense outlined").on("blur", lambda: self._note_changed(one.id))
        self._note = ui.textarea("Note", value=decision.note).props("dense outlined autogrow").classes("w-full")
        self._note.on("blur", lambda: self._note_changed(one.id))
        rows = list(one.facts.items())
        if self.filter.order != "blind" and not one.reason:
            rows += [(f"looks like {name}", f"{probability:.0%}") for name, probability in one.looks.identities]
            if one.looks.parents and one.looks.hybrid_index is not None:
                first, second = one.looks.parents
                rows.append((f"as a cross {first} x {second}", f"{one.looks.hybrid_index:.0%} {second}"))
        if decision.who:
            rows.append(("decided by", f"{decision.who}, {decision.at[:16].replace('T', ' ')} UTC"))
        table = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in rows)
        ui.html(table, sanitize=False, tag="dl").classes("desk-facts")

    def _mark_current(self, *, focus: bool) -> None:
        if self.current is not None and not self.one:
            ui.run_javascript(f"desk.current({self.current}, {str(focus).lower()})")

    # -- what the user does ----------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Change between the grid and one specimen."""
        self._keep_note()
        self.one = not self.one
        self.draw()

    def open(self, number: int) -> None:
        """Look at one specimen."""
        self.current, self.one = number, True
        self.draw()
        ui.run_javascript("window.scrollTo(0, 0)")

    def step(self, by: int) -> None:
        """Go to the next specimen or to the one before."""
        self._keep_note()
        number = self._neighbour(by)
        if number is None:
            ui.notify("that was the last one" if by > 0 else "that was the first one")
            return
        self.current = number
        if self.one:
            self._draw_one()
        self._mark_current(focus=True)

    def decide(self, choice: str) -> None:
        """Keep a decision on the current specimen, then show the next."""
        one = self._specimen()
        if one is None:
            return
        old = self.board.decisions.get(one.id, Decision(one.id))
        name, note = self._typed(old)
        self._append(one, Decision(one.id, choice, name, note, self.who))
        following = self._neighbour(1)
        if following is not None:
            self.step(1)
        elif self.one:
            self._draw_one()

    def undo(self) -> None:
        """Take back this person's last decision, and show that specimen."""
        back = self.board.project.undo(self.who)
        if back is None:
            ui.notify(f"{self.who} has decided nothing that could be undone")
            return
        self._tick()
        self._note = self._name = None
        if back.specimen in {one.id for one in self.shown}:
            self.current = back.specimen
        if self.one:
            self._draw_one()
        self._mark_current(focus=True)

    def learn(self) -> None:
        """Refit with the decisions, in a process of its own."""
        self.board.learning.start(self.board.project, str(self.rate))
        self._work.draw_candidate()

    def _append(self, one: Specimen, decision: Decision) -> None:
        blind = self.filter.order == "blind"
        limit = self.limit
        shown = {"score": one.score, "verdict": verdict_of(one, limit), "tnr": limit.tnr if limit else None}
        self.board.project.decide(decision, {"blind": blind} if blind else shown)
        self._tick()

    def _typed(self, old: Decision) -> tuple[str, str]:
        """Name and note as they stand in the fields, or as they were where there are none."""
        if not self.one or self._name is None or self._note is None:
            return old.parents, old.note
        return (self._name.value or "").strip(), (self._note.value or "").strip()

    def _note_changed(self, number: int) -> None:
        if number == self.current:
            self._keep_note()

    def _keep_note(self) -> None:
        """Keep a name or a note that was typed without a decision."""
        one = self._specimen()
        if one is None or not self.one:
            return
        old = self.board.decisions.get(one.id, Decision(one.id))
        name, note = self._typed(old)
        if (name, note) != (old.parents, old.note):
            self._append(one, replace(old, parents=name, note=note, who=self.who))

    def _specimen(self) -> Specimen | None:
        return next((one for one in self.shown if one.id == self.current), None)

    def _neighbour(self, by: int) -> int | None:
        numbers = [one.id for one in self.shown]
        if self.current not in numbers:
            return numbers[0] if numbers else None
        place = numbers.index(self.current) + by
        return numbers[place] if 0 <= place < len(numbers) else None

    def _key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.meta or event.modifiers.alt:
            return
        name = event.key.name.lower()
        if name in KEYS:
            self.decide(KEYS[name])
        elif name in ("arrowright", "arrowleft"):
            self.step(1 if name == "arrowright" else -1)
        elif name == "z":
            self.undo()
        elif name == "g":
            self.toggle()

    def _named(self, event: Any) -> None:
        self.who = (event.value or "").strip() or getpass.getuser()

    def _narrow(self, **changes: str) -> None:
        self._keep_note()
        self.filter = replace(self.filter, **changes)
        if "order" in changes:  # another order is read from its top
            self.current = None
        self.draw()

    def _order_again(self) -> None:
        """Ask for the most uncertain anew, now that more was decided."""
        self._placed = self.current = None
        self.draw()

    def _set_rate(self, place: int) -> None:
        self.rate = self.board.limits[place].tnr
        self.draw()

    async def _uploaded(self, event: events.UploadEventArguments) -> None:
        with tempfile.TemporaryDirectory(dir=self.board.project.folder) as folder:
            path = Path(folder) / "upload"
            await event.file.save(path)
            taken = await run.io_bound(take_in, self.board.project, event.file.name, path)
        if taken is None:  # the server is stopping
            return
        if taken.facts:
            ui.notify(f"{event.file.name} speaks of {taken.facts:,} photographs")
        with self._refused:
            for reason in taken.refused:
                ui.label(reason).classes("text-negative text-sm break-all")
        if taken.photographs or taken.facts:
            self.board.refresh()
            self.board.scoring.start(self.board.project)
            self._work.draw_progress()
            self.draw()

    async def _export(self, name: str, write: Callable[..., None]) -> None:
        path = self.board.project.folder / name
        try:
            await run.io_bound(write, self.board.project, self.limit, path)
        except Exception as error:  # said on the screen, whatever it is
            ui.notify(f"{name} could not be written: {error}", type="negative")
            return
        ui.download(path.read_bytes(), name)

    # -- what happens by itself ------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Show what other pages and processes did."""
        board = self.board
        board.update()
        last = max((d.id for d in board.decisions.values()), default=0)
        if last > self._seen:
            changed = [d.specimen for d in board.decisions.values() if d.id > self._seen]
            self._seen = last
            self._show_changed(set(changed))
        counts = board.project.counts()
        if counts != self._counts or board.scoring.is_running:
            self._work.draw_progress()
        # A grid of thousands is drawn anew every few seconds while scores come in, and once more at the end.
        if counts != self._counts and (time.monotonic() - self._drawn > _BETWEEN or not board.scoring.is_running):
            self._counts = counts
            board.refresh()
            if not self.one:
                self.draw()
        self._work.update_candidate()

    def _show_changed(self, changed: set[int]) -> None:
        for one in self.shown:
            if one.id in changed and not self.one:
                ui.run_javascript(f"desk.mark({one.id}, {json.dumps(self._state(one))})")
        self._say_counts()

    def _say_counts(self) -> None:
        decided = sum(bool(d.choice) for d in self.board.decisions.values())
        self._summary.set_text(f"{len(self.shown):,} of {len(self.board.specimens):,} shown, {decided:,} decided")
        self._learn.set_text("Learn from decisions" if decided != 1 else "Learn from 1 decision")


def build_desk(board: Board) -> None:
    """Build the page of a new visitor."""
    board.refresh()
    Desk(board).build()
