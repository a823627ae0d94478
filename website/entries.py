"""A page for each entry of the registries of datasets, metrics and weights, written from what the entry says."""

from collections.abc import Iterable, Iterator, Sequence

from lia_bench.core.configuration import read_yaml
from lia_bench.core.registry import load_attribute
from lia_bench.core.weights import WEIGHTS
from lia_bench.leaderboards.results.published import PAPERS, rows_of_paper
from lia_bench.metrics.extractors.extractor import EXTRACTORS
from lia_bench.metrics.registry import METRICS, SUBJECTS, ordered, resolve, usual_names, weights_behind
from lia_bench.metrics.specification import Compares, MetricSpecification, Protocol, UnavailableMetricError
from lia_bench.models.specification import MODELS
from lia_bench.preprocessing.specification import DATASETS
from website.commands import escaped, help_text, options_table

COMPARED = {
    Compares.IMAGES: "a generated frame and its true frame, images in [0, 1]",
    Compares.FEATURES: "what the extractor says of a generated frame and of its true frame",
    Compares.SETS: "what the extractor says of all generated frames, and of all true ones",
    Compares.VIDEO: "what the extractor says of all frames of a generated video alone, and its sound",
    Compares.MEANS: "the mean over all generated videos, and that over all true ones",
}
BETTER = {"lower": "lower values", "higher": "higher values", "nearer": "values near those of true videos"}
SHOWN = {"face": "faces", "body": "bodies", "sample": "the sample dataset"}


def entry_pages() -> dict[str, str]:
    """The text of each page by its path on the site."""
    pages = {f"datasets/{name}.md": dataset_page(name) for name in DATASETS}
    pages |= {f"metrics/{name}.md": metric_page(name) for name in METRICS}
    pages["metrics/index.md"] = metrics_index()
    pages["weights/index.md"] = weights_page()
    return pages


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, with an empty one before and behind it; cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return ["", *(f"| {' | '.join(cells)} |" for cells in lines), ""]


def dataset_page(name: str) -> str:
    """What a dataset is, how it is prepared, which metrics plain names mean on it, and who has printed numbers."""
    dataset = DATASETS[name]
    command = load_attribute(dataset.command)
    facts = [("Source and licence", escaped(dataset.source)), ("Prepared by", f"`lia-bench preprocess {name}`")]
    if dataset.subject:
        facts.append(("Its clips show", SHOWN.get(dataset.subject, dataset.subject)))
    lines = [f"# {name}", "", _sentence(dataset.summary), *table(("", ""), facts)]
    lines += ["What `--footage` holds and which clips are for testing: [recipes](../recipes.md).", ""]
    lines += ["## Preparing it", "", *help_text(command), *options_table(command)]
    if dataset.subject:
        lines += ["## Metrics", "", "What plain names mean on its clips:", *_meanings(dataset.subject)]
    trained = [(model, variant) for model in MODELS for variant in _variants_for(model, name)]
    if trained:
        lines += ["## Models", "", "Variants that are trained on it:"]
        lines += table(("model", "variant"), ((f"[{model}](../models/{model}.md)", f"`{v}`") for model, v in trained))
    if papers := _papers_about(name):
        lines += [
            "## In papers",
            "",
            f"Numbers on it stand in {', '.join(papers)}: [published numbers](../measured/published.md).",
            "",
        ]
    return "\n".join(lines)


