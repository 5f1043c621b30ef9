// The page of one pipeline: zoom, drag, search, and a walk along its edges.
// Everything from outside is put into the page as text, never as markup.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const stage = byId("stage");
  const picture = stage.querySelector("svg");
  const panel = byId("panel");
  const { nodes, edges } = JSON.parse(byId("model").textContent);

  // --- the parts of the picture ---------------------------------------------------------------

  const cards = [...picture.querySelectorAll("[data-node]")];
  const bars = [...document.querySelectorAll("#timeline [data-node]")];
  const pills = new Map();
  const wires = new Map();
  for (const part of picture.querySelectorAll("[data-object]")) {
    const key = `${part.dataset.order ?? ""}|${part.dataset.object}`;
    const group = part.hasAttribute("data-to") ? wires : pills;
    group.set(key, part);
  }
  const above = nodes.map(() => []);
  const below = nodes.map(() => []);
  for (const [maker, reader, name] of edges) {
    if (maker >= 0) {
      above[reader].push(maker);
      below[maker].push(reader);
    }
    nodes[reader].from ??= {};
    nodes[reader].from[name] = maker;
  }

  // --- the view: where the picture is, and how large ------------------------------------------

  const view = { x: 0, y: 0, scale: 1 };
  const margin = 16;
  const drawn = drawnBox();
  let isDrawn = false;

  // What is drawn, without the title, which stands in the header, and the empty page around it.
  function drawnBox() {
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (const part of picture.children) {
      if (!part.getBBox || part.matches(".lp-page")) continue;
      const { x, y, width, height } = part.getBBox();
      if (!width && !height) continue;
      box.left = Math.min(box.left, x);
      box.top = Math.min(box.top, y);
      box.right = Math.max(box.right, x + width);
      box.bottom = Math.max(box.bottom, y + height);
    }
    return box.left < box.right ? box : { left: 0, top: 0, right: 1, bottom: 1 };
  }

  function show() {
    if (isDrawn) return;
    isDrawn = true;
    requestAnimationFrame(() => {
      isDrawn = false;
      picture.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    });
  }

  function fit() {
    const room = stage.getBoundingClientRect();
    const width = drawn.right - drawn.left;
    const height = drawn.bottom - drawn.top;
    const across = (room.width - 2 * margin) / width;
    const down = (room.height - 2 * margin) / height;
    view.scale = Math.max(Math.min(across, down, 1), 0.05);
    view.x = (room.width - width * view.scale) / 2 - drawn.left * view.scale;
    view.y = (room.height - height * view.scale) / 2 - drawn.top * view.scale;
    show();
  }

  function zoom(factor, x, y) {
    const scale = Math.min(Math.max(view.scale * factor, 0.05), 6);
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    show();
  }

  function zoomMiddle(factor) {
    const room = stage.getBoundingClientRect();
    zoom(factor, room.width / 2, room.height / 2);
  }

  function reveal(card) {
    const room = stage.getBoundingClientRect();
    const box = card.getBoundingClientRect();
    const isIn =
      box.left >= room.left &&
      box.right <= room.right &&
      box.top >= room.top &&
      box.bottom <= room.bottom;
    if (isIn) return;
    view.x += room.left + room.width / 2 - (box.left + box.width / 2);
    view.y += room.top + room.height / 2 - (box.top + box.height / 2);
    show();
  }

  // --- the mouse and fingers ------------------------------------------------------------------

  const pointers = new Map();
  let wasDragged = false;

  const spread = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };

  stage.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    wasDragged = false;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (pointers.size === 1) {
      if (!wasDragged && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
      if (!wasDragged) stage.setPointerCapture(event.pointerId);
      wasDragged = true;
      stage.classList.add("dragged", "moving");
      view.x += now.x - before.x;
      view.y += now.y - before.y;
      pointers.set(event.pointerId, now);
      show();
    } else {
      wasDragged = true;
      const room = stage.getBoundingClientRect();
      const old = spread();
      pointers.set(event.pointerId, now);
      const places = [...pointers.values()];
      const x = (places[0].x + places[1].x) / 2 - room.left;
      const y = (places[0].y + places[1].y) / 2 - room.top;
      if (old > 0) zoom(spread() / old, x, y);
    }
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    stage.addEventListener(kind, (event) => {
      pointers.delete(event.pointerId);
      stage.classList.remove("dragged", "moving");
    });
  }
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const room = stage.getBoundingClientRect();
      const lines = event.deltaMode === 1 ? 16 : 1;
      const factor = Math.exp((-event.deltaY * lines) / 500);
      zoom(factor, event.clientX - room.left, event.clientY - room.top);
    },
    { passive: false },
  );

  // --- what is chosen, and what is lit --------------------------------------------------------

  let chosen = -1;

  function reachable(start, neighbours) {
    const seen = new Set([start]);
    const waiting = [start];
    while (waiting.length) {
      for (const next of neighbours[waiting.pop()]) {
        if (!seen.has(next)) {
          seen.add(next);
          waiting.push(next);
        }
      }
    }
    return seen;
  }

  function lightEdges(up, down) {
    for (const [maker, reader, name] of edges) {
      if (!up.has(reader) && !down.has(maker)) continue;
      const order = maker < 0 ? "" : String(maker + 1);
      pills.get(`${order}|${name}`)?.classList.add("lit");
      wires.get(`${order}-${reader + 1}|${name}`)?.classList.add("lit");
    }
  }

  function light(index) {
    for (const part of picture.querySelectorAll(".lit")) part.classList.remove("lit");
    for (const part of document.querySelectorAll(".selected")) part.classList.remove("selected");
    stage.classList.toggle("chosen", index >= 0);
    if (index < 0) return;
    const up = reachable(index, above);
    const down = reachable(index, below);
    for (const node of new Set([...up, ...down])) cards[node].classList.add("lit");
    lightEdges(up, down);
    for (const name of Object.keys(nodes[index].makes)) {
      pills.get(`${index + 1}|${name}`)?.classList.add("lit");
    }
    cards[index].classList.add("selected");
    bars[index]?.classList.add("selected");
  }

  function choose(index) {
    chosen = index;
    light(index);
    panel.hidden = index < 0;
    panel.replaceChildren();
    if (index >= 0) {
      describe(index);
      reveal(cards[index]);
    }
  }

  // --- the panel ------------------------------------------------------------------------------

  function add(parent, tag, text, className) {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (className) element.className = className;
    parent.append(element);
    return element;
  }

  function section(heading) {
    add(panel, "h3", heading);
  }

  function link(parent, index) {
    const button = add(parent, "button", nodes[index].name);
    button.addEventListener("click", () => choose(index));
  }

  function objects(heading, entries) {
    if (!entries.length) return;
    section(heading);
    const list = add(panel, "ul");
    for (const { name, words, others } of entries) {
      const item = add(list, "li");
      add(item, "code", name);
      if (words) add(item, "span", ` ${words}`);
      for (const other of others) {
        item.append(" ");
        link(item, other);
      }
    }
  }

  function describe(index) {
    const node = nodes[index];
    add(panel, "h2", `${index + 1}. ${node.name}`);
    const state = [node.status, node.figures].filter(Boolean).join(" · ");
    if (state) add(panel, "p", state);
    if (node.error) add(panel, "p", node.error, "bad");
    if (node.reasons?.length) {
      section("because");
      const list = add(panel, "ul");
      for (const reason of node.reasons) add(list, "li", reason);
    }
    if (node.doc) add(panel, "pre", node.doc);
    if (node.signature) {
      section("signature");
      add(panel, "pre", node.signature);
    }
    const reads = node.reads.map((name) => {
      const maker = node.from?.[name] ?? -1;
      const words = maker < 0 ? "input of the pipeline" : "from";
      return { name, words, others: maker < 0 ? [] : [maker] };
    });
    objects("reads", reads);
    const config = Object.entries(node.config).map(([name, value]) => {
      return { name, words: value ? `= ${value}` : "", others: [] };
    });
    objects("config", config);
    const makes = Object.entries(node.makes).map(([name, fact]) => {
      const readers = edges.filter((edge) => edge[0] === index && edge[2] === name);
      const others = readers.map((edge) => edge[1]);
      return { name, words: [fact, others.length ? "to" : ""].filter(Boolean).join(" "), others };
    });
    objects("makes", makes);
    if (node.source) {
      section("source");
      add(panel, "pre", node.source);
    }
  }

  // --- search ---------------------------------------------------------------------------------

  const search = byId("search");
  let matches = [];
  let place = -1;

  function find() {
    const words = search.value.trim().toLowerCase();
    for (const card of picture.querySelectorAll(".match")) card.classList.remove("match");
    matches = [];
    place = -1;
    if (words) {
      nodes.forEach((node, index) => {
        const names = [node.name, ...node.reads, ...Object.keys(node.makes)];
        names.push(...Object.keys(node.config));
        if (names.some((name) => name.toLowerCase().includes(words))) matches.push(index);
      });
    }
    for (const index of matches) cards[index].classList.add("match");
    byId("matches").textContent = words ? `${matches.length} found` : "";
  }

  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && matches.length) {
      place = (place + (event.shiftKey ? matches.length - 1 : 1)) % matches.length;
      choose(matches[place]);
    } else if (event.key === "Escape") {
      search.value = "";
      find();
      stage.focus();
    }
    event.stopPropagation();
  });

  // --- clicks and keys ------------------------------------------------------------------------

  const keyOf = (target) => target.closest?.("[data-node]")?.dataset.order;

  stage.addEventListener("click", (event) => {
    if (wasDragged) return;
    const order = keyOf(event.target);
    choose(order ? order - 1 : -1);
    stage.focus();
  });
  byId("timeline")?.addEventListener("click", (event) => {
    const order = keyOf(event.target);
    if (order) choose(order - 1);
  });

  function step(direction) {
    if (!nodes.length) return;
    choose(chosen < 0 ? 0 : (chosen + direction + nodes.length) % nodes.length);
  }

  function walk(neighbours) {
    if (chosen < 0) step(1);
    else if (neighbours[chosen].length) choose(Math.min(...neighbours[chosen]));
  }

  const keys = {
    "/": () => search.focus(),
    f: () => fit(),
    0: () => fit(),
    "+": () => zoomMiddle(1.25),
    "=": () => zoomMiddle(1.25),
    "-": () => zoomMiddle(0.8),
    ArrowDown: () => walk(below),
    ArrowUp: () => walk(above),
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    Escape: () => choose(-1),
  };
  document.addEventListener("keydown", (event) => {
    const isTyped = event.ctrlKey || event.metaKey || event.altKey;
    if (isTyped || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  byId("fit").addEventListener("click", () => fit());
  byId("nearer").addEventListener("click", () => zoomMiddle(1.25));
  byId("farther").addEventListener("click", () => zoomMiddle(0.8));
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  });

  if (innerHeight < 600) byId("timeline")?.removeAttribute("open"); // a phone, a frame in a page
  new ResizeObserver(() => chosen < 0 && fit()).observe(stage);
  fit();
})();
