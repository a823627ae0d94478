"""`lia-bench preprocess`: footage to a prepared dataset, one subcommand a dataset."""

import click

from lia_bench.core.registry import load_attribute


class DatasetGroup(click.Group):
    """A group whose subcommands are the registered datasets; a recipe is imported when it is run."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The datasets by name."""
        from lia_bench.preprocessing.specification import DATASETS

        return list(DATASETS)

    def get_command(self, context: click.Context, name: str) -> click.Command:
        """The recipe of a dataset.

        Raises:
            UnknownNameError: no such dataset.
        """
        from lia_bench.preprocessing.specification import DATASETS

        command: click.Command = load_attribute(DATASETS[name].command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The datasets with their summaries, without importing one recipe."""
        from lia_bench.preprocessing.specification import DATASETS

        with formatter.section("Datasets"):
            formatter.write_dl([(name, specification.summary) for name, specification in DATASETS.items()])


@click.group(cls=DatasetGroup, subcommand_metavar="DATASET [OPTIONS]")
def command() -> None:
    """Prepare a dataset: footage in, verified clips of one size out.

    \b
    Examples:
      lia-bench preprocess sample
      lia-bench preprocess vox --footage videos --metadata vox-metadata.csv
      lia-bench preprocess vox --help
    """
