"use strict";
(() => {
  // Printing shows what lies behind every fold.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
  });

  // Light or dark: the system's choice until the button says otherwise.
  const root = document.documentElement, button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.setAttribute("aria-description", "Switches the colours of the page");
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  system.addEventListener("change", name);
  button.hidden = false;
  name();

  for (const map of document.querySelectorAll(".map")) enliven(map);

  function enliven(map) {
    const stage = map.querySelector(".stage"), svg = stage.querySelector("svg");
    const peek = map.querySelector(".peek"), spoken = map.querySelector("[aria-live]");
    const picture = peek.querySelector("img"), words = peek.querySelector("p");
    const all = [...svg.querySelectorAll("use")].map((shape) => {
      const title = shape.querySelector("title");
      title.remove(); // the browser's own hint would lie over ours
      return {
        shape, words: title.textContent, cell: shape.dataset.cell,
        x: +shape.getAttribute("x"), y: +shape.getAttribute("y"),
        kind: shape.getAttribute("class").slice(2),
      };
    });
    if (!all.length) return;
    let current = null;
    const seen = () => all.filter((dot) => !stage.classList.contains("no-" + dot.kind));
    const zoom = () => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;

    function show(dot, aloud) {
      if (current) current.shape.classList.remove("here");
      current = dot;
      peek.hidden = !dot;
      if (!dot) return;
      dot.shape.classList.add("here");
      words.textContent = dot.words;
      if (picture) picture.parentNode.hidden = dot.cell === undefined;
      if (picture && dot.cell !== undefined) place(+dot.cell);
      if (aloud) spoken.textContent = dot.words;
      const x = dot.x * zoom(), y = dot.y * zoom();
      const right = Math.max(0, map.clientWidth - peek.offsetWidth);
      const above = y - peek.offsetHeight - 14;
      peek.style.left = Math.min(Math.max(0, x - peek.offsetWidth / 2), right) + "px";
      peek.style.top = (above < 0 ? y + 14 : above) + "px";
    }

    function place(cell) {
      const side = +picture.dataset.side, columns = +picture.dataset.columns;
      const larger = Math.max(1, Math.round(112 / side));
      picture.style.objectPosition = `${-(cell % columns) * side}px ${-Math.floor(cell / columns) * side}px`;
      picture.style.transform = `scale(${larger})`;
      picture.parentNode.style.width = picture.parentNode.style.height = side * larger + "px";
    }

    function nearest(event) {
      const box = svg.getBoundingClientRect(), scale = zoom();
      const x = (event.clientX - box.left) / scale, y = (event.clientY - box.top) / scale;
      const far = (dot) => Math.hypot(dot.x - x, dot.y - y);
      const best = seen().reduce((a, b) => (a && far(a) <= far(b) ? a : b), null);
      return best && far(best) * scale < 28 ? best : null;
    }

    // The next dot in a direction: near, and not far off to the side.
    function towards([dx, dy]) {
      const cost = (dot) => {
        const along = (dot.x - current.x) * dx + (dot.y - current.y) * dy;
        const aside = Math.abs((dot.x - current.x) * dy - (dot.y - current.y) * dx);
        return along > 0.01 ? along + 3 * aside : Infinity;
      };
      const best = seen().reduce((a, b) => (cost(b) < cost(a) ? b : a), current);
      return cost(best) < Infinity ? best : current;
    }

    const middle = () => {
      const { width, height } = svg.viewBox.baseVal;
      const far = (dot) => Math.hypot(dot.x - width / 2, dot.y - height / 2);
      return seen().reduce((a, b) => (a && far(a) <= far(b) ? a : b), null);
    };
    const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const turns = { PageUp: -1, PageDown: 1 }; // one by one, so that no dot is out of reach
    stage.tabIndex = 0;
    stage.setAttribute("role", "application");
    stage.setAttribute("aria-label", `${stage.dataset.title}: arrow keys move between samples, Page Down goes through all`);
    stage.addEventListener("pointermove", (event) => show(nearest(event)));
    stage.addEventListener("pointerdown", (event) => show(nearest(event)));
    stage.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") show(null);
    });
    stage.addEventListener("focus", () => {
      if (stage.matches(":focus-visible")) show(current || middle(), true);
    });
    stage.addEventListener("blur", () => show(null));
    stage.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return show(null);
      const seenNow = seen(), step = keys[event.key];
      let dot = null;
      if (step) dot = current ? towards(step) : middle();
      else if (event.key in turns) {
        const at = seenNow.indexOf(current) + turns[event.key];
        dot = seenNow[Math.min(Math.max(at, 0), seenNow.length - 1)];
      } else if (event.key === "Home") dot = seenNow[0];
      else if (event.key === "End") dot = seenNow[seenNow.length - 1];
      if (!dot) return;
      event.preventDefault();
      show(dot, true);
    });

    // The legend shows and hides; the words say how to look.
    const figure = map.parentNode, how = figure.querySelector(".how");
    how.textContent = "Point at a dot, or focus the map and use the arrow keys, to see the sample.";
    how.hidden = false;
    for (const entry of figure.querySelectorAll(".legend li")) {
      const kind = entry.dataset.kind;
      const toggle = document.createElement("button");
      toggle.type = "button";
      toggle.setAttribute("aria-pressed", "true");
      toggle.append(...entry.childNodes);
      toggle.addEventListener("click", () => {
        const hidden = stage.classList.toggle("no-" + kind);
        toggle.setAttribute("aria-pressed", String(!hidden));
        show(null);
      });
      entry.append(toggle);
    }
  }
})();
