"""What a reader with an hour meets: order, length, boxes, words, marks, code that teaches, few tables."""

import colorsys
import csv
import io
import re
import sys
from pathlib import Path

import pytest
import yaml
from matplotlib.colors import to_rgb

from book.drawing import NEUTRAL_COLOURS
from rlvr.plots import ARM_COLOURS, TERM_COLOURS
from tests.recomputed.quoted import quotes
from tests.test_book import CHAPTERS, PAGES, code_cells, prose, stored

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

from reading_time import WORDS_A_MINUTE, minutes, words  # noqa: E402

MAIN_LINE = 90  # minutes that all pages before the technical notes take
MOST_TABLES = 45  # numbered tables of the whole book
MOST_SHOWN = 6  # cells of a chapter whose code is not folded

each_chapter = pytest.mark.parametrize("text", CHAPTERS, ids=lambda path: path.stem)
each_page = pytest.mark.parametrize("text", PAGES, ids=lambda path: path.stem)


def main_line():
    """The pages before the technical notes that are read in order: the front page and the numbered parts."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    read = [toc["root"]]
    for part in toc["parts"]:
        if part["caption"] in ("Technical notes", "Appendix"):
            break
        read += [page["file"] for page in part["chapters"]]
    return [ROOT / Path(name).with_suffix(".md") for name in read if Path(name).stem != "explore"]


def test_real_models_come_before_the_simulator_and_proofs_last():
    order = [text.stem[3:] for text in main_line()]
    for earlier, later in (
        ("estimand", "spurious-rewards"), ("spurious-rewards", "other-papers"), ("synthesis", "simulator"),
        ("simulator", "coin-flip"), ("coin-flip", "network"), ("network", "language-model"),
        ("language-model", "instrument"), ("instrument", "your-model"),
    ):  # fmt: skip
        assert order.index(earlier) < order.index(later)
    assert not {"dynamics", "replication", "protocol", "factorial", "points-or-bounds", "ceilings"} & set(
        order
    )


def test_the_main_line_is_read_in_an_hour_and_a_half():
    counted = {text.stem: words(text.read_text(encoding="utf-8")) for text in main_line()}
    assert sum(counted.values()) <= MAIN_LINE * WORDS_A_MINUTE, counted


def test_the_two_paths_take_ten_minutes_and_an_hour():
    page = (ROOT / "chapters" / "index.md").read_text(encoding="utf-8")
    paths = re.findall(r"^```\{reading-path\}\n(.*?)^```", page, re.S | re.M)
    taken = [
        sum(minutes(ROOT / "chapters" / f"{line.split(':')[0]}.md") for line in path.splitlines())
        for path in paths
    ]
    assert len(taken) == 2 and taken[0] <= 10 and taken[1] <= 60, taken


def test_prose_captions_and_boxes_are_counted_and_code_is_not():
    page = (
        "---\nx: y\n---\n\n# One two\n\nThree {glue:text}`four` [five six](a.ipynb).\n\n"
        '```{code-cell} ipython3\n:mystnb: {"figure": {"caption": "Seven eight"}}\nx = 1\n```\n\n'
        "```{math}\nx\n```\n\n:::{tip}\nNine $x+y$.\n:::\n\n:::{dropdown} Solution\nNo words.\n:::\n\n"
        "## Reproduce this chapter\n\nNothing here."
    )
    assert words(page) == 10


BOX = re.compile(r":::\{admonition\} In one minute\n:class: tip\n(.*?)\n:::", re.S)
PARTS = ("Question", "Answer", "One number", "Why it matters")


def box_faults(page):
    """What is wrong with a page's opening box."""
    inside = BOX.search(page).group(1)
    bare = re.sub(r"\{glue[^}]*\}`[^`]*`", "0", re.sub(r"\]\([^)]*\)", "]", inside))
    parts = tuple(re.findall(r"^\*\*(.*?)\.\*\* ", bare, re.M))
    found = [] if parts == PARTS else [f"its parts are {parts}, not {PARTS}"]
    count = len(bare.replace("*", "").split())
    if count > 60:
        found.append(f"{count} words, at most 60")
    if re.search(r"[()]|(?<!\])\[(?![^\]]*\])", bare):
        found.append("a bracket")
    if re.search(r"\d\.\d{4}", bare):
        found.append("a number with four decimals")
    return found


