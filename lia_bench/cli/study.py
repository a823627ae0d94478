"""`lia-bench study`: people say which of several models' videos is better."""

from pathlib import Path

import click

from lia_bench.cli.options import names
from lia_bench.core.number_types import SEED, count

MOST_CHECKS = 1000
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(name="study")
def command() -> None:
    """Preference studies: two videos or more of the same picture and movement, and people who choose.

    \b
    Example:
      lia-bench study create --results results/vox-256 --pairs 50 --output studies/vox
      lia-bench study serve studies/vox
      lia-bench study report studies/vox
    """


@command.command("create")
@click.option(
    "--results",
    multiple=True,
    required=True,
    type=FOLDER,
    help="Folder of results with videos, as `evaluate` leaves it; given several times, each is a dataset.",
)
@click.option(
    "--models",
    callback=names,
    metavar="NAME,...",
    help="Models as the table calls them.  [default: all but identity]",
)
@click.option("--model", "against", metavar="NAME", help="Compare this one with each other.  [default: all pairs]")
@click.option(
    "--together", is_flag=True, help="Show all models' videos at once, at most four.  [default: two at a time]"
)
@click.option("--pairs", default=50, show_default=True, type=count(), help="Clips drawn of each dataset.")
@click.option("--task", default="reconstruction", show_default=True, type=click.Choice(["reconstruction", "cross"]))
@click.option(
    "--attention-checks",
    default=5,
    show_default=True,
    type=count(0, MOST_CHECKS),
    help="Trials with an evident answer: the true video against the same in scattered pieces.",
)
@click.option(
    "--preset",
    type=click.Choice(["lia", "fomm", "iapm"]),
    help="Compare as that model's paper did: lia and fomm with each other model, iapm all at once for quality and "
    "motion; --model, --together and --question go first.",
)
@click.option(
    "--question",
    "questions",
    multiple=True,
    metavar="[WORD=]TEXT",
    help="What raters are asked; given several times, each of every clip, with a word for its column.  [default: Which "
    "video is better?]",
)
@click.option("--seed", default=0, show_default=True, type=SEED, help="Of the draw and of every rater's order.")
@click.option("--output", required=True, type=FOLDER, help="The study's folder.")
def create(
    results: tuple[Path, ...],
    models: tuple[str, ...] | None,
    against: str | None,
    together: bool,
    pairs: int,
    task: str,
    attention_checks: int,
    preset: str | None,
    questions: tuple[str, ...],
    seed: int,
    output: Path,
) -> None:
    """Draw clips and write a study's folder: trials, and the videos under names that tell nothing.

    Every rater is asked about every two models on every clip drawn, so that N models make N (N - 1) / 2 trials a clip;
    one with --together. Each dataset compares its models on the same clips.

    \b
    Example:
      lia-bench study create --results results/vox-256 --pairs 50 --output studies/vox
      lia-bench study create --results results/vox --results results/taichi --model lia --output studies/lia
      lia-bench study create --results results/vox-256 --preset fomm --output studies/fomm
      lia-bench study create --results results/vox-256 --models iapm,fomm,x2face --preset iapm --output studies/iapm
    """
    from lia_bench.leaderboards.study.creation import BETTER, PRESETS, Preset, StudyRequest, create_study, questions_of

    if against and together:
        raise click.UsageError("--model compares two at a time, --together shows all at once: leave one out")
    as_published = PRESETS[preset] if preset else Preset(BETTER)
    request = StudyRequest(
        results=results,
        output=output,
        task=task,
        models=models,
        against=against or (None if together else as_published.against),
        together=together or (as_published.together and not against),
        pairs=pairs,
        attention_checks=attention_checks,
        seed=seed,
        questions=questions_of(questions) or as_published.questions,
    )
    study = create_study(request, click.echo)
    asked, comparisons = len(study.questions), len(list(study.of_kind("comparison")))
    click.echo(f"{asked * comparisons} questions and {asked * attention_checks} of attention checks a rater: {output}")
    click.echo(f"next: lia-bench study serve {output}")


@command.command("serve")
@click.argument("folder", type=FOLDER)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A further name that raters call this server by, as behind a proxy.",
)
def serve(folder: Path, host: str, port: int, allowed_hosts: tuple[str, ...]) -> None:
    """Show a study to raters and keep their answers, until Ctrl-C.

    Several raters may be at it at once. Started again, it goes on; an answer that the page took as given is on disk.

    \b
    Example:
      lia-bench study serve studies/vox
    """
    from lia_bench.leaderboards.study.server import serve_study

    serve_study(folder, host, port, allowed_hosts, click.echo)


@command.command("report")
@click.argument("folder", type=FOLDER)
@click.option("--results", default=Path("results"), show_default=True, type=FOLDER, help="Folder of results.")
@click.option(
    "--misses",
    default=0,
    show_default=True,
    type=count(0, MOST_CHECKS),
    help="Attention checks that a rater may answer wrongly and still count.",
)
def report(folder: Path, results: Path, misses: int) -> None:
    """Preferences with 95 % intervals, by dataset and question; writes RESULTS/STUDY/leaderboard.csv.

    \b
    Example:
      lia-bench study report studies/vox
    """
    from lia_bench.leaderboards.study.report import print_report, report_study

    outcome = report_study(folder, misses)
    print_report(outcome)
    click.echo(f"leaderboard: {outcome.write(results)}")
