"""What the `rlvr` command says and takes; no arithmetic.

What it is for: options, refusals in one line, tables on a terminal.
It may import every wing, each inside the command that needs it, so that `rlvr --help` stays quick.
Nothing imports it but the console script.
"""
