"""The `lia-bench` command: one module a subcommand."""
