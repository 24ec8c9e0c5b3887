/* A pasted table to cells of arms, by the checks of `rlvr audit` (rlvr/auditing/tables, cells):
   one row an arm, comma-separated, a header line. What is wrong is refused with its line and what is accepted. */
"use strict";

window.rlvrTable = (function () {
  const { ARMS } = window.rlvrAudit;
  const NAMES = ["study", "model", "benchmark"]; // one that is not a column is the same for all rows
  const NEEDED = ["arm", "n_items"];
  const ARM_NAMES = window.rlvrPage.data.arm_names; // arms by their common names, such as base and coin
  const armOf = (text) => ARM_NAMES[text.toLowerCase().replace(/[\s_-]+/g, " ")];
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const number = (text) => (NUMBER.test(text) ? Number(text) : NaN);
  const within = (low, high) => (text) => number(text) >= low && number(text) <= high;
  const count = (low) => (text) => text === "" || (within(low, 1e9)(text) && Number.isInteger(number(text)));
  const oneOf = (...names) => (text) => names.includes(text.toLowerCase());
  const named = [(text) => text !== "", "a name, not empty"];
  const counted = [count(1), "a whole number from 1 to 1,000,000,000, or empty"];
  const CHECKS = {
    study: named,
    model: named,
    benchmark: named,
    arm: [(text) => armOf(text) !== undefined, `one of ${ARMS.join(", ")}, or a common name of one such as base, coin, vote or gt`],
    role: [oneOf("arm", "alternative", ""), "one of arm, alternative, or empty"],
    comparable: [oneOf("strict", "near", "no", ""), "one of strict, near, no, or empty"],
    accuracy: [within(0, 1), "a fraction from 0 to 1 (percentages go in accuracy_percent)"],
    accuracy_percent: [within(0, 100), "a percentage from 0 to 100, without a % sign"],
    n_items: counted,
    samples_per_item: counted,
    n_runs: counted,
    n_evaluations: counted,
    run_sd_runs: [count(2), "a whole number from 2 to 1,000,000,000, or empty"],
    run_sd: [(text) => text === "" || within(0, 100)(text), "a standard deviation of at least 0, or empty"],
  };

  function refuse(line, problem) {
    throw new Error(`line ${line}: ${problem}`);
  }

  /* Rows as objects with checked values; `line` is the line number of a row. */
  function readRows(text) {
    const lines = d3.csvParseRows(text.replace(/^\uFEFF/, ""))
      .map((fields, i) => ({ fields: fields.map((field) => field.trim()), line: i + 1 }))
      .filter(({ fields }) => fields.length > 1 || fields[0] !== "");
    if (!lines.length) refuse(1, `the table is empty; accepted are the columns ${NEEDED.join(", ")} and accuracy`);
    const [{ fields: columns, line: header }, ...rows] = lines;
    const twice = columns.find((column, i) => columns.indexOf(column) < i);
    if (twice !== undefined) refuse(header, `the column ${twice} stands twice; each is accepted once`);
    const measures = ["accuracy", "accuracy_percent"].filter((column) => columns.includes(column));
    if (columns.includes("correct") && !measures.length) {
      refuse(header, "this is one row an answered item, which the command rlvr audit reads; accepted here is one row an arm");
    }
    const missing = NEEDED.filter((column) => !columns.includes(column));
    if (!measures.length) missing.push("accuracy (or accuracy_percent)");
    if (missing.length) refuse(header, `missing ${missing.join(", ")}`);
    if (measures.length > 1) refuse(header, "accuracy and accuracy_percent both stand; one of them is accepted");
    if (!rows.length) refuse(header + 1, "no rows below the header; one row an arm is accepted");
    return rows.map(({ fields, line }) => {
      if (fields.length !== columns.length) {
        refuse(line, `has ${fields.length} fields; ${columns.length} are accepted, as in the header`);
      }
      const row = Object.fromEntries(columns.map((column, i) => [column, fields[i]]));
      for (const column of columns.filter((name) => name in CHECKS)) {
        const [fits, accepted] = CHECKS[column];
        if (!fits(row[column])) refuse(line, `${column} must be ${accepted}, got '${row[column]}'`);
      }
      for (const column of NAMES) row[column] ??= column;
      return { ...row, line, unit: measures[0] === "accuracy" ? 1 : 100, printed: row[measures[0]] };
    });
  }

  /* Whether a published accuracy, to its last digit, can be a whole number of graded answers. */
  function nearWhole({ printed, unit, n_items, samples_per_item, n_evaluations }) {
    const graded = Number(n_items) * Number(samples_per_item || 1) * Number(n_evaluations || 1);
    const digits = (printed.toLowerCase().split("e")[0].split(".")[1] || "").length;
    const answers = (Number(printed) / unit) * graded;
    const slack = ((0.5 * 10 ** -digits) / unit) * graded * (1 + 1e-9) + 1e-9;
    return graded > 0 && Math.abs(answers - Math.round(answers)) <= slack;
  }

  /* Whether a value of at most 1 is closer to the other values of its cell if it is a fraction. */
  function fractionAmongPercentages(value, cell) {
    const others = cell.filter((other) => other > 1);
    if (!(value > 0 && value <= 1) || !others.length) return false;
    const middle = d3.median(others);
    return Math.abs(100 * value - middle) < middle - value;
  }

  /* Cells in the order of first appearance: {name, arms, notes}; other readings of an arm are left out. */
  function readCells(text) {
    const rows = readRows(text);
    const nameOf = (row) => [row.study, row.setup, row.model, row.benchmark].filter(Boolean).join(" / ");
    const keyOf = (row) => JSON.stringify([row.study, row.setup || "", row.model, row.benchmark]);
    const together = d3.group(rows, keyOf);
    const cells = new Map();
    for (const row of rows) {
      const key = keyOf(row);
      if (!cells.has(key)) cells.set(key, { name: nameOf(row), arms: {}, notes: [] });
      const { arms, notes } = cells.get(key);
      const arm = armOf(row.arm);
      const mates = together.get(key).map((mate) => Number(mate.printed));
      if (row.unit === 100 && !nearWhole(row) && fractionAmongPercentages(Number(row.printed), mates)) {
        refuse(row.line, `accuracy_percent ${row.printed} would fit its cell as a fraction; percentages alone are accepted here`);
      }
      if (row.run_sd && Number(row.run_sd) / row.unit > 0.5) {
        refuse(row.line, `run_sd must be at most half the range of accuracy, got '${row.run_sd}'`);
      }
      if ((row.role || "arm").toLowerCase() === "alternative") continue;
      if (arm in arms) refuse(row.line, `the ${arm} arm of ${nameOf(row)} already stands above; one row an arm is accepted`);
      arms[arm] = {
        accuracy: Number((Number(row.printed) / row.unit).toFixed(15)),
        n_items: row.n_items ? Number(row.n_items) : null,
      };
      if (row.flag) notes.push(`${arm}: ${row.flag}`);
      if ((row.comparable || "strict").toLowerCase() !== "strict") notes.push(`${arm} arm comparable: ${row.comparable}`);
    }
    return [...cells.values()];
  }

  return { readCells, nearWhole, fractionAmongPercentages };
})();
