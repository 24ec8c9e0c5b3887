"""Read evaluation logs into one table of answered items.

What it is for: `formats` has one reader per log format; `runs` reads paths and folders and matches items.
It may import the common ground. The audit imports this wing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"formats": ["LogError"], "runs": ["read_logs"]}
)
