--- The page's script, part 2: a list of any length, of which only the rows in view are elements.
return [==[
const ROW_HEIGHT = 58, OVERSCAN = 6;

// The items are in the order of their ids; the list shows the last one first.
class VirtualList {
  constructor(box, renderRow, onOpen, onSelect) {
    Object.assign(this, { box, renderRow, onOpen, onSelect, items: [], selected: null, rows: new Map(), frame: 0 });
    this.inner = box.appendChild(h("div", { role: "presentation", class: "inner" }));
    box.addEventListener("scroll", () => this.schedule(), { passive: true });
    box.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) { this.select(Number(row.dataset.id)); onOpen(this.selected); }
    });
    new ResizeObserver(() => this.schedule()).observe(box);
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.render(); });
  }

  setItems(items) {
    this.items = items;
    this.schedule();
  }

  // Items were added at the top: those in view stay where they are, unless the top is in view.
  grew(count) {
    if (this.box.scrollTop > 0) { this.resize(); this.box.scrollTop += count * ROW_HEIGHT; }
    this.schedule();
  }

  resize() {
    this.inner.style.height = this.items.length * ROW_HEIGHT + "px";
  }

  render() {
    const { box, items, rows } = this;
    this.resize();
    const first = Math.max(0, Math.floor(box.scrollTop / ROW_HEIGHT) - OVERSCAN);
    const last = Math.min(items.length - 1, Math.ceil((box.scrollTop + box.clientHeight) / ROW_HEIGHT) + OVERSCAN);
    const wanted = new Set();
    for (let place = first; place <= last; place++) wanted.add(items[items.length - 1 - place].id);
    for (const [id, row] of rows) if (!wanted.has(id)) { row.remove(); rows.delete(id); }
    for (let place = first; place <= last; place++) {
      const row = this.place(items[items.length - 1 - place], place);
      const next = this.inner.children[place - first] || null; // the order of the elements is what screen readers follow
      if (next !== row) this.inner.insertBefore(row, next);
    }
    const active = this.selected != null && rows.has(this.selected) ? "row-" + this.selected : "";
    if (active) box.setAttribute("aria-activedescendant", active); else box.removeAttribute("aria-activedescendant");
  }

  place(item, place) {
    let row = this.rows.get(item.id);
    if (!row) {
      row = this.renderRow(item);
      row.id = "row-" + item.id;
      row.dataset.id = item.id;
      row.setAttribute("role", "option");
      this.rows.set(item.id, row);
    }
    row.style.transform = "translateY(" + place * ROW_HEIGHT + "px)";
    row.setAttribute("aria-posinset", place + 1);
    row.setAttribute("aria-setsize", this.items.length);
    row.setAttribute("aria-selected", String(item.id === this.selected));
    return row;
  }

  placeOf(id) {
    let low = 0, high = this.items.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1, at = this.items[middle].id;
      if (at === id) return this.items.length - 1 - middle;
      if (at < id) low = middle + 1; else high = middle - 1;
    }
    return -1;
  }

  select(id) {
    this.selected = id;
    const place = id == null ? -1 : this.placeOf(id);
    if (place >= 0) {
      const top = place * ROW_HEIGHT, { box } = this;
      this.resize();
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + ROW_HEIGHT > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW_HEIGHT - box.clientHeight;
    }
    this.schedule();
    this.onSelect(id);
  }

  move(step) {
    if (!this.items.length) return;
    const place = this.selected == null ? -1 : this.placeOf(this.selected);
    const next = place < 0 ? 0 : Math.min(this.items.length - 1, Math.max(0, place + step));
    this.select(this.items[this.items.length - 1 - next].id);
  }
}
]==]
