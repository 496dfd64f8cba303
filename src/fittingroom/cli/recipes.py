"""`recipes`."""

from __future__ import annotations

from fittingroom.cli.options import JsonOption
from fittingroom.cli.terminal import Terminal, one_line_errors


def recipes(as_json: JsonOption = False) -> None:
    """List the named recipes, and the fields of a recipe."""
    with one_line_errors():
        from fittingroom.training.recipe import Recipe, recipe, shipped_recipes, without_notes

        terminal = Terminal(as_json=as_json)
        shipped = shipped_recipes()
        if as_json:
            terminal.result("", {name: recipe(name).model_dump(mode="json") for name in shipped})
            return
        defaults = Recipe().model_dump()
        for name, found in shipped.items():
            made_for = "; made for a CUDA GPU" if found.get("made_for") == "cuda" else ""
            terminal.say(f"{name}: {found['about']}{made_for}")
            fields = (f"{key}={value}" for key, value in without_notes(found).items())
            terminal.say(f"    {', '.join(fields) or 'the defaults'}\n")
        terminal.say("The fields of a recipe; on the command line --lr, --batch-size and so on:")
        rows = [
            (name, str(defaults[name]), str(field.description))
            for name, field in Recipe.model_fields.items()
        ]
        terminal.table(("field", "default", "meaning"), rows, words=3)
