"""Modules that the book needs and the package does not: the literature's tables, analyses, page helpers."""
