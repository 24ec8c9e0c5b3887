/* Under each tab: pin a view and compare the next one with it, the numbers as CSV, the figures as PNG. */
"use strict";

window.rlvrTools = (function () {
  const { byId, name, fillTable, points } = window.rlvrPage;
  const GAP = 12; // pixels between two figures of one picture
  const views = {}; // tab -> {title, settings, arms, terms} as shown, or null where there is nothing to show
  const pinned = {};

  /* Note what a tab shows; every number is a fraction. */
  function show(tab, view) {
    views[tab] = view;
    for (const button of [`csv-${tab}`, `png-${tab}`]) byId(button).disabled = view === null;
    byId(`pin-${tab}`).disabled = view === null && !pinned[tab];
    compare(tab);
  }

  function compare(tab) {
    const [before, now] = [pinned[tab], views[tab]];
    byId(`pin-${tab}`).setAttribute("aria-pressed", String(Boolean(before)));
    byId(`pin-${tab}`).textContent = before ? "Take the pin out" : "Pin, to compare";
    byId(`pinned-${tab}`).hidden = !before || !now;
    if (!before || !now) return;
    byId(`pinned-${tab}-table`).caption.textContent = `Pinned: ${before.title}.`;
    const text = (value, digits) => (value === null ? "?" : points(value, digits));
    fillTable(`pinned-${tab}-table`, Object.keys(now.terms).map((term) => {
      const [old, own] = [before.terms[term], now.terms[term]];
      const digits = Math.max(old.digits, own.digits);
      const change = old.value === null || own.value === null ? null : own.value - old.value;
      return [name(term), text(old.value, digits), text(own.value, digits), text(change, digits)];
    }));
  }

  /* One row a term, settings and accuracies beside it; points and percent with four decimals at most. */
  function csvOf({ settings, arms, terms }) {
    const number = (fraction) => (fraction === null ? "" : String(Number((100 * fraction).toFixed(4))));
    const head = [...Object.keys(settings), ...Object.keys(arms).map((arm) => `${arm}_percent`), "term", "points", "low", "high"];
    const fixed = [...Object.values(settings), ...Object.values(arms).map(number)];
    const rows = Object.entries(terms).map(([term, { value, low, high }]) => [...fixed, term, ...[value, low, high].map(number)]);
    return d3.csvFormatRows([head, ...rows]) + "\n";
  }

  function save(blob, file) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  /* A drawn figure that needs nothing of the page: its colours are those that the theme gives now. */
  function standalone(figure) {
    const copy = figure.cloneNode(true);
    const style = getComputedStyle(figure);
    copy.setAttribute("color", style.color);
    copy.style.color = style.color;
    copy.style.fontFamily = "sans-serif";
    const text = new XMLSerializer().serializeToString(copy)
      .replace(/var\((--[\w-]+)[^)]*\)/g, (whole, variable) => style.getPropertyValue(variable).trim() || whole);
    return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }

  async function picture(tab) {
    const figures = [...byId(`panel-${tab}`).querySelectorAll("figure svg")];
    const sizes = figures.map((figure) => [Number(figure.getAttribute("width")), Number(figure.getAttribute("height"))]);
    const canvas = document.createElement("canvas");
    canvas.width = 2 * Math.max(...sizes.map(([width]) => width));
    canvas.height = 2 * sizes.reduce((sum, [, height]) => sum + height + GAP, 0);
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--pst-color-background").trim() || "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    let top = 0;
    for (const [i, figure] of figures.entries()) {
      const image = new Image();
      image.src = standalone(figure);
      await image.decode();
      context.drawImage(image, 0, top, ...sizes[i]);
      top += sizes[i][1] + GAP;
    }
    return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  }

  for (const tab of ["move", "share", "audit"]) {
    byId(`pin-${tab}`).addEventListener("click", () => {
      pinned[tab] = pinned[tab] ? undefined : views[tab];
      compare(tab);
    });
    byId(`csv-${tab}`).addEventListener("click", () => save(new Blob([csvOf(views[tab])], { type: "text/csv" }), `explorer-${tab}.csv`));
    byId(`png-${tab}`).addEventListener("click", async () => save(await picture(tab), `explorer-${tab}.png`));
  }

  return { show };
})();
