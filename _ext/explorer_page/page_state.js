/* Shared by the tabs: the page's data, the tabs, the state in the address, small page elements. */
"use strict";

window.rlvrPage = (function () {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("explorer-data").textContent);
  const name = (term) => term.replace("_", " ");

  /* The state of a tab stands after the # as name=value pairs, so that an address is a view. */
  function readState() {
    const pairs = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(pairs.entries());
  }

  /* The address is not changed until a setting changes, because it may name a heading of the page. */
  let moved = false;
  const isState = () => location.hash.includes("=");
  for (const kind of ["input", "click", "keydown"]) {
    byId("explorer").addEventListener(kind, () => { moved = true; }, { capture: true });
  }

  function writeState(state) {
    if (!moved && !isState()) return;
    const text = Object.entries(state).map(([key, value]) => `${key}=${value}`).join("&");
    history.replaceState(null, "", `#${text}`);
  }

  const tabs = ["move", "share", "audit"];
  const listeners = {};
  const visible = (tab) => !byId(`panel-${tab}`).hidden;

  /* Figures are drawn for the width that there is: anew when it changes, for whatever reason it does. */
  let drawnFor = 0;
  const resizes = new ResizeObserver(() => {
    const width = byId("explorer").clientWidth;
    if (width === drawnFor || !width) return;
    drawnFor = width;
    for (const tab of tabs) if (visible(tab)) listeners[tab]();
  });

  /* Show the tab that the address names. Nothing is drawn before: drawing writes the address. */
  function start() {
    choose(tabs.includes(readState().tab) ? readState().tab : "move");
    drawnFor = byId("explorer").clientWidth;
    resizes.observe(byId("explorer"));
  }

  function choose(tab, focus = false) {
    for (const each of tabs) {
      const button = byId(`tab-${each}`);
      button.setAttribute("aria-selected", String(each === tab));
      button.tabIndex = each === tab ? 0 : -1;
      byId(`panel-${each}`).hidden = each !== tab;
    }
    if (focus) byId(`tab-${tab}`).focus();
    listeners[tab]();
  }

  for (const tab of tabs) {
    const button = byId(`tab-${tab}`);
    const place = tabs.indexOf(tab);
    const next = { ArrowRight: (place + 1) % tabs.length, ArrowLeft: (place + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 };
    button.addEventListener("click", () => choose(tab));
    button.addEventListener("keydown", (event) => {
      if (!(event.key in next)) return;
      event.preventDefault();
      choose(tabs[next[event.key]], true);
    });
  }

  for (const tab of ["move", "share", "audit"]) {
    byId(`copy-${tab}`).addEventListener("click", async () => {
      const status = byId(`copied-${tab}`);
      listeners[tab]();
      try {
        await navigator.clipboard.writeText(location.href);
        status.textContent = "copied";
      } catch {
        status.textContent = `this browser does not let a page copy; the address is ${location.href}`;
      }
    });
  }

  /* Replace a table's rows; a cell is text, or a node. */
  function fillTable(id, rows) {
    byId(id).tBodies[0].replaceChildren(...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((content, column) => {
        const cell = document.createElement(column === 0 ? "th" : "td");
        if (column === 0) cell.scope = "row";
        cell.append(content);
        return cell;
      }));
      return row;
    }));
  }

  /* Draw a Plot figure into a box of the page, as wide as the page, with words for who cannot see it. */
  function draw(id, words, options) {
    const box = byId(id);
    const figure = Plot.plot({
      width: Math.max(280, byId("explorer").clientWidth),
      style: { background: "transparent", color: "currentColor", fontSize: "13px", overflow: "visible" },
      ...options,
    });
    for (const part of figure.querySelectorAll("[aria-label], [aria-description]")) {
      part.removeAttribute("aria-label");
      part.removeAttribute("aria-description");
    }
    figure.setAttribute("role", "img");
    figure.setAttribute("aria-label", words);
    box.replaceChildren(figure);
  }

  /* A number with its sign, a true minus, and no negative zero. */
  function signed(value, digits) {
    const text = Math.abs(value).toFixed(digits);
    return Number(text) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
  }

  /* Digits of a difference in points that its half-width supports. */
  const digitsOf = (half) => (half !== null && half < 0.001 ? 2 : 1);
  const points = (fraction, digits = 1) => signed(100 * fraction, digits);
  const percent = (fraction) => `${(100 * fraction).toFixed(1)}%`;

  return {
    data, byId, name, isState, readState, writeState, fillTable, draw, signed, points, percent, digitsOf, choose, visible,
    onShow: (tab, listener) => { listeners[tab] = listener; },
    start,
  };
})();
