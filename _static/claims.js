// The page of claims gets a field that keeps the claims with some words, and with a badge's words.
document.addEventListener("DOMContentLoaded", () => {
  const claims = [...document.querySelectorAll(".bd-article .claim")];
  if (!claims.length) return;
  const bar = document.createElement("div");
  bar.className = "table-filter";
  bar.innerHTML = `<label for="claim-filter">Claims with the words</label>
    <input id="claim-filter" type="search" autocomplete="off" placeholder="registered supported"><span role="status"></span>`;
  claims[0].closest("section").before(bar);
  const texts = claims.map((claim) => claim.textContent.toLowerCase());
  const field = bar.querySelector("input"), status = bar.querySelector("span");
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    claims.forEach((claim, i) => { claim.hidden = !words.every((word) => texts[i].includes(word)); });
    for (const section of document.querySelectorAll(".bd-article section section")) {
      section.hidden = !section.querySelector(".claim:not([hidden])");
    }
    status.textContent = `${claims.filter((claim) => !claim.hidden).length} of ${claims.length} claims`;
  };
  field.addEventListener("input", filter);
  filter();
});
