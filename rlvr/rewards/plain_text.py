r"""Normalise the spellings of numbers and texts: Unicode signs, LaTeX, and the forms of a number."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

__all__ = ["NUMBER", "joined", "number_value", "numbers_from_end", "plain", "tidy"]

_DASHES = dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2013\u207b\uff0d\ufe63\u2043"), "-")
_SPELLED = {
    "\u2014": "--", "\u2015": "--", "\u2044": "/", "\u2215": "/", "\u00d7": r"\times ", "\u00f7": r"\div ",
    "\u2264": r"\le ", "\u2265": r"\ge ", "\u2260": r"\ne ", "\u22c5": r"\cdot ",
    "\u00b7": r"\cdot ", "\u03c0": r"\pi ", "\u221a": r"\sqrt", "\u221e": r"\infty ", "\u00b0": r"^\circ ",
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u066b": ".", "\u066c": ",",
    "\u20ac": "$", "\u00a3": "$", "\u00a5": "$",
}  # fmt: skip
_SUPERSCRIPT = re.compile("[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e\u2189]")
_THIN = re.compile("(?<=[0-9])[\u00a0\u2007-\u200a\u202f](?=[0-9]{3}(?![0-9]))")


class _Spelling(dict[int, str]):
    """The replacement of each character, computed when the character first occurs."""

    def __missing__(self, code: int) -> str:
        self[code] = found = self._find(chr(code))
        return found

    @staticmethod
    def _find(sign: str) -> str:
        if sign.isascii():
            return sign
        if sign in _SPELLED:
            return _SPELLED[sign]
        digit = unicodedata.decimal(sign, None)
        if digit is not None:
            return str(digit)
        kind, whole = unicodedata.category(sign), unicodedata.normalize("NFKC", sign)
        if kind == "Cf":  # signs without width
            return ""
        if kind in ("Zs", "Zl", "Zp"):
            return " " if kind == "Zs" else "\n"
        return whole if 0xFF01 <= ord(sign) <= 0xFF5E else sign


_SPELLING = _Spelling(_DASHES)


@lru_cache(maxsize=1000)
def _compatible(signs: str) -> str:
    return unicodedata.normalize("NFKC", signs)


def _fraction(found: re.Match[str]) -> str:
    whole = _compatible(found[0]).replace("\u2044", "/")
    return f" {whole}" if found.string[max(found.start() - 1, 0) : found.start()].isdecimal() else whole


def plain(text: str) -> str:
    r"""Return the text with ASCII digits, signs, spaces and fractions.

    Examples
    --------
    >>> plain("−٥"), plain("3½"), plain("2.5×10⁻³")
    ('-5', '3 1/2', '2.5\\times 10^{-3}')
    """
    if text.isascii():
        return text
    text = _SUPERSCRIPT.sub(lambda found: f"^{{{_compatible(found[0])}}}", text)
    text = _VULGAR.sub(_fraction, text)
    return _THIN.sub("", text).translate(_SPELLING)


_FONT = re.compile(
    r"\\(?:text(?:bf|it|rm|tt|sf|normal)?|math(?:rm|bf|it|sf|tt|normal)|mbox|hbox|boxed|fbox|operatorname)"
    r"\s*\{([^{}]*)\}"
)
_UNIT = re.compile(
    r"(?<=[0-9.])\\?[ ~]*\\(?:text|textrm|mathrm|mbox)\s*\{(?![^}]*\b(?:[apAP]\.?[mM]\b|dozen|lakh"
    r"|crore|hundred|thousand|(?:m|b|tr)illion|or\b|and\b|to\b|more|less))[a-zA-Z ./%~]*\}"
    r"(?:\^\{?[0-9]\}?)?\s*+(?=\$?\s*$)"
)
_SPACING = re.compile(r"\\(?:[!;:]|quad|qquad|left(?![a-z])|right(?![a-z])|displaystyle)|\\(?= )")
_RELATION = re.compile(r"\\([gln]e)q(?:slant)?(?![a-z])")
_THOUSANDS = re.compile(r"(?<=[0-9])(?:\\[,! ]|\\thinspace|~)(?=[0-9]{3}(?![0-9]))")
_DEGREE = re.compile(r"\^\s*+\{?\s*+\\circ\s*+\}?")
_ONE_SIGN = r"(?:[0-9a-zA-Z]|\{(?:[^{}]|\{[^{}]*\})*\})"
_FRACTION = re.compile(rf"\\[dtc]?frac\s*({_ONE_SIGN})\s*({_ONE_SIGN})")
_ROOT = re.compile(r"\\sqrt\s*([0-9a-zA-Z])")
_SIMPLE = re.compile(r"\s*[-+]?[0-9][0-9,]*(?:\.[0-9]+)?\s*|\s*[-+]?\.[0-9]+\s*")


def tidy(text: str) -> str:
    r"""Return a text without LaTeX's spacing and fonts, and with a slash in fractions of two numbers.

    Examples
    --------
    >>> tidy(r"3\frac12"), tidy(r"1{,}000"), tidy(r"\text{C}"), tidy(r"\dfrac{\sqrt3}{2}")
    ('3 1/2', '1,000', 'C', '\\frac{\\sqrt{3}}{2}')
    """
    if "\\" not in text and "{,}" not in text:
        return text
    text = _THOUSANDS.sub("", text.replace("{,}", ","))
    text = text.replace(r"\,", " ").replace(r"\$", "$").replace(r"\%", "%")
    text = _DEGREE.sub(" ", _ROOT.sub(r"\\sqrt{\1}", _SPACING.sub("", text)))
    text = _UNIT.sub("", _RELATION.sub(r"\\\1", text))
    for _ in range(3):
        text, n_found = _FONT.subn(r"\1", text)
        if not n_found:
            break
    return _FRACTION.sub(_stroke, text).replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac")


def _stroke(found: re.Match[str]) -> str:
    above, below = (part[1:-1] if part[0] == "{" else part for part in found.groups())
    if not (_SIMPLE.fullmatch(above) and _SIMPLE.fullmatch(below)):
        return rf"\frac{{{above}}}{{{below}}}"
    follows_number = found.string[max(found.start() - 1, 0) : found.start()].isdigit()
    return f"{' ' if follows_number else ''}{above.strip()}/{below.strip()}"


_SPACED = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:[ ][0-9]{3}){0,4}[ ]000(?![0-9])")

_APOSTROPHES = re.compile(r"(?<=[0-9])'(?=[0-9]{3}(?![0-9]))")


def joined(text: str) -> str:
    """Return the text with thousands such as 10 000 and 10'000 joined."""
    text = _APOSTROPHES.sub("", text) if "'" in text else text
    return _SPACED.sub(lambda found: found[0].replace(" ", ""), text) if " 000" in text else text


