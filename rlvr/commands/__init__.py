"""What the `rlvr` command says and takes; no arithmetic.

What it is for: options, refusals in one line, tables on a terminal.
It may import every wing, each inside the command that needs it, so that `rlvr --help` stays quick.
Nothing imports it but the console script.
"""

import sys

try:
    import typer  # noqa: F401
except ModuleNotFoundError:  # installed without dependencies, for the rewards
    sys.stderr.write("rlvr: the command needs its libraries, which --no-deps left out: pip install rlvr\n")
    sys.exit(2)
