"""Evaluation logs in, one table of answered items out.

What it is for: a reader a format (`formats`), and paths, folders and the matching of items (`runs`).
It may import the common ground; the audit stands on it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"formats": ["LogError"], "runs": ["read_logs"]}
)
