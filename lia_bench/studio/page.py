"""The studio's page as a whole: its tabs, its looks, and the tab *Compare*."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.themes.utils.fonts import Font

from lia_bench.core.errors import LiaBenchError
from lia_bench.leaderboards.board.board import measured_board
from lia_bench.leaderboards.html.report import write_report
from lia_bench.leaderboards.printing.exports import as_markdown
from lia_bench.studio.animate_tab import animate_tab
from lia_bench.studio.directions_tab import directions_tab, place_of
from lia_bench.studio.parts import AT_ONCE, IN_TURN, note, script, styles
from lia_bench.studio.workshop import Workshop, draw_sample, one_line

if TYPE_CHECKING:
    from fastapi import FastAPI

TITLE = "LIA-Bench studio"
LARGEST_UPLOAD = "4gb"
LEADERBOARD = "leaderboard.csv"


def mount_page(application: "FastAPI", workshop: Workshop) -> None:
    """Let `application` show the page at its root."""
    sample = draw_sample(workshop.samples)
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        gr.HTML(f"<h1>{TITLE}</h1>")
        with gr.Tab("Animate", elem_id="animate"):
            animate_tab(page, workshop, sample)
        with gr.Tab("Directions", elem_id="directions"):
            directions_tab(page, workshop, sample)
        with gr.Tab("Compare", elem_id="compare"):
            compare_tab(page, workshop)

        def close(request: gr.Request) -> None:
            for tab in (str(request.session_hash), place_of(request)):
                workshop.forget(tab)

        page.unload(close)
    system = [Font(name) for name in ("system-ui", "sans-serif")]
    gr.mount_gradio_app(
        application,
        page,
        path="/",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        max_file_size=LARGEST_UPLOAD,
        theme=gr.themes.Default(font=system, font_mono=[Font("ui-monospace"), Font("monospace")]),
        css=styles(),
        head=script(),
    )


def compare_tab(page: gr.Blocks, workshop: Workshop) -> None:
    """Lay out the tab that shows a results folder's tables and its report page."""
    folders = gr.Dropdown([], label=f"Results in {workshop.settings.results}")
    show = gr.Button("Show", variant="primary")
    status = gr.HTML(elem_id="compare-status")
    tables = gr.Markdown(elem_id="compare-tables")
    report = gr.HTML(elem_id="compare-report")

    def compare(name: str | None) -> tuple[str, str, str]:
        try:
            return _compared(workshop, name)
        except (LiaBenchError, OSError) as error:
            return note(one_line(error, workshop.uploads), "error"), "", ""

    def here() -> Any:
        found = _results(workshop.settings.results)
        return gr.update(choices=found, value=found[0] if found else None)

    show.click(compare, folders, [status, tables, report], **IN_TURN)
    page.load(here, None, folders, **AT_ONCE)


def _results(folder: Path) -> list[str]:
    """The folders of results in a folder, itself as '.', by name."""
    found = sorted(path.parent.name for path in folder.glob(f"*/{LEADERBOARD}"))
    return [".", *found] if (folder / LEADERBOARD).is_file() else found


def _compared(workshop: Workshop, name: str | None) -> tuple[str, str, str]:
    results = workshop.settings.results
    if name not in _results(results):
        return note(f"no results in {results}: evaluate models first (lia-bench evaluate)", "error"), "", ""
    folder = results / str(name)
    board = measured_board([folder])
    key = secrets.token_urlsafe(12)
    written = write_report([folder], workshop.reports / key)
    address = f"/reports/{key}/"
    lines = [note(one_line(line, workshop.uploads)) for line in (*written.problems, *written.remarks)]
    opened = f'<p><a href="{address}" target="_blank">the report in a tab of its own</a></p>'
    frame = f'<iframe class="report" src="{address}" title="report of {name}"></iframe>'
    return "".join(lines), as_markdown(board.groups, board.columns, False), opened + frame
