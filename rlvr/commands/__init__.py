"""The options and the output of the `rlvr` command, without arithmetic.

What it is for: options, error messages in one line, tables on a terminal.
It may import every wing, each inside the command that needs it, so that `rlvr --help` is fast.
Only the console script imports it.
"""

import sys

try:
    import typer  # noqa: F401
except ModuleNotFoundError:  # installed without dependencies, for the rewards
    sys.stderr.write("rlvr: the command needs its libraries, which --no-deps left out: pip install rlvr\n")
    sys.exit(2)
