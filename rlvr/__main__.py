"""`python -m rlvr` is the `rlvr` command."""

from rlvr.commands.command_line import main

if __name__ == "__main__":
    main()
