/* Third tab: four accuracies typed in, or a pasted table, audited by audit_rules.js. */
"use strict";

(function () {
  const { data, byId, name, readState, writeState, fillTable, draw, choose, onShow, start } = window.rlvrPage;
  const { ARMS, TERMS, PARTS, auditCell, auditLayers, runHalf } = window.rlvrAudit;
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
    "supported for these runs": "Other questions of the same kind would not overturn it; of other training runs nothing was entered.",
    supported: "It survives everything that was entered, together.",
    leaning: "It holds at these numbers, but not throughout what was entered.",
    "not identified": "Arms are missing, and those at hand leave more than one verdict.",
  };
  const LAYERS = { items: "other questions", runs: "other runs", frozen: "the shift of FROZEN", all: "all together" };

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

  /* A fraction typed among percentages, by the rule of the command, or nothing. */
  function fractionAmong(arms) {
    const values = Object.values(arms).map(({ accuracy }) => 100 * accuracy);
    return Object.keys(arms).find((arm) => {
      const [printed, items] = [field(arm, "accuracy").value, field(arm, "items").value];
      return !window.rlvrTable.nearWhole({ printed, unit: 100, n_items: items })
        && window.rlvrTable.fractionAmongPercentages(Number(printed), values);
    });
  }

  const extra = { sd: byId("run-sd"), runs: byId("n-runs"), shift: byId("frozen-shift") };

  /* Spread, number of runs and shift as the rules take them, or the problem with what stands there. */
  function readExtras() {
    const fits = (input, low, high) => !input.validity.badInput && (input.value === "" || (Number(input.value) >= low && Number(input.value) <= high));
    const most = data.t_quantiles.length + 1;
    if (!fits(extra.sd, 0, 50)) return [null, "Run-to-run spread: a standard deviation from 0 to 50 points is accepted, or nothing"];
    if (!fits(extra.runs, 1, most) || !Number.isInteger(Number(extra.runs.value))) return [null, `Runs: a whole number from 1 to ${most} is accepted, or nothing`];
    if (!fits(extra.shift, 0, 100)) return [null, "Shift of FROZEN: points from 0 to 100 are accepted, or nothing"];
    const half = extra.sd.value === "" ? null : runHalf(Number(extra.sd.value) / 100, Number(extra.runs.value || 1), data.t_quantiles);
    return [{ half, shift: Number(extra.shift.value) / 100 }, ""];
  }

  function tippingText({ tipping_points: moves }) {
    const nearest = Object.entries(moves).filter(([, move]) => move !== null)
      .sort(([, a], [, b]) => Math.abs(a) - Math.abs(b));
    if (!Object.keys(moves).length) return "With an arm missing there is no tipping point.";
    if (!nearest.length) return "No single arm could change the verdict by moving alone.";
    return `The verdict changes if one arm moves alone: ${nearest.map(([arm, move]) => `${arm.toUpperCase()} by ${points(move)}`).join(", ")} points.`;
  }

  function drawTerms(audit) {
    const whole = audit.layers[audit.layers.length - 1].terms;
    const rows = Object.entries(audit.terms).map(([term, each]) => ({
      term: name(term), colour: data.colours[term], ...each, all_low: whole[term].low, all_high: whole[term].high,
    }));
    const known = rows.filter((each) => each.value !== null);
    const sets = rows.filter((each) => each.value === null && each.low !== null);
    const reach = Math.max(10, ...rows.flatMap(({ low, high, value, all_low: a, all_high: b }) => [low, high, value, a, b]).map((x) => Math.abs(100 * (x || 0)))) * 1.08;
    draw("terms", byId("verdict").textContent, {
      height: 225,
      marginLeft: 104,
      marginBottom: 42,
      x: { domain: [-reach, reach], label: "points", labelOffset: 38, grid: true },
      y: { domain: rows.map((each) => each.term), label: null, tickSize: 0 },
      marks: [
        Plot.ruleX([0]),
        Plot.ruleY(sets, { y: "term", x1: (d) => 100 * d.low, x2: (d) => 100 * d.high, strokeWidth: 8, strokeOpacity: 0.25 }),
        Plot.ruleY(known.filter((d) => d.all_low !== null), { y: "term", x1: (d) => 100 * d.all_low, x2: (d) => 100 * d.all_high, stroke: "colour", strokeWidth: 1.5 }),
        Plot.ruleY(known.filter((d) => d.low !== null), { y: "term", x1: (d) => 100 * d.low, x2: (d) => 100 * d.high, stroke: "colour", strokeWidth: 4 }),
        Plot.dot(known, { y: "term", x: (d) => 100 * d.value, fill: "colour", stroke: "currentColor", r: 5 }),
      ],
    });
  }

  function show() {
    const [arms, unread] = readArms();
    const [extras, refused] = readExtras();
    const fraction = arms && fractionAmong(arms);
    const problem = unread || refused || (fraction
      ? `${fraction.toUpperCase()}: ${field(fraction, "accuracy").value} would fit the other arms as a fraction; percentages alone are accepted` : "");
    const state = { tab: "audit" };
    for (const arm of ARMS) {
      if (field(arm, "accuracy").value !== "") state[arm] = `${field(arm, "accuracy").value}/${field(arm, "items").value}`;
    }
    for (const [key, input] of Object.entries(extra)) if (input.value !== "") state[key] = input.value;
    writeState(state);
    byId("copied-audit").textContent = "";
    if (problem) {
      byId("verdict").textContent = problem;
      for (const id of ["terms", "tipping", "layers"]) byId(id).replaceChildren();
      fillTable("terms-table", []);
      window.rlvrTools.show("audit", null);
      return;
    }
    const audit = auditLayers(arms, extras);
    const whole = audit.layers[audit.layers.length - 1].terms;
    const split = PARTS.map((part) => {
      const { value, low, high } = audit.terms[part];
      return `${name(part)} ${value === null ? (low === null ? "unknown" : `in ${span(low, high)}`) : `${points(value)} (${span(low, high)})`}`;
    });
    byId("verdict").textContent =
      `${said(audit)[0].toUpperCase()}${said(audit).slice(1)} (${audit.headline}). ${MEANING[audit.headline] || MEANING.leaning} In points: ${split.join("; ")}. The published rule says: ${audit.verdict_by_rule.published}.`;
    fillTable("terms-table", Object.entries(audit.terms).map(([term, { value, low, high, reason }]) => {
      const [arm, base] = TERMS[term];
      const range = low === null ? reason : span(low, high) + (value === null ? ` (${reason})` : "");
      const all = whole[term].low === null ? reason || "no interval" : span(whole[term].low, whole[term].high);
      return [name(term), `${arm.toUpperCase()} − ${base.toUpperCase()}`, value === null ? "?" : points(value), range, all];
    }));
    byId("terms-table").classList.toggle("with-all", audit.layers.length > 1);
    byId("layers").textContent = audit.layers.length > 1 && audit.verdict !== "undetermined"
      ? `The verdict ${audit.layers.map((layer) => `${layer.survives ? "survives" : "does not survive"} ${LAYERS[layer.name]}`).join("; ")}.` : "";
    byId("tipping").textContent = tippingText(audit);
    drawTerms(audit);
    const accuracies = Object.fromEntries(Object.entries(arms).map(([arm, { accuracy }]) => [arm, accuracy]));
    window.rlvrTools.show("audit", {
      title: Object.entries(accuracies).map(([arm, value]) => `${arm.toUpperCase()} ${Number((100 * value).toPrecision(12))}`).join(", "),
      settings: { run_sd: extra.sd.value, n_runs: extra.runs.value, frozen_shift: extra.shift.value },
      arms: accuracies,
      terms: Object.fromEntries(Object.entries(audit.terms).map(([term, { value }]) => [term, { value, ...whole[term], digits: 1 }])),
    });
  }

  function fill(arms) {
    byId("published").value = "";
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
    byId("csv-said").textContent = `${cells.length} cell${cells.length > 1 ? "s" : ""} audited. Item sampling only, unpaired: choose a row to enter a run-to-run spread or a shift of FROZEN.${flagged.length ? ` Flagged by the table: ${flagged.join("; ")}.` : ""}`;
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
    for (const [key, input] of Object.entries(extra)) input.value = (state.tab === "audit" && state[key]) || "";
  }

  byId("published").append(...data.published.map(([cell], i) => new Option(cell, i)));
  byId("published").addEventListener("input", ({ target }) => {
    if (target.value === "") return;
    const [, arms] = data.published[target.value];
    for (const arm of ARMS) [field(arm, "accuracy").value, field(arm, "items").value] = arms[arm] || ["", ""];
    show();
  });
  const EXAMPLE = ["model,benchmark,arm,accuracy_percent,n_items",
    ...ARMS.map((arm) => `Qwen2.5-Math-7B,MATH-500,${arm},${example[arm].join(",")}`)].join("\n");
  byId("csv").placeholder = EXAMPLE;
  byId("csv-example").addEventListener("click", () => { byId("csv").value = EXAMPLE; readTable(); });
  byId("arms").addEventListener("input", ({ target }) => {
    if (ARMS.some((arm) => target.id.startsWith(`${arm}-`)) && target !== extra.shift) byId("published").value = "";
    show();
  });
  byId("arms").addEventListener("submit", (event) => event.preventDefault());
  byId("read-csv").addEventListener("click", readTable);
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
