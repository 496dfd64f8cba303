"""`recipes`."""

from __future__ import annotations

from fittingroom.cli.options import JsonOption
from fittingroom.cli.terminal import Terminal, one_line_errors


def recipes(as_json: JsonOption = False) -> None:
    """List the named recipes, and the fields of a recipe."""
    with one_line_errors():
        from fittingroom.training.recipe import Recipe, recipe, shipped_recipes

        terminal = Terminal(as_json=as_json)
        shipped = shipped_recipes()
        if as_json:
            terminal.result("", {name: recipe(name).model_dump(mode="json") for name in shipped})
            return
        defaults = Recipe().model_dump()
        for name, found in shipped.items():
            terminal.say(f"{name}: {found['about']}")
            fields = (f"{key}={value}" for key, value in found.items() if key != "about")
            terminal.say(f"    {', '.join(fields) or 'the defaults'}\n")
        terminal.say("The fields of a recipe; on the command line --lr, --batch-size and so on:")
        rows = [
            (name, str(defaults[name]), str(field.description))
            for name, field in Recipe.model_fields.items()
        ]
        terminal.table(("field", "default", "meaning"), rows, words=3)
