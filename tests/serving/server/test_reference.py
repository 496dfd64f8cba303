"""The documentation is whole, and needs neither scripts nor the network."""

from __future__ import annotations

import re

from tests.serving.server.conftest import Running

from fittingroom.serving.server.reference import kind, operations, reference_page


def test_every_route_status_and_field_is_on_the_page(shop: Running) -> None:
    document = shop.client.get("/openapi.json").json()
    page = shop.client.get("/docs").text
    for method, path, says in operations(document):
        assert f"<b>{method}</b> {path}" in page
        for status in says["responses"]:
            assert f'<th scope="row">{status}</th>' in page
    for name, schema in document["components"]["schemas"].items():
        assert f'id="schema-{name}"' in page
        for field in schema["properties"]:
            assert f"<code>{field}</code>" in page


def test_the_page_needs_nothing_from_elsewhere(shop: Running) -> None:
    page = shop.client.get("/docs").text
    assert "<script" not in page
    assert not re.search(r"style=|<style", page)
    for address in re.findall(r'(?:href|src)="([^"]*)"', page):
        assert address.startswith("/")
        assert shop.client.get(address).status_code == 200


def test_what_a_document_says_is_text() -> None:
    document = {
        "info": {"title": "<b>", "version": "1", "description": "<script>"},
        "paths": {},
        "components": {"schemas": {"A": {"properties": {"<i>": {"type": "string"}}}}},
    }
    page = reference_page(document)
    assert "<script>" not in page
    assert "<i>" not in page


def test_schemas_are_said_in_words() -> None:
    answers = {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}}
    assert kind({"anyOf": [answers, {"type": "null"}]}) == "array of Answer or null"
    assert kind({}) == "anything"