@each_chapter
def test_the_box_has_one_form(text):
    assert box_faults(text.read_text(encoding="utf-8")) == []


def quoted_in(page, text):
    """Name and shown text of each number that a page quotes, of its own or of another page."""
    for name in re.findall(r"\{glue:text\}`([^`]+?)(?::s)?`", page):
        other, _, key = name.rpartition(".ipynb::")
        yield name, quotes(other or text.stem)[key]


@each_chapter
def test_the_numbers_of_a_box_have_few_digits(text):
    inside = BOX.search(text.read_text(encoding="utf-8")).group(1)
    assert [each for each in quoted_in(inside, text) if re.search(r"\d\.\d{4}", each[1])] == []


@each_chapter
def test_a_chapter_says_what_it_teaches_and_needs(text):
    page = text.read_text(encoding="utf-8")
    assert re.search(r"^\*\*In this chapter you learn\*\* .*\*\*It needs\*\* ", page, re.M)


# Words that the field does not use, or uses for something else.
ODD = re.compile(
    r"\bheaps?\b|\bquiet(?:er|ly)?\b|\bbends?\b|\bbent\b|\bbuys?\b|\bbuying\b|\bbought\b|\bspends?\b|\bspent\b"
    r"|\bpromises?\b|\b(?:in|with|against) print\b|\bprinted (?:numbers|runs|cells|accurac)|\bsure of its\b"
    r"|\bwhat was said\b|\bleans? against\b|\bpays? (?:it )?for\b",
    re.IGNORECASE,
)


def spoken(page):
    """What a page says in prose and in the captions of figures and tables."""
    yield from (paragraph for paragraph, _ in prose(page))
    for strings in re.findall(r'(?:"caption": |caption=\(?)((?:f?"(?:\\.|[^"\\])*"\s*)+)', page):
        yield re.sub(r'"\s*f?"', "", strings)


def found_in(pattern, page):
    """Everything that a pattern finds in what a page says."""
    return [found.group() for part in spoken(page) for found in pattern.finditer(part)]


@each_page
def test_words_are_those_of_the_field(text):
    assert found_in(ODD, text.read_text(encoding="utf-8")) == []


HYPHEN = re.compile(r"(?<![\w`./§:-])-\d|\b[A-Z]{4,}(?:\})? - |\} - \{|\w - [A-Za-z(]")


@each_page
def test_a_minus_is_a_minus_sign(text):
    assert found_in(HYPHEN, text.read_text(encoding="utf-8")) == []


def folded(cell):
    return bool(
        {"hide-input", "hide-cell", "remove-input", "remove-cell"} & set(cell.metadata.get("tags", []))
    )


TEACHES = re.compile(
    r"\b(decompose|simulate|audit|plan_study|TaskFamily|StrategyFamily|GRPOConfig|reward_functions?|"
    r"[a-z]+_rewards?|CoinFlips?|rlvr|read_logs?|vote_labels|power|rescore|permutations|gate\w*)\b|^!|%%"
)


@each_chapter
def test_code_is_folded_unless_it_teaches(text):
    seen = [cell.source for cell in code_cells(text) if not folded(cell)]
    assert len(seen) <= MOST_SHOWN, len(seen)
    assert [source for source in seen if not TEACHES.search(source)] == []
    assert [
        source for source in seen if re.search(r"^\s*assert |# noqa|page_table\(|plt\.", source, re.M)
    ] == []


@each_chapter
def test_checks_stand_in_one_folded_cell(text):
    checking = [
        cell for cell in code_cells(text)
        if re.search(r"^\s*assert ", cell.source, re.M) and "remove-cell" not in cell.metadata.get("tags", [])
    ]  # fmt: skip
    assert len(checking) <= 1
    assert all("hide-cell" in cell.metadata.tags for cell in checking)


def tables(text):
    """The names of a page's numbered tables."""
    page = text.read_text(encoding="utf-8")
    named = re.findall(r"^:name: (tab-[\w-]+)", page, re.M)
    if text.with_suffix(".ipynb").is_file():
        named += [
            found
            for cell in code_cells(text)
            for output in cell.outputs
            for found in re.findall(
                r"^:name: (tab-[\w-]+)", "".join(output.get("data", {}).get("text/markdown", "")), re.M
            )
        ]
    return sorted(set(named))


