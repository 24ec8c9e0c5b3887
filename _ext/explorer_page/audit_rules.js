/* The rules of `rlvr audit` for a table of accuracies: what the arms identify, Wilson intervals and their
   combination, verdict, status and tipping points; and whether the verdict survives a spread from run to run
   and a shift of FROZEN. Level 95%, no assumptions, items taken as unpaired.

   The source is the Python of rlvr/auditing/cell_verdicts and rlvr/stats/sampling;
   tests/browser holds the two together on random tables. Accuracies are fractions in [0, 1]; an arm that is
   missing is left out; n_items is null where it is not stated. */
"use strict";

window.rlvrAudit = (function () {
  const ARMS = ["frozen", "random", "majority", "true"];
  const TERMS = {
    null: ["random", "frozen"],
    elicitation: ["majority", "random"],
    reward_design: ["true", "majority"],
    naive: ["true", "random"],
    total: ["true", "frozen"],
  };
  const PARTS = ["null", "elicitation", "reward_design"];
  const VERDICTS = ["null", "elicitation", "reward design", "mixed"];
  const PUBLISHED_SHARE = 0.6;
  const Z2 = 1.959963984540054 ** 2; // the 97.5% point of the normal distribution, squared

  const contrast = (term) =>
    ARMS.map((arm) => (arm === TERMS[term][0] ? 1 : 0) - (arm === TERMS[term][1] ? 1 : 0));
  const combine = (...weighted) => ARMS.map((_, arm) => weighted.reduce((sum, [w, c]) => sum + w * c[arm], 0));
  const at = (row, point) => row.reduce((sum, weight, arm) => sum + weight * point[arm], 0);

  /* Rule -> verdict -> alternatives, each a list of contrasts that must all exceed 0. */
  const RULES = { magnitude: {}, published: {} };
  for (const part of PARTS) {
    const [one, other] = PARTS.filter((rest) => rest !== part).map(contrast);
    RULES.magnitude[part.replace("_", " ")] = [1, -1].map((sign) =>
      [[-1, -1], [-1, 1], [1, -1], [1, 1]].map(([a, b]) => combine([sign, contrast(part)], [-a, one], [-b, other])));
  }
  const gains = {
    elicitation: combine([1, contrast("null")], [1, contrast("elicitation")]),
    "reward design": contrast("reward_design"),
  };
  for (const [verdict, gain] of Object.entries(gains)) {
    RULES.published[verdict] = [1, -1].map((sign) => [
      combine([sign, gain], [-sign * PUBLISHED_SHARE, contrast("total")]),
      combine([sign, contrast("total")]),
    ]);
  }

  function verdictAt(point, rule) {
    const holds = ([, alternatives]) => alternatives.some((rows) => rows.every((row) => at(row, point) > 1e-12));
    const found = Object.entries(RULES[rule]).filter(holds);
    return found.length ? found[found.length - 1][0] : "mixed";
  }

  function wilson(accuracy, n) {
    const centre = (accuracy + Z2 / (2 * n)) / (1 + Z2 / n);
    const half = Math.sqrt((Z2 / n) * (accuracy * (1 - accuracy) + Z2 / (4 * n))) / (1 + Z2 / n);
    return [Math.max(0, Math.min(accuracy, centre - half)), Math.min(1, Math.max(accuracy, centre + half))];
  }

  /* Distances (below, above) of an arm's accuracy to the ends of its interval over items. */
  function itemEnds(arms) {
    return ARMS.map((name) => {
      if (!(name in arms)) return [0, 0];
      const { accuracy, n_items: n } = arms[name];
      if (!n) return [Infinity, Infinity];
      const [low, high] = wilson(accuracy, n);
      return [accuracy - low, high - accuracy];
    });
  }

  /* Distances (below, above) of a contrast: those of its arms, added in quadrature. */
  function margins(ends) {
    const quadrature = (row, up) =>
      Math.sqrt(row.reduce((sum, w, arm) => sum + (w === 0 ? 0 : (w * ends[arm][w > 0 ? up : 1 - up]) ** 2), 0));
    return (row) => [quadrature(row, 0), quadrature(row, 1)];
  }

  /* All points that agree with the given arms: a missing arm takes values in [0, 1] and the known values. */
  function feasible(arms) {
    const known = Object.values(arms).map((arm) => arm.accuracy);
    const steps = { 1: 200, 2: 50 }[ARMS.length - known.length] || 20;
    const grid = [...new Set([...Array.from({ length: steps + 1 }, (_, i) => i / steps), ...known])];
    return ARMS.reduce(
      (points, name) => points.flatMap((point) =>
        (name in arms ? [arms[name].accuracy] : grid).map((value) => [...point, value])),
      [[]]);
  }

  /* Whether a verdict survives sampling at a point: each inequality of dominance holds for sure; or, for
     "mixed", some inequality of every alternative fails for sure. */
  function survives(verdict, point, margin, rule) {
    const alternatives = RULES[rule];
    if (verdict !== "mixed") {
      return alternatives[verdict].some((rows) => rows.every((row) => at(row, point) - margin(row)[0] > 0));
    }
    return Object.values(alternatives).flat()
      .every((rows) => rows.some((row) => at(row, point) + margin(row)[1] < 0));
  }

  /* For each arm, its smallest change that alters the verdict; null where no value in [0, 1] does. */
  function tippingPoints(point, rule) {
    const now = verdictAt(point, rule);
    const rows = Object.values(RULES[rule]).flat(2);
    return Object.fromEntries(ARMS.map((name, arm) => {
      const turns = rows.filter((row) => row[arm] !== 0).map((row) => -at(row, point) / row[arm]);
      const changing = [...turns.map((t) => t - 1e-9), ...turns.map((t) => t + 1e-9)].filter((move) => {
        const moved = point.map((value, i) => (i === arm ? value + move : value));
        return moved[arm] >= -2e-9 && moved[arm] <= 1 + 2e-9 && verdictAt(moved, rule) !== now;
      });
      const length = (move) => Math.round(Math.abs(move) * 1e12);
      const nearest = changing.reduce((best, move) => (length(move) < length(best) ? move : best), Infinity);
      return [name, changing.length ? nearest : null];
    }));
  }

  function estimate(term, arms, margin) {
    const [range, present, sizes] = [[], [], []];
    for (const name of TERMS[term]) {
      present.push(name in arms);
      range.push(name in arms ? [arms[name].accuracy, arms[name].accuracy] : [0, 1]);
      if (name in arms) sizes.push(arms[name].n_items || 0);
    }
    const set = [range[0][0] - range[1][1], range[0][1] - range[1][0]];
    const [below, above] = margin(contrast(term));
    const ends = [Math.max(-1, set[0] - below), Math.min(1, set[1] + above)];
    const whole = set[0] <= -1 && set[1] >= 1;
    const unsized = sizes.includes(0);
    const result = { value: null, low: ends[0], high: ends[1], set_low: set[0], set_high: set[1], reason: "" };
    if (present.every(Boolean)) {
      result.value = set[0];
      if (unsized && ends[0] === -1 && ends[1] === 1) {
        Object.assign(result, { low: null, high: null, reason: "the number of items is not stated" });
      }
      return result;
    }
    const absent = TERMS[term].filter((_, i) => !present[i]).map((name) => name.toUpperCase()).join(" and ");
    result.reason = `${absent} missing: ${whole ? "nothing" : "a set"} is identified`;
    if (whole) Object.assign(result, { low: null, high: null });
    else if (unsized) {
      Object.assign(result, { low: set[0], high: set[1] });
      result.reason += ", its bounds without item sampling since the number of items is not stated";
    }
    return result;
  }

  /* The audit of one cell: `arms` maps a name out of ARMS to {accuracy, n_items}. */
  function auditCell(arms, rule = "magnitude") {
    const margin = margins(itemEnds(arms));
    const points = feasible(arms);
    const said = Object.fromEntries(Object.keys(RULES).map((each) =>
      [each, new Set(points.map((point) => verdictAt(point, each)))]));
    const single = (verdicts) => (verdicts.size === 1 ? [...verdicts][0] : "undetermined");
    const verdict = single(said[rule]);
    const sure = verdict !== "undetermined" && points.every((point) => survives(verdict, point, margin, rule));
    const complete = ARMS.every((name) => name in arms);
    return {
      verdict,
      support: verdict === "undetermined" ? "not identified" : sure ? "supported" : "leaning",
      possible_verdicts: VERDICTS.filter((name) => said[rule].has(name)),
      terms: Object.fromEntries(Object.keys(TERMS).map((term) => [term, estimate(term, arms, margin)])),
      tipping_points: complete ? tippingPoints(ARMS.map((name) => arms[name].accuracy), rule) : {},
      verdict_by_rule: Object.fromEntries(Object.keys(RULES).map((each) => [each, single(said[each])])),
    };
  }

  /* Half-width of a mean of n runs that spread by `sd`: known where n is 1, else estimated from these runs. */
  function runHalf(sd, n, quantiles) {
    return ((n > 1 ? quantiles[n - 2] : Math.sqrt(Z2)) * sd) / Math.sqrt(n);
  }

  /* An audit with more that may differ: `half`, an interval from run to run of each trained arm (null: not known), and `shift`,
     how far FROZEN may lie elsewhere. Layers as in the command, the first line judged by all of them. */
  function auditLayers(arms, { half = null, shift = 0 } = {}, rule = "magnitude") {
    const audit = auditCell(arms, rule);
    const items = itemEnds(arms);
    const runs = ARMS.map((name) => (name !== "frozen" && name in arms ? [half || 0, half || 0] : [0, 0]));
    const both = items.map(([below, above], i) => [Math.hypot(below, runs[i][0]), Math.hypot(above, runs[i][1])]);
    const own = arms.frozen?.accuracy;
    const [low, high] = [Math.max(0, own - shift), Math.min(1, own + shift)];
    const shifted = shift > 0 && own !== undefined
      ? Array.from({ length: 41 }, (_, i) => ({ ...arms, frozen: { ...arms.frozen, accuracy: low + (i / 40) * (high - low) } })) : [arms];
    const none = ARMS.map(() => [0, 0]);
    const kinds = [["items", items, [arms]]];
    if (runs.some(([width]) => width > 0)) kinds.push(["runs", runs, [arms]]);
    if (shifted.length > 1) kinds.push(["frozen", none, shifted]);
    if (kinds.length > 1) kinds.push(["all", both, shifted]);
    const layers = kinds.map(([name, ends, readings]) => {
      const margin = margins(ends);
      const survivesAll = audit.verdict !== "undetermined" && readings.every((reading) =>
        feasible(reading).every((point) => verdictAt(point, rule) === audit.verdict && survives(audit.verdict, point, margin, rule)));
      const terms = Object.fromEntries(Object.keys(TERMS).map((term) => {
        const each = readings.map((reading) => estimate(term, reading, margin));
        const known = each.every(({ low: end }) => end !== null);
        return [term, known ? { low: Math.min(...each.map((one) => one.low)), high: Math.max(...each.map((one) => one.high)) } : { low: null, high: null }];
      }));
      return { name, survives: survivesAll, terms };
    });
    const lost = layers.filter((layer) => !layer.survives).map((layer) => layer.name);
    const single = lost.filter((name) => name !== "all");
    const broken = audit.support === "not identified" ? [] : single.length ? single : lost;
    const unknown = half === null && ARMS.slice(1).some((name) => name in arms);
    return { ...audit, layers, broken, headline: headline(audit.support, layers, broken, unknown) };
  }

  const SOURCES = { frozen: "a shift of FROZEN", all: "all sources together" };

  /* The status by everything that was entered, in the command's words. */
  function headline(support, layers, broken, unknown) {
    if (support === "not identified") return support;
    const status = support === "supported" && !layers[layers.length - 1].survives ? "leaning" : support;
    const whole = status + (unknown && !broken.includes("runs") ? " for these runs" : "");
    return status === "supported" ? whole : `${whole}: does not survive ${broken.map((name) => SOURCES[name] || name).join(" and ")}`;
  }

  return { ARMS, TERMS, PARTS, VERDICTS, auditCell, auditLayers, runHalf };
})();
