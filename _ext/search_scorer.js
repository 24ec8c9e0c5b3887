// Chapters come before the pages of the core: a name in code counts less than a page's title or its words.
var Scorer = {
  score: ([docname, title, anchor, descr, score]) => {
    const page = docname.split("/").pop();
    if (/^\d\d-/.test(page) || page === "index") return score + 100;
    return /^(core-|genindex|py-modindex)/.test(page) ? score - 100 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 3,
  objPrio: { 0: 5, 1: 0, 2: -10 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