def metric_page(name: str) -> str:
    """A metric's definition, what it rests on and how it is averaged."""
    metric = METRICS[name]
    facts = [("Better", BETTER[metric.better]), ("Compares", COMPARED.get(metric.compares, metric.compares.value))]
    facts.append(("Plain name", _plain_name(metric)))
    rules = {protocol.value: metric.averaging[protocol] for protocol in metric.protocols}
    if metric.compares not in (Compares.SETS, Compares.MEANS):
        facts.append(("A table's number", "; ".join(f"{rule}: mean over {over}" for rule, over in rules.items())))
    if metric.smallest_side:
        facts.append(("Smallest side", f"{metric.smallest_side} pixels"))
    if metric.of_identity:
        facts.append(("Without a true frame", "compares with the source frame"))
    if metric.of_motion:
        facts.append(("Without a true frame", "compares with the driving frame"))
    lines = [f"# {name}", "", _sentence(metric.summary), *table(("", ""), facts)]
    lines += _in_theval(name) if Protocol.THEVAL in metric.protocols else _with_true_frames(name)
    if metric.extractor:
        extractor = EXTRACTORS[metric.extractor]
        library = f" By the package `{extractor.library}`." if extractor.library else ""
        window = f" It looks at {extractor.window} frames together." if extractor.window > 1 else ""
        lines += [
            "## What it rests on",
            "",
            f"Extractor `{extractor.name}`: {escaped(extractor.summary)}.{library}{window}",
            "",
        ]
    if weights := weights_behind(metric):
        lines += [f"`lia-bench weights fetch {name}` gets what it needs:", *_weights_table(weights)]
    return "\n".join(lines)


def _with_true_frames(name: str) -> list[str]:
    return [
        "Which frames it leaves out, and in what the two protocols differ: [definitions](../metrics.md#definitions), "
        "[two protocols](../metrics.md#two-protocols).",
        "",
        "```sh",
        f"lia-bench evaluate --models identity --metrics {name}",
        "```",
        "",
    ]


def _in_theval(name: str) -> list[str]:
    return [
        "Its definition, where a video has no value, and how far it is from the authors' numbers: "
        "[THEval](../theval.md).",
        "",
        "```sh",
        f"lia-bench score --generated outputs/ours --reference driving --protocol theval --metrics {name}",
        "```",
        "",
    ]


def metrics_index() -> str:
    """Every metric by id, with its page."""
    rows = (
        (f"[`{name}`]({name}.md)", _plain_name(METRICS[name]), escaped(METRICS[name].summary), METRICS[name].better)
        for name in ordered(METRICS)
    )
    lines = ["# Every metric", "", "What they mean, and the two protocols: [metrics](../metrics.md)."]
    return "\n".join([*lines, *table(("id", "plain name", "definition", "better"), rows)])


def weights_page() -> str:
    """Every third-party network of metrics, detectors and losses."""
    lines = ["# Every third-party network", "", "How they get onto a machine: [weights](../weights.md). Published"]
    lines += ["checkpoints of models stand on the models' pages.", *_weights_table(sorted(WEIGHTS))]
    return "\n".join(lines)


def _sentence(summary: str) -> str:
    return f"{summary[:1].upper()}{escaped(summary[1:])}."


def _weights_table(names: Iterable[str]) -> list[str]:
    files = (WEIGHTS[name] for name in names)
    rows = (
        (f"`{file.name}`", f"`{file.file_name}`", escaped(file.used_by), escaped(file.licence), _source(file.source))
        for file in files
    )
    return table(("name", "file", "for", "licence", "from"), rows)


def _source(source: str) -> str:
    return f"<{source}>" if "://" in source else f"`{source}` of torchvision"


def _plain_name(metric: MetricSpecification) -> str:
    if metric.subjects is None:
        return f"none; `{metric.alias}` never means it"
    on = ", ".join(SHOWN.get(subject, subject) for subject in metric.subjects) or "anything"
    return f"`{metric.alias}`, on {on}"


def _meanings(subject: str) -> list[str]:
    rows = []
    for alias in usual_names(Protocol.LITERATURE):
        try:
            meant = resolve(alias, subject if subject in SUBJECTS else "").name
        except UnavailableMetricError:
            continue
        rows.append((f"`{alias}`", f"[`{meant}`](../metrics/{meant}.md)"))
    return table(("plain name", "metric"), rows)


def _variants_for(model: str, dataset: str) -> Iterator[str]:
    folder = MODELS[model].variants
    for variant in MODELS[model].variant_names():
        assert folder is not None
        if read_yaml(folder / f"{variant}.yaml").get("data", {}).get("dataset") == dataset:
            yield variant


def _papers_about(dataset: str) -> list[str]:
    return [PAPERS[paper].title for paper in PAPERS if any(row.dataset == dataset for row in rows_of_paper(paper))]
