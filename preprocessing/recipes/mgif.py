"""MGif: cartoon animals that move, as Monkey-Net's authors collected them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.options import preparation_options
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="mgif",
    summary="MGif: animated cartoon animals, whole pictures",
    source="moving-gif of github.com/AliaksandrSiarohin/monkey-net, collected from the web (no licence stated)",
    command="lia_bench.preprocessing.recipes.mgif:command",
)


@click.command()
@click.option(
    "--footage",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder moving-gif with train/ and test/, full of .gif files.",
)
@preparation_options("mgif")
def command(options: "PreparationOptions", footage: Path) -> None:
    """Bring the animations of MGif to one size; every one becomes a clip.

    \b
    Example:
      lia-bench preprocess mgif --footage moving-gif
    """
    from lia_bench.preprocessing.layouts import find_parts
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.whole_clips import plan_whole_clips

    plan = plan_whole_clips(find_parts(footage, {".gif"}))
    report(prepare_from_search(plan, options, "mgif", {"footage": footage}))
