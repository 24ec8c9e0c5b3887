"""Docstrings as the book's pages on the core show them: formulas line by line, no word lost or mislaid.

And every parameter and field in its own place: those that a docstring lists are those of the signature.
"""

import ast
import inspect
import re
from pathlib import Path

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from sphinx.ext.napoleon import Config, NumpyDocstring

ROOT = Path(__file__).parent.parent
CORE_PAGES = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "chapters").glob("core-*.md"))
MODULES = sorted((ROOT / "rlvr").rglob("*.py"))
SECTION = r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\S[^\n]*\n---|\Z)"
ROLE = r":(func|class|mod|data|attr|meth):(?=`)"  # Sphinx's own, of which docutils knows nothing
QUIET = {"report_level": 5, "halt_level": 5, "file_insertion_enabled": False}

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def is_string(node):
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)


def named(node, name):
    return any(getattr(part, "id", getattr(part, "attr", "")) == name for part in node)


def docstrings(tree, inside=""):
    """Every docstring below a node, as (name, what it documents, text)."""
    kind = {ast.Module: "module", ast.ClassDef: "class"}.get(type(tree), "function")
    if kind == "function" and named(tree.decorator_list, "property"):
        kind = "property"
    text = ast.get_docstring(tree)
    name = ".".join(filter(None, (inside, getattr(tree, "name", ""))))
    if text:
        yield name or "module", kind, text
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from docstrings(node, name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and is_string(after):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield f"{name}.{target.id}".lstrip("."), "attribute", inspect.cleandoc(after.value.value)


def undocumented_fields(tree):
    """Fields of a module's named tuples that no docstring follows."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and named(node.bases, "NamedTuple") and node.name[0] != "_":
            for field, after in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and not is_string(after):
                    yield f"{node.name}.{field.target.id}: a field of a named tuple without a docstring"


def listed(text):
    """Names in a docstring's sections on parameters and fields, in order; None where it has no section."""
    sections = re.findall(SECTION, text, re.M | re.S)
    heads = re.findall(r"^(?=\S)(.+?)(?: : .*)?$", "\n".join(sections), re.M)
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")] if sections else None


def taken(function, *, bound):
    """Names of a function's parameters in the order of its signature, without a method's own object."""
    given = function.args
    positional = [*given.posonlyargs, *given.args][bound:]
    return [each.arg for each in [*positional, given.vararg, *given.kwonlyargs, given.kwarg] if each]


def held(owner):
    """A class's fields or its parameters, in order; and its properties and other attributes."""
    methods = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
    making = next((method for method in methods if method.name == "__init__"), None)
    fields = [node.target.id for node in owner.body if isinstance(node, ast.AnnAssign)]
    stored = [node.attr for node in ast.walk(owner) if isinstance(node, ast.Attribute)]
    others = [method.name for method in methods if named(method.decorator_list, "property")]
    return taken(making, bound=1) if making else fields, {*others, *(stored if making else ())}


def mislisted(tree, *, on_page, inside=""):
    """Docstrings whose lists are not those of the signature; off the page they may leave names out."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name[0] == "_":
            continue
        name, names = f"{inside}{node.name}", listed(ast.get_docstring(node) or "")
        if isinstance(node, ast.ClassDef):
            expected, others = held(node)
            yield from mislisted(node, on_page=on_page, inside=f"{name}.")
        else:
            bound = bool(inside) and not named(node.decorator_list, "staticmethod")
            expected, others = taken(node, bound=bound), set()
        if names is None:
            continue
        known = [each for each in names if each in expected or each not in others]
        wanted = [each for each in expected if on_page or each in names]
        if known != wanted:
            yield f"{name}: lists {', '.join(known)} but takes {', '.join(wanted)}"


def misread(text, kind):
    """What a page makes of a docstring that its writer did not mean, in words."""
    settings = Config(napoleon_use_ivar=True)
    shown = NumpyDocstring(re.sub(ROLE, "", text), settings, what=kind, name="any").lines()
    if kind in ("attribute", "property") and any(line.startswith(":type:") for line in shown):
        yield "the words before the first colon are taken for a type"
    tree = publish_doctree("\n".join(shown), settings_overrides=QUIET)
    for quote in tree.findall(nodes.block_quote):
        yield f"a block without :: before it runs together: {quote.astext()[:50]!r}"
    for term in tree.findall(nodes.definition_list):
        yield f"an indented line right below another makes it a term: {term.astext()[:50]!r}"
    for link in tree.findall(nodes.reference):
        if link.get("refuri", "").startswith("mailto:"):
            yield f"{link.astext()} becomes a mail address"
    for part in tree.findall(nodes.problematic):
        yield f"markup that leads nowhere: {part.astext()[:50]!r}"


def faults(source, *, on_page=True):
    tree = ast.parse(source)
    found = [f"{name}: {fault}" for name, kind, text in docstrings(tree) for fault in misread(text, kind)]
    found += mislisted(tree, on_page=on_page)
    return found + (list(undocumented_fields(tree)) if on_page else [])


@each_module
def test_docstrings_are_shown_as_they_were_meant(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    on_page = f":: {module}\n" in CORE_PAGES
    assert faults(path.read_text(encoding="utf-8"), on_page=on_page) == []


def lists(*heads):
    """A function whose docstring has these heads."""
    lines = ["A title.", "", "Parameters", "----------", *heads, "", "Returns", "-------", "int"]
    return "\n    ".join(['def f(a, *, b=1, **more):\n    """', *lines, '"""'])


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (
            '"""A title.\n\n    a = b\n    c = d\n\nEnd."""',
            ["module: a block without :: before it runs together: 'a = b\\nc = d'"],
        ),
        (
            'def f():\n    """A title.\n\n    A word\n        a = b\n    """',
            ["f: an indented line right below another makes it a term: 'A word\\n\\na = b'"],
        ),
        ('class A:\n    """Limit maj@infinity."""', ["A: maj@infinity becomes a mail address"]),
        ('"""A share |x of y| in all."""', ["module: markup that leads nowhere: '|x of y|'"]),
        ('A = 1\n"""Most: of all."""', ["A: the words before the first colon are taken for a type"]),
        (
            'class A:\n    @property\n    def b(self):\n        """Most: of all."""',
            ["A.b: the words before the first colon are taken for a type"],
        ),
        (
            'class A(NamedTuple):\n    b: int\n    """B."""\n    c: int',
            ["A.c: a field of a named tuple without a docstring"],
        ),
        (lists("a : int", "c : int"), ["f: lists a, c but takes a, b, more"]),
        (lists("b, a : int", "**more"), ["f: lists b, a, more but takes a, b, more"]),
        (lists("a, b : int", "a : int", "**more"), ["f: lists a, b, a, more but takes a, b, more"]),
        (
            'class A:\n    """A.\n\n    Attributes\n    ----------\n    c : int\n    d : int\n    """\n'
            "    b: int\n    c: int\n\n    @property\n    def d(self): ...",
            ["A: lists c but takes b, c"],
        ),
        (
            'class A:\n    """A.\n\n    Parameters\n    ----------\n    b : int\n    """\n'
            "    def __init__(self, a): ...",
            ["A: lists b but takes a"],
        ),
    ],
)
def test_the_guard_can_fail(source, found):
    assert faults(source) == found


def test_the_guard_lets_pass_what_is_well_written():
    honest = [
        '"""A title: and more.\n\nA formula::\n\n    a = b\n\n- ``maj@infinity``\n- :func:`f`, b = 1\n"""',
        'def f(a):\n    """A title.\n\n    Parameters\n    ----------\n    a : int\n        1: 2.\n    """',
        'A = {}\n"""The ``a: b`` of all."""',
        lists("a : int", "    What it is, or not.", "b : int", "**more"),
        "class A(NamedTuple):\n    b: int\n    c: int = 1",
    ]
    assert [faults(source, on_page=False) for source in honest] == [[]] * len(honest)
    assert faults(lists("a : int", "**more"), on_page=False) == []  # what no page shows may be brief
