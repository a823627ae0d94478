"""`lia-bench animate`: pictures moved by videos."""

from pathlib import Path
from typing import Literal

import click

from lia_bench.cli.options import crop_options, hurry_options, names
from lia_bench.core.names import counted, printable
from lia_bench.core.number_types import BATCH_SIZE, RATE

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("model", required=False)
@click.option(
    "--models",
    callback=names,
    metavar="NAME[:VARIANT][@CHECKPOINT],...",
    help="Instead of MODEL: several, side by side in one strip.",
)
@click.option(
    "--source",
    type=PATH,
    required=True,
    help="Picture of the subject, or a folder of pictures; for liveportrait also a video.",
)
@click.option("--driving", type=PATH, required=True, help="Video of the motion, or a folder of videos.")
@click.option(
    "--reference",
    "references",
    type=PATH,
    multiple=True,
    help="Another picture of the subject, for models that take several; give it as often as there are pictures.",
)
@click.option(
    "--output",
    type=PATH,
    help="Result, .mp4 or .gif; with a folder given, the folder of results.  "
    "[default: <source>-<driving>-<model>.mp4; animations]",
)
@click.option("--format", type=click.Choice(["mp4", "gif"]), help="Of results that --output does not name.")
@click.option(
    "--transfer",
    metavar="MODE",
    help="relative: the driving video's change since one of its frames; absolute: its motion as it is; or another mode "
    "of the model.  [default: relative; of a model without it, the model's own]",
)
@click.option(
    "--edit",
    "edits",
    multiple=True,
    metavar="CONTROL=AMOUNT",
    help="Move the source before the video moves it (`lia-bench edit MODEL --list`); repeatable.",
)
@click.option(
    "--start",
    type=click.Choice(["first", "best"]),
    default="first",
    show_default=True,
    help="The frame that relative transfer begins from: the first, or the one whose pose is most like the source's.",
)
@crop_options
@click.option("--paste-back", is_flag=True, help="Put the result back into the whole source picture.")
@click.option("--side-by-side", is_flag=True, help="Write source, driving and result beside each other.")
@click.option(
    "--fps",
    type=RATE,
    help="Rate of a driving video that is a folder of pictures.  [default: 25]",
)
@click.option("--device", help="cpu, cuda or cuda:N [default: the GPU where there is one].")
@click.option(
    "--runtime",
    type=click.Choice(["onnx", "openvino"]),
    help="Of models that `lia-bench models export` wrote.  [default: onnx]",
)
@hurry_options
@click.option("--batch-size", type=BATCH_SIZE, default=8, show_default=True, help="Frames at once.")
@click.option("--runs", type=PATH, default=Path("runs"), show_default=True, help="Folder of trained runs.")
def command(
    model: str | None,
    models: tuple[str, ...] | None,
    source: Path,
    driving: Path,
    references: tuple[Path, ...],
    output: Path | None,
    format: str | None,
    transfer: str | None,
    edits: tuple[str, ...],
    start: str,
    subject: str,
    no_crop: bool,
    paste_back: bool,
    side_by_side: bool,
    fps: float | None,
    device: str | None,
    runtime: str | None,
    precision: Literal["32-true", "bf16-mixed"],
    compile: bool,
    batch_size: int,
    runs: Path,
) -> None:
    """Move the subject of a picture as a driving video moves.

    MODEL is name[:variant][@checkpoint]; without a checkpoint the newest finished run of that model is taken, else the
    published checkpoint of the variant, as `weights fetch` put it in its place. The face is found in both inputs and
    cropped as training data is; the result has the driving video's frame rate and sound. Folders
    give every picture by every video; started again, the command makes what is missing.

    \b
    Examples:
      lia-bench animate lia --source selfie.jpg --driving me.mp4
      lia-bench animate lia:vox-256 --source selfie.jpg --driving talk.mp4 --start best --paste-back
      lia-bench animate --models lia,fomm --source portraits/ --driving talk.mp4 --output strips
      lia-bench animate x2face --source selfie.jpg --reference left.jpg --reference right.jpg --driving talk.mp4
      lia-bench animate liax@lia-x.pt --source selfie.jpg --driving talk.mp4 --edit yaw=-0.3
      lia-bench animate lia@exports/lia --source selfie.jpg --driving talk.mp4 --runtime onnx
      lia-bench animate lia --source crop.png --driving crop.mp4 --no-crop --output result.gif
    """
    from lia_bench.animation.product import animate
    from lia_bench.animation.request import AnimationRequest
    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.models.controls import read_amounts

    if (model is None) == (models is None):
        raise click.UsageError("name one MODEL, or several with --models, not both")
    request = AnimationRequest(
        models=models or (str(model),),
        source=source,
        driving=driving,
        references=references,
        output=output,
        format=format,
        transfer=transfer,
        edit=read_amounts(edits),
        start=start,
        subject=subject,
        crop=not no_crop,
        paste_back=paste_back,
        side_by_side=side_by_side,
        fps=fps,
        batch_size=batch_size,
        device=device,
        runs=runs,
        runtime=runtime,
        precision=precision,
        compile=compile,
    )
    keep_freed_memory()
    outcome = animate(request, lambda line: click.echo(printable(line), err=True))
    for path, written in outcome.made:
        for remark in written.remarks:
            click.echo(printable(remark), err=True)
        click.echo(
            f"{printable(str(path))}: {counted(written.frames, 'frame')}{', with sound' if written.with_sound else ''}"
        )
    if outcome.kept:
        were = "was" if len(outcome.kept) == 1 else "were"
        click.echo(f"{counted(len(outcome.kept), 'result')} {were} there already")
    outcome.check()