_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SCALED = "|".join(_SCALES)
_DIGITS = r"[0-9]++(?:[.,:][0-9]++)*+"
_TEN = r"[ ]{0,2}(?:\\times|\\cdot|[x*])[ ]{0,2}10[ ]?\^[ ]?\{?[-+]?[0-9]++\}?"
NUMBER = re.compile(
    r"(?P<sign>[-+]?[ ]?)\$?(?P<size>[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])"
    rf"|(?:[0-9]++[ ][0-9]++/[0-9]++(?![0-9/.,:])"
    rf"|(?:{_DIGITS}|(?<![0-9a-zA-Z.])\.[0-9]++)"
    rf"(?:[eE][-+]?[0-9]++(?![0-9a-zA-Z])|{_TEN}|\^\{{?[-+]?[0-9]++\}}?)?"
    rf"(?:[ ]?/[ ]?-?{_DIGITS})*)(?:[ ](?:{_SCALED}|dozens?)\b|[ ]out[ ]of[ ]{_DIGITS})?)",
    re.IGNORECASE,
)
"""A number in a running text, with its sign in the group ``sign`` and the rest in ``size``."""

_APART = 16  # so many characters without a digit separate numbers; one has at most ten inside, nine after
_LAST_DIGIT = re.compile(r".*[0-9]", re.DOTALL)
_GAP = re.compile(rf".*[^0-9]{{{_APART}}}", re.DOTALL)


