"""`runs` and `runs show`."""

from __future__ import annotations

from typing import Any

import typer

from fittingroom.cli.options import RUNS, JsonOption, RunArgument, RunsOption
from fittingroom.cli.terminal import EPOCH_COLUMNS, Terminal, epoch_cells, one_line_errors
from fittingroom.cli.training import announce_run

runs_app = typer.Typer(help="List runs, or show one.", invoke_without_command=True)


@runs_app.callback()
def runs(context: typer.Context, out: RunsOption = RUNS, as_json: JsonOption = False) -> None:
    """List the runs, the oldest first."""
    context.obj = out  # `runs --out X show` means `runs show --out X`
    if context.invoked_subcommand is not None:
        return
    with one_line_errors():
        from fittingroom.runs.run import list_runs

        terminal = Terminal(as_json=as_json)
        records = list_runs(out)
        if as_json:
            terminal.result("", records)
        elif not records:
            terminal.say(f"no runs in {out} yet; train one with `fittingroom train`")
        else:
            terminal.table(RUN_COLUMNS, [run_cells(record) for record in records], words=2)


RUN_COLUMNS = ("run", "model and data", "epochs", "lr", "test accuracy", "95% interval")


def run_cells(record: dict[str, Any]) -> list[str]:
    """Return a run's record as the cells of RUN_COLUMNS, its status where it has no result."""
    from fittingroom.evaluation.summary import percent_interval

    if record["status"] == "damaged":
        return [record["name"], "-", "-", "-", "damaged", "-"]
    recipe = record["recipe"]
    test = record["results"]["test"] if record["status"] == "finished" else None
    return [
        record["name"],
        f"{recipe.get('model', '-')} on {record['data']['name']}",
        str(recipe.get("epochs", "-")),
        str(recipe.get("lr", "-")),
        f"{test['accuracy']:.2%}" if test else record["status"],
        percent_interval(test["interval"]) if test else "-",
    ]


@runs_app.command("show")
def show_run(
    context: typer.Context,
    run: RunArgument = "latest",
    out: RunsOption = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Show one run: its recipe, history, evaluation and files."""
    with one_line_errors():
        from fittingroom.runs.run import open_run

        terminal = Terminal(as_json=as_json)
        opened = open_run(run, runs=context.obj if out == RUNS else out)
        if as_json:
            terminal.result("", opened.record | {"folder": str(opened.folder)})
            return
        terminal.say(f"{opened.folder}: {opened.status}")
        if "error" in opened.record:
            terminal.say(f"error: {opened.record['error']}")
        announce_run(terminal, opened)
        recipe = opened.recipe.model_dump()
        terminal.table(
            ("field", "value"),
            [(name, str(value)) for name, value in recipe.items()],
            words=2,
        )
        if opened.status == "finished":
            terminal.table(EPOCH_COLUMNS, [epoch_cells(epoch) for epoch in opened.history])
            terminal.say(str(opened.evaluation))
        terminal.say()
        for path in sorted(opened.folder.rglob("*")):
            if path.is_file() and path.name[0] != ".":
                terminal.say(f"{path}")
