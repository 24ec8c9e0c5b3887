// Pages that are lists, of claims and of sources, get a field that keeps the entries with some words.
document.addEventListener("DOMContentLoaded", () => {
  const lists = [["claims", ".claim", "registered supported"], ["sources", ".source-row", "Qwen MATH-500"]];
  for (const [what, selector, example] of lists) {
    const entries = [...document.querySelectorAll(`.bd-article ${selector}`)];
    if (!entries.length) continue;
    const bar = document.createElement("div");
    bar.className = "table-filter";
    bar.innerHTML = `<label for="filter-${what}">Entries with the words</label>
      <input id="filter-${what}" type="search" autocomplete="off" placeholder="${example}"><span role="status"></span>`;
    const title = document.querySelector(".bd-article h1");
    title.after(bar);
    const texts = entries.map((entry) => entry.textContent.toLowerCase());
    const field = bar.querySelector("input"), status = bar.querySelector("span");
    const filter = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      entries.forEach((entry, i) => { entry.hidden = !words.every((word) => texts[i].includes(word)); });
      for (const section of document.querySelectorAll(".bd-article section section")) {
        section.hidden = section.querySelector(selector) !== null && !section.querySelector(`${selector}:not([hidden])`);
      }
      status.textContent = `${entries.filter((entry) => !entry.hidden).length} of ${entries.length} ${what}`;
    };
    field.addEventListener("input", filter);
    filter();
  }
});
