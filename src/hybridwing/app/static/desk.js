// What the desk does in the browser: pick a card, keep the current card in view, zoom a picture.
document.documentElement.lang = "en";
window.desk = {
  picked(event) {
    const card = event.target.closest(".desk-card");
    if (card) emitEvent("picked", Number(card.dataset.id));
  },
  mark(id, html) {
    const place = document.querySelector(`.desk-card[data-id="${id}"] .desk-state`);
    if (place) place.innerHTML = html;
  },
  current(id, focus) {
    document.querySelectorAll(".desk-card[aria-current=true]").forEach((card) => card.removeAttribute("aria-current"));
    const card = document.querySelector(`.desk-card[data-id="${id}"]`);
    if (!card) return;
    card.setAttribute("aria-current", "true");
    card.scrollIntoView({ block: "nearest" });
    if (focus) card.focus({ preventScroll: true });
  },
  fold(button) {
    button.setAttribute("aria-expanded", document.body.classList.toggle("desk-unfolded"));
  },
  zoomable(stage) {
    const image = stage.querySelector("img");
    let scale = 1, x = 0, y = 0, from = null;
    const show = () => { image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`; };
    const zoom = (factor, px, py) => {
      const next = Math.min(12, Math.max(1, scale * factor));
      x = px - (px - x) * next / scale; y = py - (py - y) * next / scale; scale = next;
      if (scale === 1) { x = 0; y = 0; }
      stage.style.cursor = scale > 1 ? "grab" : "zoom-in";
      show();
    };
    const place = (event) => { const box = stage.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    stage.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.25 : 0.8, ...place(event)); }, { passive: false });
    stage.addEventListener("dblclick", (event) => zoom(scale > 1 ? 0 : 3, ...place(event)));
    stage.addEventListener("pointerdown", (event) => { from = [event.clientX - x, event.clientY - y]; stage.setPointerCapture(event.pointerId); });
    stage.addEventListener("pointermove", (event) => { if (from && scale > 1) { x = event.clientX - from[0]; y = event.clientY - from[1]; show(); } });
    stage.addEventListener("pointerup", () => { from = null; });
  },
};
