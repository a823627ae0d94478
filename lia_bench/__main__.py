"""`python -m lia_bench`: the command line where the script is not on the search path."""

from lia_bench.cli.main import main

if __name__ == "__main__":
    main()
