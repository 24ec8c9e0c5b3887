// A link to something folded unfolds it: the target itself, or whatever it lies in.
const unfold = () => {
  let place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (place?.tagName === "SPAN" && !place.childElementCount) place = place.nextElementSibling ?? place;
  if (place?.querySelector(":scope > summary")) place.open = true;
  for (let outer = place?.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
  if (place?.closest("details")) place.scrollIntoView();
};
window.addEventListener("hashchange", unfold);
document.addEventListener("DOMContentLoaded", unfold);

// What scrolls inside the page: mark where more follows (report.css fades that edge), and let the keyboard
// reach it. Without this script everything still scrolls; figures then shrink to the column instead.
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll(".bd-article figure img")) {
    if (image.closest("picture")) continue;  // it has a narrow form
    const shown = image.parentElement.matches("a") ? image.parentElement : image;
    const frame = document.createElement("div");
    frame.className = "wide-figure";
    shown.replaceWith(frame);
    frame.append(shown);
  }
  for (const pasted of document.querySelectorAll(".pasted-text")) {
    pasted.classList.toggle("short", pasted.textContent.length < 24);
  }
  // A signature, and a name in a table, breaks after a mark.
  for (const name of document.querySelectorAll(".bd-article :is(dt.sig, td code)")) {
    const texts = document.createTreeWalker(name, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) if (/[_.]\w/.test(texts.currentNode.data)) found.push(texts.currentNode);
    for (const text of found) {
      const parts = text.data.split(/(?<=[_.])(?=\w)/);
      text.replaceWith(...parts.flatMap((part, i) => i ? [document.createElement("wbr"), part] : [part]));
    }
  }
  const kinds = {
    "div.math": "equation", "mjx-container[display]": "equation", "pre": "code", ".wide-figure": "figure",
    ".pst-scrollable-table-container": "table",
  };
  const mark = (box, kind) => {
    const more = box.scrollWidth - box.clientWidth;
    const scrolls = more > 2;
    box.classList.toggle("more-right", scrolls && box.scrollLeft < more - 2);
    box.classList.toggle("more-left", scrolls && box.scrollLeft > 2);
    if (scrolls && !box.hasAttribute("data-scrolls")) {
      box.setAttribute("data-scrolls", "");
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", kind + ", scrolls sideways");
    }
  };
  const seen = new ResizeObserver((entries) => {
    for (const entry of entries) mark(entry.target, entry.target.dataset.kind);
  });
  const watch = () => {
    for (const [selector, kind] of Object.entries(kinds)) {
      for (const box of document.querySelectorAll(`.bd-article ${selector}`)) {
        if (!box.dataset.kind) {
          box.dataset.kind = kind;
          box.addEventListener("scroll", () => mark(box, kind), { passive: true });
          seen.observe(box);
        }
      }
    }
  };
  watch();
  // Equations are set after the page has loaded, in boxes of their own.
  window.addEventListener("load", () => window.MathJax?.startup?.promise?.then(watch));
});
