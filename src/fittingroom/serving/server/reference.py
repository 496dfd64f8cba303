"""The documentation of the API as a page, from its OpenAPI document: no script, nothing fetched.

Swagger UI would need scripts from another host, or 1 MB of them in this package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, NamedTuple

from fittingroom.reports.page import templates_in

PACKAGE = "fittingroom.serving.server"


class Operation(NamedTuple):
    """One route: its method, its path, and what the OpenAPI document says of it."""

    method: str
    path: str
    says: Mapping[str, Any]


def reference_page(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    environment = templates_in(PACKAGE, ".")
    environment.filters["kind"] = kind
    environment.filters["pretty"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    return environment.get_template("reference.html.jinja").render(
        document=document,
        operations=list(operations(document)),
        schemas=document["components"]["schemas"],
    )


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Go through the routes."""
    for path, methods in document["paths"].items():
        for method, says in methods.items():
            yield Operation(method.upper(), path, says)


def kind(schema: Mapping[str, Any]) -> str:
    """Say in a few words what a schema allows: "array of Answer", "string or null"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"array of {kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


# What is served under /static beside the files of the page.
STYLE: dict[str, tuple[str, str]] = {
    "reference.css": (
        "text/css",
        resources.files(PACKAGE).joinpath("reference.css").read_text("utf-8"),
    )
}