def numbers_from_end(text: str, most: int) -> Iterator[re.Match[str]]:
    """Yield up to `most` matches of :data:`NUMBER` from the end of a text, searching only around digits.

    Examples
    --------
    >>> [number["size"] for number in numbers_from_end("of 12 or 1.5e3, and in many other places 7 cm", 9)]
    ['7', '1.5e3', '12']
    """
    end = len(text)
    while most > 0 and (found_digit := _LAST_DIGIT.match(text, 0, end)):
        last = found_digit.end() - 1
        size = 8 * _APART
        while (gap := _GAP.match(text, max(last - size, 0), last)) is None and size < last:
            size *= 4
        start = gap.end() if gap else 0
        stretch = NUMBER.finditer(text, max(start - _APART // 2, 0), last + _APART)
        found = deque(stretch, maxlen=most)
        yield from reversed(found)
        most -= len(found)
        end = start


_REAL = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]{1,300})(?:\.[0-9]{0,300})?|\.[0-9]{1,300}"
_WHOLE = re.compile(
    r"(?P<sign>[-+]?)\s*\$?\s*(?:(?P<units>[0-9]{1,300})\s+(?P<part>[0-9]{1,300})\s*/\s*"
    r"(?P<of>[0-9]{1,300})"
    rf"|(?P<above>{_REAL})\s*/\s*(?P<below>-?(?:{_REAL}))"
    rf"|(?P<base>{_REAL})(?:[eE](?P<e>[-+]?[0-9]{{1,3}})"
    r"|\s*(?:\\times|\\cdot|[x*])\s*10\s*\^\s*\{?\s*(?P<ten>[-+]?[0-9]{1,3})\s*\}?"
    r"|\s*\^\s*\{?\s*(?P<power>[-+]?[0-9]{1,3})\s*\}?)?)\s*%?\.?"
)
_NAMED = re.compile(r"\\?[a-zA-Z]+(?:_\{?\w+\}?)?\s*=\s*([^=]*)")
# A known short unit, or words of at least four letters with a vowel; 2xy is not a number with a unit.
_WORD = r"(?=[a-zA-Z]*[aeiouy])[a-zA-Z]{4,}+"
_UNITS = re.compile(
    r"(.*[0-9.])(?:\s*+-?\s*+(?:[cmk]m|[mk]g|ml|cl|km/h|mph|ft|yds?|lbs?|oz|hrs?|mins?|secs?|cents?|cups?)"
    rf"|(?:\s++|-){_WORD}(?:\s(?:[a-zA-Z]{{2,3}}\s)?{_WORD})?)\.?"
)
_SCALED_NUMBER = re.compile(rf"(.*[0-9.])\s+({_SCALED})", re.IGNORECASE)
_NO_UNIT = re.compile(
    r"\b(?:dozens?|lakhs?|crores?|am|pm|or|and|to|mod|over|plus|minus|times|pi|sqrt"
    r"|sin|cos|tan|log|ln|exp|base|e[0-9].*"
    r"|alpha|beta|gamma|delta|theta|lambda|sigma|omega|infinity)\b",
    re.IGNORECASE,
)
_MOST_DIGITS = 300
_LONGEST = 1000  # characters of a number with its unit


def number_value(text: str) -> Fraction | None:
    r"""Return the value of a text that is wholly a number, else None.

    A part has at most 300 digits and an exponent is at most 300. Longer texts do not count as numbers, so
    that no answer can stall the trainer.

    Examples
    --------
    >>> number_value("3 1/2"), number_value(r"-\frac12"), number_value("5 cm"), number_value("1/0")
    (Fraction(7, 2), Fraction(-1, 2), Fraction(5, 1), None)
    """
    short = joined(tidy(plain(text))).strip(" \t\n$*`\"'")
    if len(short) > _LONGEST:
        return None
    short = short.removeprefix(r"\(").removesuffix(r"\)").strip()
    named = _NAMED.fullmatch(short)
    short = named[1].strip(" $") if named else short
    if short[:1] + short[-1:] in ("()", "{}") and not ("," in short and short[0] == "("):
        short = short[1:-1].strip()
    scaled = _SCALED_NUMBER.fullmatch(short)
    if scaled:
        found = _WHOLE.fullmatch(scaled[1])
        value = _value(found) if found else None
        return None if value is None else value * 10 ** _SCALES[scaled[2].lower()]
    found = _WHOLE.fullmatch(short)
    if found is None:
        unit = _UNITS.fullmatch(short)
        if unit is None or _NO_UNIT.search(short):
            return None
        found = _WHOLE.fullmatch(unit[1])
    return _value(found) if found else None


def _value(found: re.Match[str]) -> Fraction | None:
    if found["units"] is not None:
        if not int(found["of"]) or int(found["part"]) >= int(found["of"]):
            return None
        size = int(found["units"]) + Fraction(int(found["part"]), int(found["of"]))
    elif found["above"] is not None:
        below = _decimal(found["below"])
        if not below:
            return None
        size = _decimal(found["above"]) / below
    else:
        size, exponent = _decimal(found["base"]), int(found["e"] or found["ten"] or 0)
        if abs(exponent) > _MOST_DIGITS:
            return None
        size *= Fraction(10) ** exponent
        if found["power"]:
            power = int(found["power"])
            if (size == 0 and power < 0) or len(found["base"]) * abs(power) > 2 * _MOST_DIGITS:
                return None
            size = size**power
    return -size if found["sign"] == "-" else size


def _decimal(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))
