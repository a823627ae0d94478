"""`lia-bench train`: a model learns a prepared dataset."""

from pathlib import Path
from typing import Literal

import click

from lia_bench.core.number_types import POOL
from lia_bench.preprocessing.options import parse_shard


@click.command()
@click.argument("model")
@click.option("--dataset", help="Prepared dataset by name, or a folder of clips [default: the configuration's].")
@click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Where prepared datasets lie.",
)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs are written."
)
@click.option("--name", help="Name of the run, in RUNS/MODEL/ [default: <variant>-<dataset>].")
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of settings, over the variant's.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One setting, over all others; repeatable.")
@click.option(
    "--sweep",
    "axes",
    multiple=True,
    metavar="KEY=V1,V2,...",
    help="One run for each value of a setting; repeatable, for every combination.",
)
@click.option(
    "--shard",
    callback=parse_shard,
    metavar="N/COUNT",
    help="Train this share of a sweep's runs, as 2/5 in an array job.",
)
@click.option(
    "--from",
    "donor",
    metavar="CHECKPOINT",
    help="Begin with these weights: a run, a checkpoint of it, the authors' file, or one by name, as fomm:vox-256.",
)
@click.option("--from-all", "donor_of_all", metavar="CHECKPOINT", help="Its discriminator and optimisers, too.")
@click.option("--resume", is_flag=True, help="Go on with the run of --name, or the newest, by its settings.")
@click.option("--devices", type=POOL, default=1, show_default=True, help="Devices of each node.")
@click.option("--nodes", type=POOL, default=1, show_default=True, help="Machines.")
@click.option("--accelerator", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["32-true", "bf16-mixed"]), default="32-true", show_default=True)
@click.option("--compile", "compiled", is_flag=True, help="Run the networks as torch.compile makes them.")
@click.option("--channels-last", is_flag=True, help="Keep the channels of a pixel side by side in memory.")
@click.option(
    "--checkpoint-activations", is_flag=True, help="Compute blocks again for their gradients: slower, far less memory."
)
@click.option(
    "--shard-optimisers", is_flag=True, help="Share the optimisers' states out among the devices, to save memory."
)
def command(
    model: str,
    dataset: str | None,
    data_folder: Path,
    runs: Path,
    name: str | None,
    config: Path | None,
    settings: tuple[str, ...],
    axes: tuple[str, ...],
    shard: tuple[int, int] | None,
    donor: str | None,
    donor_of_all: str | None,
    resume: bool,
    devices: int,
    nodes: int,
    accelerator: Literal["auto", "cpu", "cuda"],
    precision: Literal["32-true", "bf16-mixed"],
    compiled: bool,
    channels_last: bool,
    checkpoint_activations: bool,
    shard_optimisers: bool,
) -> None:
    """Train MODEL, written name or name:variant, on a prepared dataset.

    The run folder RUNS/MODEL/NAME holds the resolved configuration, losses (metrics.csv, TensorBoard), sample
    pictures, and the last and the best checkpoint. The same command again goes on where the run stopped.
    Several devices train together by the same command; torchrun and SLURM may start the processes instead.
    With --sweep the runs are trained one after the other, each in RUNS/MODEL/NAME+KEY=VALUE; the same command again
    skips what is finished, and tries again what failed.

    \b
    Examples:
      lia-bench train lia:demo-64 --dataset sample
      lia-bench train lia:vox-256 --devices 8 --precision bf16-mixed
      lia-bench train lia --sweep motion.directions=5,10,20,40,100
      lia-bench train fomm:vox-adv-256 --from fomm:vox-256
      lia-bench train lia --resume
    """
    from lia_bench.core.configuration import parse_settings, read_yaml
    from lia_bench.core.errors import InputError
    from lia_bench.models.reference import ModelReference
    from lia_bench.models.training.hardware import Hardware
    from lia_bench.models.training.planned_run import TrainingRequest
    from lia_bench.models.training.trainer import train

    if donor and donor_of_all:
        raise InputError("give --from or --from-all, not both")
    chosen = donor or donor_of_all
    start = {"start": {"checkpoint": chosen, "everything": bool(donor_of_all)}} if chosen else {}
    reference = ModelReference.of_training(model)
    request = TrainingRequest(
        model=reference.name,
        variant=reference.variant,
        layers=(read_yaml(config) if config else {}, start, parse_settings(settings)),
        dataset=dataset,
        data_folder=data_folder,
        runs=runs,
        name=name,
        resume=resume,
        hardware=Hardware(
            accelerator, devices, nodes, precision, compiled, channels_last, checkpoint_activations, shard_optimisers
        ),
    )
    if not axes:
        if shard:
            raise InputError("--shard shares out the runs of a --sweep: give both, or neither")
        train(request, say=click.echo)
        return

    from lia_bench.cli.train_sweep import repeated_words, train_sweep
    from lia_bench.models.training.sweep import Axis, plan_sweep

    sweep = plan_sweep(request, [Axis.parse(text) for text in axes])
    words = repeated_words(click.get_current_context(), without={"axes", "shard", "name"})
    train_sweep(sweep, shard or (1, 1), words)
