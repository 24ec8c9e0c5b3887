/* First tab: a stored grid of settings, its figures and its words. Every number comes from the page's data. */
"use strict";

(function () {
  const { data, byId, isState, readState, writeState, fillTable, choose, onShow } = window.rlvrPage;
  const { reader, inWords, termRows, termsOf, staircase, curves } = window.rlvrFigures;
  const { axes, grid, visits_per_step: visitsPerStep } = data;
  const row = reader(axes, grid);

  const settings = { n_actions: 8, tie_break: "lowest", prior_strength: 0.5, n_steps: 200 };

  const steps = () => `${settings.n_steps} steps, ${Math.round(settings.n_steps * visitsPerStep)} visits a prompt`;

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
    fillTable("settings-table", termRows(now.terms));
    staircase("staircase", `Accuracy of four arms. ${inWords(now)}`, now);
    curves("along-prior", `Null, elicitation and reward design along the prior strength, at ${steps()}.`, {
      rows: axes.prior_strength.map((strength) => [strength, row({ ...settings, prior_strength: strength })]),
      set: settings.prior_strength,
      x: { domain: [0, 1], label: "prior strength" },
      range: data.term_range,
    });
    writeState({ prior, steps: settings.n_steps, ties: settings.tie_break, answers: settings.n_actions });
    byId("copied-move").textContent = "";
    const ties = byId("ties").selectedOptions[0].textContent;
    window.rlvrTools.show("move", {
      title: `prior strength ${prior}, ${steps()}, ${settings.n_actions} answers, ties to ${ties}`,
      settings: { prior_strength: prior, n_steps: settings.n_steps, tie_break: settings.tie_break, n_actions: settings.n_actions },
      arms: now.arms,
      terms: termsOf(now.terms),
    });
  }

  /* Settings from the address; values off the grid are ignored. */
  function restore() {
    const state = readState();
    const asked = { prior_strength: Number(state.prior), n_steps: Number(state.steps), tie_break: state.ties, n_actions: Number(state.answers) };
    for (const axis of Object.keys(axes)) if (axes[axis].includes(asked[axis])) settings[axis] = asked[axis];
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
  window.addEventListener("hashchange", () => {
    if (!isState() || readState().tab) return;
    restore();
    choose("move");
    byId("explorer").scrollIntoView();
  });
  restore();
  onShow("move", show);
})();
