"""Numbers that a chapter's stored notebook quotes, by their name."""

from quoted import BOOK_DATA, CHAPTERS, DATA, NUMBER, quotes

__all__ = ["BOOK_DATA", "DATA", "estimate", "glued", "numbers", "quoted", "states"]


def glued(chapter):
    """Every text that the chapter of this number glues into its prose."""
    (path,) = CHAPTERS.glob(f"{chapter}-*.ipynb")
    return quotes(path.stem)


def numbers(chapter, name):
    """The numbers of a quoted text as fractions, not percent, and half a unit of their last digit."""
    text = glued(chapter)[name]
    words = NUMBER.findall(text.replace("−", "-"))
    scale = 100 if "%" in text else 1
    halves = [0.5 * 10.0 ** -len(word.partition(".")[2]) / scale for word in words]
    return [float(word.replace(",", "")) / scale for word in words], halves


def quoted(chapter, name):
    """The number first quoted and half a unit of its last digit."""
    values, halves = numbers(chapter, name)
    return values[0], halves[0]


def estimate(chapter, name, over=1.96):
    """A quoted value and its standard error, from the 95% interval quoted with it."""
    value, low, high = numbers(chapter, name)[0]
    assert low < value < high
    return value, (high - low) / 2 / over


def states(chapter, name, value, error=0.0):
    """Whether the chapter quotes this value, to its printed digits and `error` beyond them."""
    said, half = quoted(chapter, name)
    return abs(said - value) <= half * (1 + 1e-9) + error
