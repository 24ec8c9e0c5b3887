/* Shared by the two tabs with stored grids: reading a grid, describing it, drawing arms and terms. */
"use strict";

window.rlvrFigures = (function () {
  const { data, byId, name, draw, signed, points, percent, digitsOf } = window.rlvrPage;
  const { ARMS, TERMS, PARTS } = window.rlvrAudit;
  const { scale, colours } = data;

  /* A function from settings to a row: four arms; terms with value, half-width and, where stored, sd; a fraction. */
  function reader(axes, grid) {
    const names = Object.keys(axes); // in stored order: the last one varies fastest
    return (at) => {
      const index = names.reduce((sum, axis) => sum * axes[axis].length + axes[axis].indexOf(at[axis]), 0);
      const value = (column) => (grid[column]?.[index] == null ? null : grid[column][index] / scale);
      const arms = Object.fromEntries(ARMS.map((arm) => [arm, value(arm)]));
      const terms = Object.fromEntries(Object.entries(TERMS).filter(([term]) => `${term}_half` in grid).map(
        ([term, [arm, base]]) => [term, { value: arms[arm] - arms[base], half: value(`${term}_half`), sd: value(`${term}_sd`) }]));
      return { arms, terms, fraction: ["fraction", "fraction_low", "fraction_high"].map(value) };
    };
  }

  const between = ({ value, half }) => [value - half, value + half].map((end) => points(end, digitsOf(half))).join(" to ");
  const whole = (value) => `${signed(100 * value, 0).replace("+", "")}%`;
  const plain = (fraction, digits) => (100 * fraction).toFixed(digits);

  function inWords({ arms, terms, fraction }) {
    const ends = ARMS.map((arm) => `${arm.toUpperCase()} ${percent(arms[arm])}`).join(", ");
    const parts = PARTS.map((part) => {
      const { value, half } = terms[part];
      return `${name(part)} ${points(value, digitsOf(half))} ± ${plain(half, digitsOf(half))}`;
    });
    const ratio = fraction[0] === null
      ? "As a fraction of “true minus random” reward design is undefined: the difference is not separated from 0."
      : `Of “true minus random”, reward design is ${whole(fraction[0])} (${whole(fraction[1])} to ${whole(fraction[2])}).`;
    return `The arms end at ${ends}. The split in points: ${parts.join(", ")}. ${ratio}`;
  }

  /* Rows of a table of terms: term, what it is, value, interval and, where stored, sd. */
  function termRows(terms) {
    return Object.entries(terms).map(([term, { value, half, sd }]) => {
      const [arm, base] = TERMS[term];
      const cells = [name(term), `${arm.toUpperCase()} − ${base.toUpperCase()}`, points(value, digitsOf(half)), between({ value, half })];
      return sd === null ? cells : [...cells, plain(sd, 1)];
    });
  }

  function staircase(id, words, { arms, terms }) {
    const bars = PARTS.map((part) => {
      const [arm, base] = TERMS[part];
      const { value, half, sd } = terms[part];
      const label = `${name(part)} ${points(value, digitsOf(half))}`;
      return { arm: arm.toUpperCase(), part, from: 100 * arms[base], to: 100 * arms[arm], half: 100 * half, sd: sd === null ? null : 100 * sd, label };
    });
    const ends = ARMS.map((arm) => ({ arm: arm.toUpperCase(), at: 100 * arms[arm] }));
    const anchor = (bar) => (bar.from + bar.to > 100 ? "end" : "start");
    const around = (width) => ({ y: "arm", x1: (bar) => Math.max(0, bar.to - width(bar)), x2: (bar) => Math.min(100, bar.to + width(bar)), dy: 2 });
    draw(id, words, {
      height: 245,
      marginLeft: 78,
      marginRight: 24,
      marginBottom: 42,
      x: { domain: [0, 100], label: "accuracy, %", labelOffset: 38, grid: true },
      y: { domain: ends.map((end) => end.arm), label: null, tickSize: 0 },
      marks: [
        Plot.ruleX([100 * arms.frozen], { strokeDasharray: "3 3", strokeOpacity: 0.6 }),
        Plot.barX(bars, { y: "arm", x1: "from", x2: "to", fill: (bar) => colours[bar.part], insetTop: 14, insetBottom: 10 }),
        Plot.ruleY(bars.filter((bar) => bar.sd !== null), { ...around((bar) => bar.sd), strokeWidth: 9, strokeOpacity: 0.3 }),
        Plot.ruleY(bars, around((bar) => bar.half)),
        Plot.dot(ends, { y: "arm", x: "at", dy: 2, r: 4.5, fill: "currentColor" }),
        ...["start", "end"].map((textAnchor) => Plot.text(bars.filter((bar) => anchor(bar) === textAnchor), {
          y: "arm", x: (bar) => (textAnchor === "start" ? Math.min : Math.max)(bar.from, bar.to), text: "label", textAnchor,
          dy: -16, fontSize: 13, fill: "currentColor", stroke: "var(--pst-color-background)", strokeWidth: 4,
        })),
      ],
    });
  }

  /* The three terms along one setting. `rows`: [place, row] pairs; `set`: the selected place. */
  function curves(id, words, { rows, set, x, range }) {
    const curve = rows.flatMap(([at, { terms }]) => PARTS.map((part) => {
      const { value, half, sd } = terms[part];
      return { at, part, value: 100 * value, width: 100 * (sd ?? half) };
    }));
    const [lowest, highest] = range.map((end) => 100 * end);
    const colour = ({ part }) => colours[part];
    const band = Plot.areaY(curve, {
      x: "at", y1: (d) => Math.max(lowest, d.value - d.width), y2: (d) => Math.min(highest, d.value + d.width), z: "part", fill: colour, fillOpacity: 0.25,
    });
    draw(id, words, {
      height: 285,
      marginTop: 30,
      marginRight: 16,
      marginLeft: 46,
      marginBottom: 42,
      x: { labelOffset: 38, ...x },
      y: { domain: [lowest, highest], label: "points of accuracy", grid: true },
      color: { domain: PARTS.map(name), range: PARTS.map((part) => colours[part]), legend: false },
      marks: [
        Plot.ruleY([0]),
        Plot.ruleX([set], { strokeOpacity: 0.6 }),
        band,
        Plot.line(curve, { x: "at", y: "value", z: "part", stroke: colour, strokeWidth: 2 }),
        Plot.dot(curve.filter(({ at }) => at === set), { x: "at", y: "value", fill: colour, r: 4.5, stroke: "currentColor" }),
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
    byId(id).prepend(legend);
  }

  /* What is shown, for pinning and for a file: value and interval of each term. */
  const termsOf = (terms) => Object.fromEntries(Object.entries(terms).map(([term, { value, half }]) =>
    [term, { value, low: value - half, high: value + half, digits: digitsOf(half) }]));

  return { reader, inWords, termRows, termsOf, staircase, curves };
})();
