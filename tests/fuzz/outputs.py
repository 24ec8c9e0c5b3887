"""Hostile names in tables, logs and paths: every output of `rlvr audit` shows them as text.

Run ``python -m tests.fuzz.outputs --cases 100000``. The outputs are judged by readers of their own: Python's
parsers of HTML, XML and JSON, and markdown-it with its links for bare addresses where it is installed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from tests.fuzz.tables import ARMS
from tests.fuzz.trying import NASTY, call, command_line, fault_of

SENT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no terminal, page or viewer should get: everything there but the line feed."""

_PIECES = (
    "s", "ab", " ", "*", "_", "~~", "#", ">", "- ", "1. ", "<!--", "</td>", "<svg/onload=MARK()>",
    "&lt;b&gt;", "&#106;avascript:", "![a](http://x.y/z)", "<javascript:MARK()>", "https://x.y", "www.x.y",
    "a@b.cd", "]: x", "<script>MARK()</script>", "](", "\\|", "||", "\\](x)", "$$", "^_{", "\u2066", "\u200f",
    "\x1b[2J", "\x85", "|---|---|", "```", ":::", "{note}", "=HYPERLINK(1)", "@SUM(1)", "\u2029",
    "\U000e0041", "\ufffe",
)  # fmt: skip


_OWN = re.compile(r"#(cell-\d+|axis)")  # the links of the page itself


class _Page(HTMLParser):
    """The tags of a page, with what could act."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.acting: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (name in ("href", "src") and not _OWN.fullmatch(value or "")):
                self.acting.append(f"{tag} {name}={value}")


def name(random: np.random.Generator) -> str:
    """A name of a few pieces, of which some would act somewhere."""
    pieces = [
        str(each) for each in random.choice(np.array(_PIECES + NASTY, dtype=object), random.integers(1, 5))
    ]
    return "".join(piece[:300] for piece in pieces).replace("\0", "") + "z"


def case(random: np.random.Generator, folder: Path) -> tuple[str, float, str]:
    """One table with hostile names, or a log, audited into one output."""
    names = [name(random) for _ in range(4)]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["study", "model", "benchmark", "setup", "arm", "accuracy", "n_items", "note", "source", "flag"]
    )
    for cell in ("", "2"):
        for arm, at in zip(ARMS, (0.25, 0.5, 0.75, 0.9), strict=True):
            writer.writerow([names[0] + cell, *names[1:], arm, at, 500, *names[:2], names[2]])
    raw = text.getvalue().encode("utf-8", "surrogatepass")
    stem = re.sub("[/\0]", "", name(random))[:40]
    path = os.path.join(os.fsencode(folder), stem.encode("utf-8", "surrogatepass") + b"\xff.csv")
    Path(os.fsdecode(path)).write_bytes(raw)
    kind = str(random.choice(["terminal", "markdown", "html", "json", "svg"], p=[0.3, 0.3, 0.2, 0.15, 0.05]))
    out = str(folder / f"out.{kind}")
    options = {"terminal": [], "markdown": ["--markdown"], "json": ["--json", "-"]}
    options |= {"html": ["--report", out], "svg": ["--figure", out]}
    arguments = [os.fsdecode(path), *options[kind]]
    result, seconds = call(["audit", *arguments])
    where = f" <- {kind}: {names!r} {path!r}"
    if fault := fault_of(result):
        return "traceback", seconds, fault + where
    assert result is not None
    if problem := SENT.search(result.stderr.rstrip("\n")):
        return "wrong", seconds, f"standard error sends {problem[0]!r}" + where
    if result.exit_code:
        return "refused", seconds, ""
    shown = Path(out).read_text("utf-8", errors="surrogatepass") if kind in ("html", "svg") else result.stdout
    try:
        problem = judge(kind, shown, names)
    except (ValueError, ArithmeticError, SyntaxError) as error:  # of the parsers
        problem = f"no {kind}: {error}"
    return ("wrong", seconds, problem + where) if problem else ("read", seconds, "")


def judge(kind: str, shown: str, names: list[str]) -> str:
    """What an output shows as anything but text."""
    if kind == "json":
        cells = json.loads(shown, parse_constant=lambda constant: 1 / 0)["cells"]
        kept = [cells[0][key] for key in ("study", "model", "benchmark", "setup")]
        return (
            "" if kept == [name.strip() for name in names] or any(map(_has_halves, names)) else "another name"
        )
    if found := SENT.search(shown):
        return f"sends {found[0]!r}"
    if kind == "svg":
        ElementTree.fromstring(shown)
    if kind == "html":
        page = _Page(shown)
        if page.acting or page.tags.count("article") != 2 or {*page.tags} & {"script", "img", "iframe", "b1"}:
            return f"acts: {page.acting}"
    return _judge_markdown(shown) if kind == "markdown" else ""


def _has_halves(text: str) -> bool:
    return bool(re.search("[\ud800-\udfff]", text))


def _judge_markdown(shown: str) -> str:
    """Two rows of ten cells, and nothing else than text in them."""
    if len(re.findall(r"^\|", shown, re.MULTILINE)) != 4:
        return "a torn row"
    try:
        from markdown_it import MarkdownIt

        reader = MarkdownIt("gfm-like", {"html": True})
    except ImportError:
        return "a tag" if re.search(r"<\w", shown) else ""
    tokens = reader.parse(shown)
    if sum(token.type == "td_open" for token in tokens) != 20:
        return "another number of cells"
    inner = {child.type for token in tokens for child in token.children or ()}
    kinds = {token.type.rsplit("_", 1)[0] for token in tokens}
    plain = {"text", "text_special", "table", "thead", "tbody", "tr", "th", "td", "paragraph", "inline"}
    extra = sorted((inner | kinds) - plain)
    return f"shows {extra}" if extra else ""


if __name__ == "__main__":
    sys.exit(command_line(case))
