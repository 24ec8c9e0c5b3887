/* First tab: a stored grid of settings, its figures and its words. Every number comes from the page's data. */
"use strict";

(function () {
  const { data, byId, name, isState, readState, writeState, fillTable, draw, signed, visible, choose, onShow } = window.rlvrPage;
  const { ARMS, TERMS, PARTS } = window.rlvrAudit;
  const { axes, grid, scale, colours, updates_per_step: updatesPerStep } = data;
  const AXES = ["n_actions", "tie_break", "prior_strength", "n_steps"]; // the last one moves fastest

  const settings = { n_actions: 8, tie_break: "lowest", prior_strength: 0.5, n_steps: 200 };

  function row(at) {
    const index = AXES.reduce((sum, axis) => sum * axes[axis].length + axes[axis].indexOf(at[axis]), 0);
    const value = (column) => (grid[column][index] === null ? null : grid[column][index] / scale);
    const arms = Object.fromEntries(ARMS.map((arm) => [arm, value(arm)]));
    const terms = Object.fromEntries(Object.entries(TERMS).filter(([term]) => `${term}_half` in grid)
      .map(([term, [arm, base]]) => [term, { value: arms[arm] - arms[base], half: value(`${term}_half`) }]));
    const share = ["fraction", "fraction_low", "fraction_high"].map(value);
    return { arms, terms, share };
  }

  const between = ({ value, half }) => `${signed(value - half, 4)} to ${signed(value + half, 4)}`;
  const percent = (value) => `${signed(100 * value, 0).replace("+", "")}%`;

  function inWords({ arms, terms, share }) {
    const ends = ARMS.map((arm) => `${arm.toUpperCase()} ${arms[arm].toFixed(4)}`).join(", ");
    const parts = PARTS.map((part) => `${name(part)} ${signed(terms[part].value, 4)} ± ${terms[part].half.toFixed(4)}`);
    const ratio = share[0] === null
      ? "As a share of “true minus random” reward design is undefined: the difference is not separated from 0."
      : `Of “true minus random”, reward design is ${percent(share[0])} (${percent(share[1])} to ${percent(share[2])}).`;
    return `The arms end at ${ends}. The split: ${parts.join(", ")}. ${ratio}`;
  }

  const steps = () => `${settings.n_steps} steps, ${Math.round(settings.n_steps * updatesPerStep)} updates a prompt`;

  function drawStaircase({ arms, terms }) {
    const bars = PARTS.map((part) => {
      const [arm, base] = TERMS[part];
      const { value, half } = terms[part];
      return { arm: arm.toUpperCase(), part, from: arms[base], to: arms[arm], half, said: `${name(part)} ${signed(value, 3)}` };
    });
    const ends = ARMS.map((arm) => ({ arm: arm.toUpperCase(), at: arms[arm] }));
    const anchor = (bar) => (bar.from + bar.to > 1 ? "end" : "start");
    draw("staircase", `Accuracy of four arms. ${byId("readout").textContent}`, {
      height: 245,
      marginLeft: 78,
      marginRight: 24,
      marginBottom: 42,
      x: { domain: [0, 1], label: "accuracy", labelOffset: 38, grid: true },
      y: { domain: ends.map((end) => end.arm), label: null, tickSize: 0 },
      marks: [
        Plot.ruleX([arms.frozen], { strokeDasharray: "3 3", strokeOpacity: 0.6 }),
        Plot.barX(bars, { y: "arm", x1: "from", x2: "to", fill: (bar) => colours[bar.part], insetTop: 14, insetBottom: 10 }),
        Plot.ruleY(bars, { y: "arm", x1: (bar) => Math.max(0, bar.to - bar.half), x2: (bar) => Math.min(1, bar.to + bar.half), dy: 2 }),
        Plot.dot(ends, { y: "arm", x: "at", dy: 2, r: 4.5, fill: "currentColor" }),
        ...["start", "end"].map((textAnchor) => Plot.text(bars.filter((bar) => anchor(bar) === textAnchor), {
          y: "arm", x: (bar) => (textAnchor === "start" ? Math.min : Math.max)(bar.from, bar.to), text: "said", textAnchor,
          dy: -16, fontSize: 13, fill: "currentColor", stroke: "var(--pst-color-background)", strokeWidth: 4,
        })),
      ],
    });
  }

  function drawAlongPrior() {
    const curve = axes.prior_strength.flatMap((prior) => {
      const { terms } = row({ ...settings, prior_strength: prior });
      return PARTS.map((part) => ({ prior, part, value: terms[part].value, half: terms[part].half }));
    });
    const set = curve.filter(({ prior }) => prior === settings.prior_strength);
    const last = curve.filter(({ prior }) => prior === axes.prior_strength.at(-1));
    const colour = ({ part }) => colours[part];
    draw("along-prior", `Null, elicitation and reward design along the prior strength, at ${steps()}.`, {
      height: 275,
      marginRight: 16,
      marginLeft: 46,
      marginBottom: 42,
      x: { domain: [0, 1], label: "prior strength", labelOffset: 38 },
      y: { domain: data.term_range, label: "accuracy", grid: true },
      color: { domain: PARTS.map(name), range: PARTS.map((part) => colours[part]), legend: false },
      marks: [
        Plot.ruleY([0]),
        Plot.ruleX([settings.prior_strength], { strokeOpacity: 0.6 }),
        Plot.areaY(curve, { x: "prior", y1: (d) => d.value - d.half, y2: (d) => d.value + d.half, z: "part", fill: colour, fillOpacity: 0.25 }),
        Plot.line(curve, { x: "prior", y: "value", z: "part", stroke: colour, strokeWidth: 2 }),
        Plot.dot(set, { x: "prior", y: "value", fill: colour, r: 4.5, stroke: "currentColor" }),
      ],
    });
    const legend = document.createElement("p");
    legend.className = "explorer-legend";
    legend.append(...PARTS.map((part) => {
      const item = document.createElement("span");
      item.style.setProperty("--colour", colours[part]);
      item.append(name(part));
      return item;
    }));
    byId("along-prior").prepend(legend);
  }

  function show() {
    byId("prior").value = axes.prior_strength.indexOf(settings.prior_strength);
    byId("steps").value = axes.n_steps.indexOf(settings.n_steps);
    byId("ties").value = settings.tie_break;
    byId("answers").value = settings.n_actions;
    const prior = settings.prior_strength.toFixed(2);
    byId("prior-said").textContent = prior;
    byId("prior").setAttribute("aria-valuetext", prior);
    byId("steps-said").textContent = steps();
    byId("steps").setAttribute("aria-valuetext", steps());
    const now = row(settings);
    byId("readout").textContent = inWords(now);
    const said = Object.entries(now.terms).map(([term, { value, half }]) => {
      const [arm, base] = TERMS[term];
      return [name(term), `${arm.toUpperCase()} − ${base.toUpperCase()}`, signed(value, 4), between({ value, half })];
    });
    fillTable("settings-table", said);
    drawStaircase(now);
    drawAlongPrior();
    writeState({ prior, steps: settings.n_steps, ties: settings.tie_break, answers: settings.n_actions });
    byId("copied-view").textContent = "";
  }

  /* Settings out of the address; whatever is not on the grid is passed over. */
  function restore() {
    const state = readState();
    const asked = { prior_strength: Number(state.prior), n_steps: Number(state.steps), tie_break: state.ties, n_actions: Number(state.answers) };
    for (const axis of AXES) if (axes[axis].includes(asked[axis])) settings[axis] = asked[axis];
  }

  byId("prior").max = axes.prior_strength.length - 1;
  byId("steps").max = axes.n_steps.length - 1;
  byId("answers").append(...axes.n_actions.map((n) => new Option(String(n), n)));
  const change = {
    prior: (value) => { settings.prior_strength = axes.prior_strength[value]; },
    steps: (value) => { settings.n_steps = axes.n_steps[value]; },
    ties: (value) => { settings.tie_break = value; },
    answers: (value) => { settings.n_actions = Number(value); },
  };
  byId("settings").addEventListener("input", ({ target }) => { change[target.id](target.value); show(); });
  byId("settings").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("resize", () => { if (visible("move")) show(); });
  window.addEventListener("hashchange", () => {
    if (!isState()) return;
    restore();
    if (readState().tab === "audit") return;
    choose("move");
    byId("explorer").scrollIntoView();
  });
  restore();
  onShow("move", show);
})();
