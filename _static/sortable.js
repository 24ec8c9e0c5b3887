// Tables of class "sortable": a field that filters their rows, and heads that sort them. Without this script
// they are plain tables, in the order that the text describes.
document.addEventListener("DOMContentLoaded", () => {
  const sign = { ascending: " \u25B2", descending: " \u25BC", none: "" };
  // A cell's first number, so that an interval sorts by its value; a set or a dash has none and comes last.
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim().replace("\u2212", "-");
    const number = /^[-+]?\d/.test(text) ? parseFloat(text) : NaN;
    return { text, number };
  };
  const compare = (a, b, up) => {
    const lacking = (x) => Number.isNaN(x.number) && (x.text === "\u2013" || x.text.startsWith("in"));
    if (lacking(a) || lacking(b)) return lacking(a) - lacking(b);
    const both = !Number.isNaN(a.number) && !Number.isNaN(b.number);
    const order = both ? a.number - b.number : a.text.localeCompare(b.text, "en", { numeric: true });
    return up ? order : -order;
  };
  document.querySelectorAll("table.sortable").forEach((table, place) => {
    const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
    const box = table.closest(".pst-scrollable-table-container") ?? table;
    const bar = document.createElement("div");
    bar.className = "table-filter";
    bar.innerHTML = `<label for="filter-${place}">Rows with the words</label>
      <input id="filter-${place}" type="search" autocomplete="off"><span role="status"></span>`;
    box.before(bar);
    const field = bar.querySelector("input"), said = bar.querySelector("span");
    const texts = rows.map((row) => row.textContent.toLowerCase());
    // Whether rows lie below the frame: report.css then says so at its foot.
    const mark = () => {
      box.classList.toggle("more-below", box.scrollHeight - box.clientHeight - box.scrollTop > 24);
    };
    box.addEventListener("scroll", mark, { passive: true });
    new ResizeObserver(mark).observe(box);
    new ResizeObserver(mark).observe(body);
    const names = heads.map((head) => head.textContent.trim());
    for (const row of rows) {  // on a phone each number stands under the name of its column
      [...row.cells].forEach((cell, column) => { cell.dataset.head = names[column]; });
    }
    field.placeholder = rows[0].cells[0].textContent.trim().split(/[\s,:]+/).slice(0, 2).join(" ");
    const filter = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        shown += !row.hidden;
      });
      said.textContent = `${shown} of ${rows.length} rows`;
    };
    field.addEventListener("input", filter);
    filter();
    heads.forEach((head, column) => {
      const button = document.createElement("button"), mark = document.createElement("span");
      button.type = "button";
      mark.ariaHidden = "true";
      button.append(...(head.querySelector("p") ?? head).childNodes, mark);
      head.replaceChildren(button);
      head.ariaSort = "none";
      button.addEventListener("click", () => {
        const numbers = rows.some((row) => !Number.isNaN(value(row, column).number));
        const first = numbers ? "descending" : "ascending", other = numbers ? "ascending" : "descending";
        const next = head.ariaSort === first ? other : first;
        for (const each of heads) {
          each.ariaSort = each === head ? next : "none";
          each.querySelector("button > span:last-child").textContent = sign[each.ariaSort];
        }
        const up = next === "ascending";
        body.append(...[...rows].sort((a, b) => compare(value(a, column), value(b, column), up)));
      });
    });
  });
});
