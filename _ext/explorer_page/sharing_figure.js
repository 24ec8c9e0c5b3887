/* Second tab: a stored grid of shared and single policies, with clipping and without, and its figures. */
"use strict";

(function () {
  const { data, byId, name, isState, readState, writeState, fillTable, points, choose, onShow } = window.rlvrPage;
  const { PARTS } = window.rlvrAudit;
  const { reader, inWords, termRows, termsOf, staircase, curves } = window.rlvrFigures;
  const { axes, grid, mixes, optimizers, n_runs: nRuns, term_range: range } = data.sharing;
  const row = reader(axes, grid);

  const TICKS = [1, 2, 5, 10, 20, 40, 80]; // the library's logarithmic axis leaves the last tick without a label
  const settings = { mix: "better", policy: "shared", optimizer: "adam", inner_updates: 8, clip: "on", n_steps: 40 };

  function rollouts() {
    const updates = settings.n_steps * settings.inner_updates;
    const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
    return `${counted(settings.n_steps, "rollout")}, ${counted(updates, "optimiser step")}`;
  }

  function spreads({ terms }) {
    const said = PARTS.map((part) => `${name(part)} ${(100 * terms[part].sd).toFixed(1)}`).join(", ");
    const idle = settings.inner_updates === 1 && settings.clip === "on"
      ? " With one update a rollout there is nothing to clip." : "";
    return ` From run to run (standard deviation in points over ${nRuns[settings.policy]} runs): ${said}.${idle}`;
  }

  function show() {
    for (const [id, axis] of [["mix", "mix"], ["optimizer", "optimizer"], ["updates", "inner_updates"]]) byId(id).value = settings[axis];
    byId("mix-said").textContent = mixes[settings.mix].numbers;
    byId("shared").checked = settings.policy === "shared";
    byId("clip").checked = settings.clip === "on";
    byId("rollouts").value = axes.n_steps.indexOf(settings.n_steps);
    byId("rollouts-said").textContent = rollouts();
    byId("rollouts").setAttribute("aria-valuetext", rollouts());
    const now = row(settings);
    const words = inWords(now) + spreads(now);
    byId("sharing-readout").textContent = words;
    fillTable("sharing-table", termRows(now.terms));
    staircase("sharing-staircase", `Accuracy of four arms. ${words}`, now);
    const ends = PARTS.map((part) => `${name(part)} ${points(now.terms[part].value)}`).join(", ");
    curves("along-budget", `Null, elicitation and reward design along the rollouts; after ${rollouts()}: ${ends}.`, {
      rows: axes.n_steps.map((n) => [Math.log(n), row({ ...settings, n_steps: n })]),
      set: Math.log(settings.n_steps),
      x: { ticks: TICKS.map(Math.log), tickFormat: (at) => String(Math.round(Math.exp(at))), label: "rollouts" },
      range,
    });
    writeState({
      tab: "share", mix: settings.mix, policy: settings.policy, optimizer: settings.optimizer,
      updates: settings.inner_updates, clip: settings.clip, rollouts: settings.n_steps,
    });
    byId("copied-share").textContent = "";
    window.rlvrTools.show("share", {
      title: [mixes[settings.mix].name, `${settings.policy === "shared" ? "one shared policy" : "own policies"}`,
        optimizers[settings.optimizer], rollouts(), `clipping ${settings.clip}`].join(", "),
      settings: { ...settings },
      arms: now.arms,
      terms: termsOf(now.terms),
    });
  }

  /* Settings from the address; values off the grid are ignored. */
  function restore() {
    const state = readState();
    if (state.tab !== "share") return;
    const asked = {
      mix: state.mix, policy: state.policy, optimizer: state.optimizer, inner_updates: Number(state.updates),
      clip: state.clip, n_steps: Number(state.rollouts),
    };
    for (const axis of Object.keys(axes)) if (axes[axis].includes(asked[axis])) settings[axis] = asked[axis];
  }

  byId("mix").append(...axes.mix.map((mix) => new Option(mixes[mix].name, mix)));
  byId("optimizer").append(...axes.optimizer.map((optimizer) => new Option(optimizers[optimizer], optimizer)));
  byId("updates").append(...axes.inner_updates.map((n) => new Option(String(n), n)));
  byId("clip-bounds").textContent = data.sharing.clip.map((bound) => bound.toFixed(1)).join(" to ");
  byId("rollouts").max = axes.n_steps.length - 1;
  const change = {
    mix: ({ value }) => { settings.mix = value; },
    shared: ({ checked }) => { settings.policy = checked ? "shared" : "own"; },
    optimizer: ({ value }) => { settings.optimizer = value; },
    updates: ({ value }) => { settings.inner_updates = Number(value); },
    clip: ({ checked }) => { settings.clip = checked ? "on" : "off"; },
    rollouts: ({ value }) => { settings.n_steps = axes.n_steps[value]; },
  };
  byId("sharing").addEventListener("input", ({ target }) => { change[target.id](target); show(); });
  byId("sharing").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => {
    if (!isState() || readState().tab !== "share") return;
    restore();
    choose("share");
    byId("explorer").scrollIntoView();
  });
  restore();
  onShow("share", show);
})();
