"""`lia-bench edit`: a picture or video moved along a model's controls."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.cli.options import crop_options
from lia_bench.core.names import counted, printable
from lia_bench.core.number_types import BATCH_SIZE, Real, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lia_bench.models.controls import Control

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("model")
@click.option("--image", type=PATH, help="Picture to edit.")
@click.option("--video", type=PATH, help="Video to edit, instead.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="CONTROL=AMOUNT",
    help="Move a control by an amount; repeatable, amounts of one control add up.",
)
@click.option("--sweep", metavar="CONTROL", help="Make a clip in which one control goes through its range and back.")
@click.option(
    "--range", "ends", type=Real(-1e6, 1e6), nargs=2, metavar="LOW HIGH", help="Of the sweep.  [default: the control's]"
)
@click.option(
    "--steps", type=count(1, 10_000), default=16, show_default=True, help="Of the sweep, from rest to either end."
)
@click.option("--list", "listed", is_flag=True, help="List the model's controls, and make nothing.")
@click.option(
    "--output",
    type=PATH,
    help="Result: of a picture .png, .jpg or .webp, of a video or sweep .mp4 or .gif.  [default: made of the names]",
)
@crop_options
@click.option("--paste-back", is_flag=True, help="Put the result back into the whole picture.")
@click.option("--device", help="cpu, cuda or cuda:N [default: the GPU where there is one].")
@click.option("--batch-size", type=BATCH_SIZE, default=8, show_default=True, help="Pictures at once.")
@click.option("--runs", type=PATH, default=Path("runs"), show_default=True, help="Folder of trained runs.")
def command(
    model: str,
    image: Path | None,
    video: Path | None,
    settings: tuple[str, ...],
    sweep: str | None,
    ends: tuple[float, float] | None,
    steps: int,
    listed: bool,
    output: Path | None,
    subject: str,
    no_crop: bool,
    paste_back: bool,
    device: str | None,
    batch_size: int,
    runs: Path,
) -> None:
    """Move a picture or video by hand: turn the head, open the mouth, or follow a motion direction.

    MODEL is name[:variant][@checkpoint] of a model with controls: lia, liax or liveportrait; without a checkpoint the
    newest run is taken. The face is found and cropped as training data is.

    \b
    Examples:
      lia-bench edit liax@lia-x.pt --list
      lia-bench edit liax@lia-x.pt --image portrait.jpg --set yaw=-0.3 --set smile=0.2
      lia-bench edit liveportrait --image portrait.jpg --sweep yaw --output turning.mp4
      lia-bench edit lia:vox-256@vox.pt --video talk.mp4 --set direction-07=1.5
    """
    from lia_bench.animation.edits import EditRequest, edit, editable_model
    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.models.controls import read_amounts

    def announce(line: str) -> None:
        click.echo(printable(line), err=True)

    keep_freed_memory()
    if listed:
        _print(editable_model(model, runs, device, announce).controls())
        return
    if (image is None) == (video is None):
        raise click.UsageError("name one --image or one --video to edit, not both; --list shows the controls")
    if sweep is None and not settings:
        raise click.UsageError("say what to move: --set CONTROL=AMOUNT, or --sweep CONTROL; --list shows the controls")
    if sweep is not None and video is not None:
        raise click.UsageError("a sweep moves one picture: give --image")
    if ends is not None and sweep is None:
        raise click.UsageError("--range is that of a --sweep")
    source = image if image is not None else video
    assert source is not None
    request = EditRequest(
        model=model,
        source=source,
        moving=video is not None,
        amounts=read_amounts(settings),
        sweep=sweep,
        ends=ends,
        steps=steps,
        output=output,
        subject=subject,
        crop=not no_crop,
        paste_back=paste_back,
        batch_size=batch_size,
        device=device,
        runs=runs,
    )
    path, written = edit(request, announce)
    for remark in written.remarks:
        announce(remark)
    click.echo(
        f"{printable(str(path))}: {counted(written.frames, 'frame')}{', with sound' if written.with_sound else ''}"
    )


def _print(controls: "Sequence[Control]") -> None:
    from rich.table import Table

    from lia_bench.core.console import wide_console

    table = Table(box=None, pad_edge=False)
    for heading in ("control", "from", "to", "moves"):
        table.add_column(heading, justify="right" if heading in ("from", "to") else "left")
    for control in controls:
        table.add_row(control.name, f"{control.lowest:g}", f"{control.highest:g}", control.description)
    wide_console().print(table)
