/* Third tab: four accuracies typed in, or a pasted table, audited by audit_rules.js. */
"use strict";

(function () {
  const { data, byId, name, readState, writeState, fillTable, draw, visible, choose, onShow, start } = window.rlvrPage;
  const { ARMS, TERMS, PARTS, auditCell } = window.rlvrAudit;
  const example = data.example; // arm -> [percent, items]

  /* Points to one decimal, ties to even as Python rounds, without a negative zero. */
  function points(fraction) {
    const value = Math.abs(100 * fraction);
    const text = (4 * value) % 4 === 1 ? (value - 0.05).toFixed(1) : value.toFixed(1);
    return Number(text) === 0 ? "0.0" : `${fraction < 0 ? "−" : "+"}${text}`;
  }
  const span = (low, high) => (low === null ? "no interval" : `${points(low)} to ${points(high)}`);

  function said({ verdict, possible_verdicts: possible }) {
    if (verdict === "undetermined") return `undetermined: ${possible.join(" or ")}`;
    return verdict === "mixed" ? "mixed: no term dominates" : `${verdict} dominates`;
  }

  const MEANING = {
    supported: "supported by its items: other questions of the same kind would not overturn it",
    leaning: "leaning: it holds at these numbers, but not throughout their sampling intervals",
    "not identified": "not identified: arms are missing, and those at hand leave more than one verdict",
  };

  const field = (arm, what) => byId(`${arm}-${what}`);

  /* The arms that are filled in, or the fault of an entry. */
  function readArms() {
    const arms = {};
    for (const arm of ARMS) {
      const [accuracy, items] = [field(arm, "accuracy"), field(arm, "items")];
      if (accuracy.validity.badInput || (accuracy.value !== "" && !(Number(accuracy.value) >= 0 && Number(accuracy.value) <= 100))) {
        return [null, `${arm.toUpperCase()}: an accuracy from 0 to 100 percent is accepted, or nothing`];
      }
      if (items.validity.badInput || (items.value !== "" && !(Number(items.value) >= 1 && Number(items.value) <= 1e9 && Number.isInteger(Number(items.value))))) {
        return [null, `${arm.toUpperCase()}: a whole number of questions of at least 1 is accepted, or nothing`];
      }
      if (accuracy.value === "") continue;
      arms[arm] = {
        accuracy: Number((Number(accuracy.value) / 100).toFixed(15)),
        n_items: items.value === "" ? null : Number(items.value),
      };
    }
    return Object.keys(arms).length ? [arms, ""] : [null, "Type at least one accuracy."];
  }

  function tippingText({ tipping_points: moves }) {
    const nearest = Object.entries(moves).filter(([, move]) => move !== null)
      .sort(([, a], [, b]) => Math.abs(a) - Math.abs(b));
    if (!Object.keys(moves).length) return "With an arm missing there is no tipping point.";
    if (!nearest.length) return "No single arm could change the verdict by moving alone.";
    return `The verdict changes if one arm moves alone: ${nearest.map(([arm, move]) => `${arm.toUpperCase()} by ${points(move)}`).join(", ")} points.`;
  }

  function drawTerms(audit) {
    const rows = Object.entries(audit.terms).map(([term, each]) => ({ term: name(term), colour: data.colours[term], ...each }));
    const known = rows.filter((each) => each.value !== null);
    const sets = rows.filter((each) => each.value === null && each.low !== null);
    const reach = Math.max(10, ...rows.flatMap(({ low, high, value }) => [low, high, value]).map((x) => Math.abs(100 * (x || 0)))) * 1.08;
    draw("terms", byId("verdict").textContent, {
      height: 225,
      marginLeft: 104,
      marginBottom: 42,
      x: { domain: [-reach, reach], label: "points", labelOffset: 38, grid: true },
      y: { domain: rows.map((each) => each.term), label: null, tickSize: 0 },
      marks: [
        Plot.ruleX([0]),
        Plot.ruleY(sets, { y: "term", x1: (d) => 100 * d.low, x2: (d) => 100 * d.high, strokeWidth: 8, strokeOpacity: 0.25 }),
        Plot.ruleY(known.filter((d) => d.low !== null), { y: "term", x1: (d) => 100 * d.low, x2: (d) => 100 * d.high, stroke: "colour", strokeWidth: 2 }),
        Plot.dot(known, { y: "term", x: (d) => 100 * d.value, fill: "colour", stroke: "currentColor", r: 5 }),
      ],
    });
  }

  function show() {
    const [arms, problem] = readArms();
    const state = { tab: "audit" };
    for (const arm of ARMS) {
      if (field(arm, "accuracy").value !== "") state[arm] = `${field(arm, "accuracy").value}/${field(arm, "items").value}`;
    }
    writeState(state);
    byId("copied-audit").textContent = "";
    if (problem) {
      byId("verdict").textContent = problem;
      for (const id of ["terms", "tipping"]) byId(id).replaceChildren();
      fillTable("terms-table", []);
      return;
    }
    const audit = auditCell(arms);
    const split = PARTS.map((part) => {
      const { value, low, high } = audit.terms[part];
      return `${name(part)} ${value === null ? (low === null ? "unknown" : `in ${span(low, high)}`) : `${points(value)} (${span(low, high)})`}`;
    });
    byId("verdict").textContent =
      `${said(audit)[0].toUpperCase()}${said(audit).slice(1)} (${MEANING[audit.support]}). In points: ${split.join("; ")}. The published rule says: ${audit.verdict_by_rule.published}.`;
    fillTable("terms-table", Object.entries(audit.terms).map(([term, { value, low, high, reason }]) => {
      const [arm, base] = TERMS[term];
      const range = low === null ? reason : span(low, high) + (value === null ? ` (${reason})` : "");
      return [name(term), `${arm.toUpperCase()} − ${base.toUpperCase()}`, value === null ? "?" : points(value), range];
    }));
    byId("tipping").textContent = tippingText(audit);
    drawTerms(audit);
  }

  function fill(arms) {
    for (const arm of ARMS) {
      const given = arms[arm];
      field(arm, "accuracy").value = given ? Number((100 * given.accuracy).toPrecision(12)) : "";
      field(arm, "items").value = given && given.n_items ? given.n_items : "";
    }
    show();
  }

  function readTable() {
    let cells;
    try {
      cells = window.rlvrTable.readCells(byId("csv").value);
    } catch (problem) {
      byId("csv-said").textContent = `Not audited: ${problem.message}`;
      byId("cells-box").hidden = true;
      return;
    }
    const audits = cells.map((cell) => auditCell(cell.arms));
    const flagged = cells.flatMap((cell) => cell.notes.map((note) => `${cell.name}: ${note}`));
    byId("csv-said").textContent = `${cells.length} cell${cells.length > 1 ? "s" : ""} audited. Item sampling only, unpaired: run-to-run spread and other readings of FROZEN need the command rlvr audit.${flagged.length ? ` Flagged by the table: ${flagged.join("; ")}.` : ""}`;
    fillTable("cells-table", cells.map((cell, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "explorer-link";
      button.append(cell.name);
      button.addEventListener("click", () => { fill(cell.arms); byId("arms").scrollIntoView({ block: "center" }); });
      const parts = PARTS.map((part) => {
        const { value, low, high } = audits[i].terms[part];
        return value === null ? (low === null ? "?" : `in ${span(low, high)}`) : `${points(value)} (${span(low, high)})`;
      });
      return [button, said(audits[i]), audits[i].support, ...parts];
    }));
    byId("cells-box").hidden = false;
  }

  for (const arm of ARMS) {
    const row = document.createElement("div");
    row.innerHTML = `<span aria-hidden="true">${arm.toUpperCase()}</span>
      <label>%<input type="number" inputmode="decimal" id="${arm}-accuracy" min="0" max="100" step="any" aria-label="${arm.toUpperCase()}: accuracy in percent"></label>
      <label>of<input type="number" inputmode="numeric" id="${arm}-items" min="1" step="1" aria-label="${arm.toUpperCase()}: number of questions"></label>`;
    byId("arms").querySelector(".explorer-arm-rows").append(row);
  }

  function restore() {
    const state = readState();
    const given = state.tab === "audit" && ARMS.some((arm) => arm in state)
      ? Object.fromEntries(ARMS.filter((arm) => arm in state).map((arm) => [arm, state[arm].split("/")])) : example;
    for (const arm of ARMS) {
      const [accuracy, items] = given[arm] || ["", ""];
      field(arm, "accuracy").value = accuracy;
      field(arm, "items").value = items || "";
    }
  }

  byId("arms").addEventListener("input", show);
  byId("arms").addEventListener("submit", (event) => event.preventDefault());
  byId("read-csv").addEventListener("click", readTable);
  window.addEventListener("resize", () => { if (visible("audit")) show(); });
  window.addEventListener("hashchange", () => {
    if (readState().tab !== "audit") return;
    restore();
    choose("audit");
    byId("explorer").scrollIntoView();
  });
  restore();
  onShow("audit", show);
  start();
})();
