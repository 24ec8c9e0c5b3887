"""One word, one meaning: old phrases for what now has a word of its own (see the glossary)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
READ = sorted(
    path
    for pattern in (
        "*.md", "chapters/*.md", "chapters/claims.yml", "rlvr/**/*.py", "rlvr/data/*.j2", "_ext/*.py",
        "_ext/explorer_page/*.*",
    )
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # says what was said when
)  # fmt: skip

OLD = {
    "a prompt is visited; an update is a step of the optimiser": (
        r"\bupdates? (?:a|per) prompt|\bupdates? of (?:a|each|every|one|the) prompts?\b"
        r"|\bupdates of each of \d+ prompts|\bprompt (?:gets|has had) (?:n )?updates|many updates a prompt"
    ),
    "a gate quotes a value; points are percentage points": (
        r"\bsa(?:ys?|id|ying) \"?points\b|\bfalse \"?points?\"|\bfalse-point|\bP\(points\)"
        r"|\bquot(?:e|es|ed|ing) (?:a point\b|points\b|[\w ]+ as a point\b)|\bis a point\b"
    ),
    "a strategy has a share; other parts of a whole are fractions": (
        r"\bshares? of (?:the )?(?:\"?true minus random|naive|reward design|[\w' ]{0,12}variance)"
        r"|\bshares? of (?:the |those |its )?(?:right |correct )?(?:labels|modes)\b|\bshares? right\b"
        r"|\breward-design share|\bvariance share\b"
    ),
    "the mode has a crossover, elicitation a sign change": (
        r"\belicitation'?s? crossover|\bcrossover of elicitation|\bbelow a crossover\b"
        r"|\bcrossovers? (?:after|at) [\w,]+ (?:updates|visits)"
    ),
    "a parameter is identified, a verdict is supported": (
        r"identified (?:and (?!an? |the )\w+ )?verdict|identif(?:y|ies|ying) (?:\w+ )?verdict"
        r"|verdicts?\b[^.:;,|]{0,40} (?:is|are|be|called) identified"
    ),
}


def old_phrases(text):
    """Old phrases in a page or a file, whatever lines and strings of code they are broken over."""
    joined = re.sub(r"[\"']?\s*\n\s*(?:f?[\"'])?", " ", text.replace("\\", ""))
    plain = re.sub(r"[*\"#]", "", joined)
    return [
        (word, found.group())
        for word, phrases in OLD.items()
        for found in re.finditer(phrases, plain, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_word_has_one_meaning(path):
    assert old_phrases(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "said",
    [
        "after 80 updates a prompt", 'by the "\n    "updates a prompt (light', "Updates of one prompt.",
        'the published gate says "points" too often', "do not quote it as a point", "P(points) of the gate",
        'Reward design as a share of "true minus random"', "the share right of 100 released labels",
        "linear in the share of right labels", "scoring's share of variance",
        "Elicitation's crossover is 0.4", "have an identified and undoubted verdict",
        "could identify more verdicts", "The verdict is *identified* if each survives",
        "some verdict will be\nidentified",
    ],
)  # fmt: skip
def test_the_guard_of_words_can_fail(said):
    assert len(old_phrases(said)) == 1


@pytest.mark.parametrize(
    "said",
    [
        "after 80 visits of each prompt", "128 answers an update", "the gate quotes a value", "by 3.2 points",
        "the share of the better strategy", "the crossover is at 0.464", "how many visits a prompt gets",
        "Two terms are identified and the verdict is supported or not identified",
    ],
)  # fmt: skip
def test_the_guard_of_words_can_pass(said):
    assert old_phrases(said) == []
