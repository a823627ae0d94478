"""`python -m lia_bench`: the command line where the script is not on the search path."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is loaded is one line, too."""
    try:
        from lia_bench.cli.main import main as command_line
    except KeyboardInterrupt:
        print("interrupted: nothing was begun", file=sys.stderr)
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