def test_the_book_has_few_tables():
    listed = [name for text in PAGES for name in tables(text)]
    assert len(listed) <= MOST_TABLES, (len(listed), listed)


@each_chapter
def test_a_chapter_has_a_picture(text):
    pictures = [
        output for cell in stored(text).cells for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]  # fmt: skip
    assert pictures


def test_the_guards_of_a_reader_s_page_can_fail():
    box = ":::{{admonition}} In one minute\n:class: tip\n{}\n:::"
    sound = "\n\n".join(f"**{part}.** Words." for part in PARTS)
    assert box_faults(box.format(sound)) == []
    assert len(box_faults(box.format("**Answer.** It (so) is 0.0312. " + "word " * 60))) == 4
    assert found_in(ODD, "What TRUE buys is a heap, in print.\n") == ["buys", "heap", "in print"]
    captioned = (
        '```{code-cell} ipython3\npage_table(r, caption="What it "\n    "buys of \\"x\\".", name="t")\n```'
    )
    assert found_in(ODD, captioned) == ["buys"]
    assert found_in(HYPHEN, "It is -3 and MAJORITY - RANDOM, a one-sided 2026-11-30.") == [
        "-3",
        "MAJORITY - ",
    ]


KNOWN = sorted({*ARM_COLOURS.values(), *TERM_COLOURS.values(), *NEUTRAL_COLOURS})


def is_known(colour):
    """Whether a colour is a grey, or a shade of an arm, a term or a neutral hue."""
    red_green_blue = to_rgb(colour)
    if max(red_green_blue) - min(red_green_blue) < 0.06:
        return True
    hues = (colorsys.rgb_to_hls(*to_rgb(each))[0] for each in KNOWN if len(set(to_rgb(each))) > 1)
    apart = [abs(hue - colorsys.rgb_to_hls(*red_green_blue)[0]) for hue in hues]
    return min(min(far, 1 - far) for far in apart) < 0.02


def figure_numbers(text):
    """Name and numbers of each figure of a page."""
    for cell in code_cells(text):
        for output in cell.outputs:
            if "text/csv" in output.get("data", {}):
                yield cell.metadata.mystnb.figure.name, csv.DictReader(io.StringIO(output.data["text/csv"]))


@each_chapter
def test_figures_have_the_colours_of_arms_terms_and_neutral_hues_alone(text):
    drawn = {name: {row["colour"] for row in rows} - {""} for name, rows in figure_numbers(text)}
    unknown = {name: [each for each in colours if not is_known(each)] for name, colours in drawn.items()}
    assert {name: colours for name, colours in unknown.items() if colours} == {}


def test_a_borrowed_colour_is_noticed():
    assert is_known(TERM_COLOURS["null"]) and is_known("#c8c8c8") and is_known(NEUTRAL_COLOURS[1])
    assert not is_known("#D55E00") and not is_known("red") and not is_known("#F0E442")


def long_points(page, text):
    """Quoted numbers before the word "points" with a third decimal, unless a hundredth would show nothing."""
    before = re.findall(r"(\{glue:text\}`[^`]+`(?: or \{glue:text\}`[^`]+`)?) points\b", page)
    return [
        each
        for part in before
        for each in quoted_in(part, text)
        if any(float(number) >= 0.01 for number in re.findall(r"\d+\.\d{3,}", each[1]))
    ]


@pytest.mark.parametrize(
    "text", [text for text in PAGES if text.with_suffix(".ipynb").is_file()], ids=lambda path: path.stem
)
def test_points_have_a_decimal_or_two(text):
    assert long_points(text.read_text(encoding="utf-8"), text) == []


def test_a_point_with_too_many_digits_is_noticed(monkeypatch):
    own = {"long": "+0.1234 [0.1, 0.2]", "short": "+12.3", "tiny": "0.006"}
    monkeypatch.setitem(globals(), "quotes", {"01-x": own, "02-y": {"long": "7.1234"}}.get)
    quoted = ("`long` points", "`short` or {glue:text}`02-y.ipynb::long:s` points", "`tiny` points", "`long`")
    page = ", ".join("{glue:text}" + each for each in quoted)
    assert long_points(page, Path("01-x.md")) == [("long", own["long"]), ("02-y.ipynb::long", "7.1234")]
