// The treemaps, the filter, and long tables that are cut short. Without it the page is its tables.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const ROWS = 15; // of a long table, until all are shown
  const SMALLEST = 4; // pixels: smaller rectangles are not drawn

  const units = ["kB", "MB", "GB", "TB", "PB"];
  const bytes = (n) => {
    if (n < 1000) return `${n} B`;
    let unit = -1;
    do { n /= 1000; unit += 1; } while (n >= 999.5);
    return `${n.toFixed(n < 9.995 ? 2 : n < 99.95 ? 1 : 0)} ${units[unit]}`;
  };
  const percent = (part, all) => `${(100 * part / Math.max(all, 1)).toFixed(1)}%`;
  const element = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  // The part of a store path that people recognise.
  const short = (path) => path.replace(/^\/(nix|gnu)\/store\/[0-9a-z]{32}-/, "");
  const matches = (text, word) => text.toLowerCase().includes(word);

  // ---- Treemaps

  class Treemap {
    constructor(place, platform) {
      this.place = place;
      this.platform = platform;
      this.about = document.getElementById(place.dataset.about);
      this.leaves = [];
      this.word = "";
      this.root = d3.hierarchy(this.tree(), (node) => node.children)
        .sum((node) => node.size || 0)
        .sort((a, b) => b.value - a.value);
      place.hidden = false;
      this.about.previousElementSibling.hidden = false;
      place.addEventListener("keydown", (event) => this.key(event));
      new ResizeObserver(() => this.draw()).observe(place);
    }

    tree() {
      const layers = this.platform.layers.map((layer, i) => ({ layer: i, shared: layer.shared, children: [] }));
      for (const path of this.platform.paths) {
        for (const part of path.layers) {
          if (part.size > 0) layers[part.layer].children.push({ path: path.path, size: part.size, layer: part.layer, files: path.files });
        }
      }
      return { children: layers.filter((layer) => layer.children.length > 0) };
    }

    draw() {
      const { place } = this;
      const focused = this.leaves.findIndex((leaf) => leaf.box === document.activeElement);
      d3.treemap().size([place.clientWidth, place.clientHeight]).paddingTop((node) => node.depth === 1 ? 20 : 0)
        .paddingInner(1).round(true)(this.root);
      const boxes = [];
      this.leaves = [];
      for (const node of this.root.descendants()) {
        const [width, height] = [node.x1 - node.x0, node.y1 - node.y0];
        if (node.depth === 0 || width < SMALLEST || height < SMALLEST) continue;
        const box = node.depth === 1 ? this.layer(node) : this.leaf(node, width, height);
        box.style.left = `${node.x0}px`;
        box.style.top = `${node.y0}px`;
        box.style.width = `${width}px`;
        box.style.height = `${height}px`;
        boxes.push(box);
      }
      place.replaceChildren(...boxes);
      this.current(Math.max(0, Math.min(focused, this.leaves.length - 1)));
      if (focused >= 0) this.leaves[this.at]?.box.focus();
      this.filter(this.word);
    }

    layer(node) {
      const { layer } = node.data;
      const box = element("div", "layer", `layer ${layer + 1} · ${bytes(node.value)}${node.data.shared ? " · shared" : ""}`);
      box.setAttribute("aria-hidden", "true");
      return box;
    }

    leaf(node, width, height) {
      const { path, size, layer, files } = node.data;
      const shared = this.platform.layers[layer].shared;
      const box = element("button", shared ? "leaf shared" : "leaf");
      box.type = "button";
      box.tabIndex = -1;
      box.style.setProperty("--hue", String((layer * 47 + 205) % 360));
      const text = `${path}: ${bytes(size)}, ${percent(size, this.root.value)} of all files; ${files} ${files === 1 ? "file" : "files"}; in layer ${layer + 1}`
        + (shared ? ", which other platforms share" : "");
      box.setAttribute("aria-label", text);
      if (width > 40 && height > 17) box.append(element("span", "", short(path)));
      if (width > 40 && height > 34) box.append(element("span", "", bytes(size)));
      const tell = () => { this.about.textContent = text; };
      box.addEventListener("mouseenter", tell);
      box.addEventListener("focus", () => { tell(); this.current(this.leaves.findIndex((leaf) => leaf.box === box)); });
      box.addEventListener("click", () => filterBy(path));
      this.leaves.push({ box, node });
      return box;
    }

    // One leaf is reached with the tab key, the others from there with the arrows.
    current(at) {
      this.at = at;
      this.leaves.forEach(({ box }, i) => { box.tabIndex = i === at ? 0 : -1; });
    }

    key(event) {
      const to = this.next(event.key);
      if (to === undefined) return;
      event.preventDefault();
      this.leaves[to].box.focus();
    }

    next(key) {
      const last = this.leaves.length - 1;
      if (last < 0) return undefined;
      if (key === "Home") return 0;
      if (key === "End") return last;
      const direction = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
      if (!direction) return undefined;
      const centre = ({ node }) => [(node.x0 + node.x1) / 2, (node.y0 + node.y1) / 2];
      const [x, y] = centre(this.leaves[this.at]);
      let best, least = Infinity;
      this.leaves.forEach((leaf, i) => {
        const [dx, dy] = [centre(leaf)[0] - x, centre(leaf)[1] - y];
        const along = dx * direction[0] + dy * direction[1];
        const across = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
        // A leaf that is more beside than ahead is not in this direction.
        if (along > 0 && across <= 2 * along && along + 2 * across < least) { least = along + 2 * across; best = i; }
      });
      return best;
    }

    filter(word) {
      this.word = word;
      for (const { box, node } of this.leaves) box.classList.toggle("dim", !matches(node.data.path, word));
    }
  }

  // ---- Tables

  class Table {
    constructor(table) {
      this.rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.textContent }));
      this.all = this.rows.length <= ROWS + 5;
      this.word = "";
      this.more = element("button", "more", `Show all ${this.rows.length} rows`);
      this.more.type = "button";
      this.more.addEventListener("click", () => { this.all = true; this.show(); this.rows[ROWS].row.cells[0].focus?.(); });
      table.parentElement.after(this.more);
      this.part = table.closest(".part");
      this.show();
    }

    show() {
      let shown = 0;
      for (const { row, text } of this.rows) {
        const wanted = this.word ? matches(text, this.word) : this.all || shown < ROWS;
        row.hidden = !wanted;
        shown += wanted;
      }
      this.more.hidden = this.all || this.word !== "";
      // A heading or an advice alone would read like a result.
      this.part.hidden = shown === 0;
      return shown;
    }

    filter(word) {
      this.word = word;
      return this.show();
    }
  }

  const treemaps = [...document.querySelectorAll(".treemap")].map((place, i) => new Treemap(place, data.platforms[i]));
  const tables = [...document.querySelectorAll("table.filtered")].map((table) => new Table(table));

  // ---- The filter

  const form = document.getElementById("filter");
  const input = form.querySelector("input");
  const found = form.querySelector("output");
  const filterBy = (text) => {
    input.value = text;
    const word = text.trim().toLowerCase();
    treemaps.forEach((treemap) => treemap.filter(word));
    const rows = tables.reduce((sum, table) => sum + table.filter(word), 0);
    // Parts without a table have nothing to match.
    document.querySelectorAll(".part:not(:has(table))").forEach((part) => { part.hidden = word !== ""; });
    const size = data.platforms.flatMap((platform) => platform.paths).filter((path) => matches(path.path, word))
      .reduce((sum, path) => sum + path.size, 0);
    found.textContent = word ? `${rows} ${rows === 1 ? "row" : "rows"}; ${bytes(size)} in paths that match, on all platforms` : "";
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", () => filterBy(input.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && input.value) filterBy("");
    if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
  });
})();
