// One switch for all folded code of a page, and search results that show words and no formulas.
document.addEventListener("DOMContentLoaded", () => {
  const folded = [...document.querySelectorAll(".bd-article div.cell details.hide")];
  const title = document.querySelector(".bd-article h1");
  if (folded.length && title) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "show-code screen-only";
    const name = () => {
      const all = folded.every((cell) => cell.open);
      button.textContent = all ? "Hide the code" : "Show all code";
      button.setAttribute("aria-pressed", String(all));
    };
    button.addEventListener("click", () => {
      const open = !folded.every((cell) => cell.open);
      for (const cell of folded) cell.open = open;
      document.body.classList.toggle("all-code", open);
      name();
    });
    for (const cell of folded) cell.addEventListener("toggle", name);
    name();
    const line = document.querySelector(".bd-article .reading-time");
    (line ?? title).insertAdjacentElement(line ? "beforeend" : "afterend", button);
  }
  if (typeof Search !== "undefined") {
    const plain = Search.htmlToText;
    Search.htmlToText = (text, anchor) => {
      const page = new DOMParser().parseFromString(text, "text/html");
      for (const part of page.querySelectorAll(".math, mjx-container, .cell_input, .reading-time")) part.remove();
      return plain(page.documentElement.outerHTML, anchor);
    };
  }
});
// A part of the contents that folds is named by its page.
document.addEventListener("DOMContentLoaded", () => {
  for (const summary of document.querySelectorAll("nav details > summary")) {
    const page = summary.closest("li")?.querySelector("a")?.textContent.trim();
    if (!summary.textContent.trim() && page) summary.setAttribute("aria-label", `Pages of ${page}`);
  }
});
