"""The API as a client sees it: answers, and one sentence for everything that is none."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from tests.serving.conftest import Photograph, png
from tests.serving.server.conftest import Running

import fittingroom as fr
from fittingroom.serving.predictor import RunPredictor
from fittingroom.serving.server.guarding import Rules
from fittingroom.serving.server.uploads import Limits

MEGABYTE = 2**20


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few kB that says it has so many pixels, black ones."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    row = zlib.compressobj(9)
    pixels = row.compress(bytes(min((width + 1) * height, 2**22))) + row.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def ask(shop: Running, *pictures: tuple[str, bytes], **query: Any) -> httpx.Response:
    """Post pictures as a form."""
    files = [("files", picture) for picture in pictures]
    return shop.client.post("/api/predict", files=files, params=query)


def post(shop: Running, content: bytes, kind: str = "image/png", **query: Any) -> httpx.Response:
    """Post one picture as the body."""
    headers = {"content-type": kind}
    return shop.client.post("/api/predict", content=content, headers=headers, params=query)


def refused(response: httpx.Response, status: int, *words: str) -> None:
    """See that a response is a refusal, one sentence with these words."""
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    sentence = response.json()["error"]
    assert "\n" not in sentence
    assert "<_io" not in sentence
    for word in words:
        assert word in sentence


def test_an_answer_is_what_predict_says(
    shop: Running, photograph: Photograph, predictor: RunPredictor
) -> None:
    (expected,) = fr.predict(predictor, photograph(3))
    (result,) = ask(shop, ("boot.jpg", photograph(3)), model=predictor.name).json()["results"]
    (answer,) = result["answers"]
    assert result["name"] == "boot.jpg"
    assert (answer["model"], answer["answer"]) == (predictor.name, expected.answer)
    assert [one["class"] for one in answer["ranked"]] == [name for name, _ in expected.ranked]
    assert [one["probability"] for one in answer["ranked"]] == pytest.approx(
        [share for _, share in expected.ranked], abs=1e-5
    )
    assert answer["novelty"] == pytest.approx(expected.novelty, abs=1e-3)
    assert answer["box"] == list(expected.photo.box or ())
    assert answer["shown_size"] == list(expected.photo.shown.size)
    assert answer["negated"] is expected.photo.negated
    assert answer["warnings"] == list(expected.warnings)
    assert (answer["seen"], answer["heat"]) == (None, None)


def test_what_the_model_saw_and_what_mattered_are_sent_where_asked_for(
    shop: Running, photograph: Photograph, predictor: RunPredictor
) -> None:
    (expected,) = fr.predict(predictor, photograph(5), explain=True)
    reply = post(shop, photograph(5), model=predictor.name, explain=True, seen=True).json()
    answer = reply["results"][0]["answers"][0]
    head, _, encoded = answer["seen"].partition(",")
    assert head == "data:image/png;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert np.array_equal(255 - shown, expected.photo.seen[0])
    assert expected.heat is not None
    assert np.asarray(answer["heat"]) == pytest.approx(expected.heat, abs=0.02)


def test_answers_come_in_the_order_of_the_pictures_and_of_the_models(
    shop: Running, photograph: Photograph, predictor: RunPredictor, second_predictor: RunPredictor
) -> None:
    pictures = [(f"{number}.png", photograph(number)) for number in range(20)]
    names = [second_predictor.name, predictor.name]
    results = ask(shop, *pictures, model=names).json()["results"]
    assert [one["name"] for one in results] == [name for name, _ in pictures]
    for place, one in enumerate((second_predictor, predictor)):
        expected = [p.answer for p in fr.predict(one, [content for _, content in pictures])]
        assert [result["answers"][place]["answer"] for result in results] == expected
        assert {result["answers"][place]["model"] for result in results} == {one.name}


def test_all_models_answer_where_none_is_named_and_each_once(
    shop: Running, photograph: Photograph
) -> None:
    names = [model["name"] for model in shop.client.get("/api/models").json()]
    reply = post(shop, photograph(0)).json()
    assert [one["model"] for one in reply["results"][0]["answers"]] == names
    reply = post(shop, photograph(0), model=[names[1], names[1]]).json()
    assert [one["model"] for one in reply["results"][0]["answers"]] == names[1:]


def test_the_models_are_described(shop: Running, predictor: RunPredictor) -> None:
    first, second = shop.client.get("/api/models").json()
    test = predictor.run.record["results"]["test"]
    assert first == {
        "name": predictor.name,
        "classes": list(predictor.classes),
        "input_shape": [1, 28, 28],
        "data_name": "sketches",
        "sketches": True,
        "fitted_on": "validation",
        "threshold": predictor.threshold,
        "test": {key: test[key] for key in ("accuracy", "interval", "count")},
        "matrix": f"/matrix/{predictor.name}",
    }
    assert shop.client.get(second["matrix"]).status_code == 200


@pytest.mark.parametrize("kind", ["application/octet-stream", "image/x-unheard-of", "IMAGE/PNG"])
def test_the_picture_counts_and_not_its_content_type(
    shop: Running, photograph: Photograph, kind: str
) -> None:
    assert post(shop, photograph(1), kind).status_code == 200


@pytest.mark.parametrize("kind", ["text/html", "application/json", "", "multipart/mixed"])
def test_other_content_types_are_refused(shop: Running, photograph: Photograph, kind: str) -> None:
    refused(post(shop, photograph(1), kind), 415, "multipart/form-data", "image/*")


def test_an_unknown_model_is_refused_with_the_known_ones(
    shop: Running, photograph: Photograph, predictor: RunPredictor
) -> None:
    refused(post(shop, photograph(0), model="../etc/passwd"), 404, predictor.name)


def test_a_parameter_that_makes_no_sense_is_refused(shop: Running, photograph: Photograph) -> None:
    refused(post(shop, photograph(0), explain="perhaps"), 422, "'explain'", "'perhaps'")


def test_ten_megabytes_are_read_and_one_byte_more_is_refused(
    shop: Running, photograph: Photograph
) -> None:
    padded = photograph(0).ljust(10 * MEGABYTE, b"\0")
    assert post(shop, padded).status_code == 200
    refused(post(shop, padded + b"\0"), 413, "10 MB", "10,485,760")


def test_too_many_bytes_without_a_length_are_refused_too(
    shop: Running, photograph: Photograph
) -> None:
    chunks = (bytes(MEGABYTE) for _ in range(12))
    headers = {"content-type": "image/png"}
    refused(shop.client.post("/api/predict", content=chunks, headers=headers), 413, "more than")


def test_sixty_four_pictures_are_answered_for_and_one_more_is_refused(
    shop: Running, photograph: Photograph, predictor: RunPredictor
) -> None:
    pictures = [("a.png", photograph(0))] * 64
    assert len(ask(shop, *pictures, model=predictor.name).json()["results"]) == 64
    refused(ask(shop, *pictures, ("b.png", photograph(0))), 413, "at most 64")


def gif_and_html() -> bytes:
    """Return a file that is a GIF to one reader and a page to another."""
    content = io.BytesIO()
    Image.new("L", (40, 40), 200).save(content, "gif")
    return content.getvalue() + b"<html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
        (png(np.zeros((100, 100), np.uint8))[:60], "no picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "no picture"),
        (bomb(30_000, 30_000), "far too large"),
        (bomb(2**31 - 1, 2**31 - 1), "far too large"),
        (bomb(6_500, 6_500), "at most 40,000,000"),
        (png(np.zeros((1, 100_000), np.uint8)), "40 times as long"),
        (png(np.zeros((100_000, 1), np.uint8)), "40 times as long"),
        (b"\xff\xd8\xff" + b"\xff\xda" * 2000, "scans"),
    ],
)
def test_what_is_no_picture_to_be_answered_for_is_refused_in_one_sentence(
    shop: Running, content: bytes, words: str
) -> None:
    refused(post(shop, content), 422, words)
    refused(
        ask(shop, ("a.png", png(np.zeros((30, 30), np.uint8))), ("b.png", content)), 422, "b.png"
    )


def test_a_picture_that_is_a_page_as_well_is_a_picture(shop: Running) -> None:
    reply = post(shop, gif_and_html(), "image/gif", seen=True)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "script" not in reply.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../../etc/passwd", "../../../etc/passwd"),
        ("..\\..\\boot.ini", "..\\..\\boot.ini"),
        ("<script>alert(1)</script>.png", "<script>alert(1)</script>.png"),
        ("a\x00b\x1b[31mc\r\n.png", "ab[31mc.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("부츠 👟.png", "부츠 👟.png"),
        ("x" * 5000, "x" * 200),
        ("", "picture 1"),
        ("CON", "CON"),
    ],
)
def test_names_are_text_and_nothing_else(
    shop: Running, photograph: Photograph, name: str, shown: str
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n'
    quoted = name.replace("\r\n", "").replace("\\", "\\\\").encode()
    body = head % quoted + photograph(0) + b"\r\n--x--\r\n"
    reply = post(shop, body, "multipart/form-data; boundary=x")
    assert reply.json()["results"][0]["name"] == shown
    assert reply.headers["content-type"] == "application/json"


FORM = "multipart/form-data; boundary=x"
FIELD = b"--x\r\nContent-Disposition: form-data; name="


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", FORM, "no parts"),
        (b"--x--\r\n", FORM, "empty"),
        (b"--x\r\n", "multipart/form-data", "boundary"),
        (b"--x\r\n", FORM + "x" * 70, "boundary"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", FORM, "which field"),
        (FIELD + b'"files"; filename="a"\r\n\r\n12', FORM, "last boundary"),
        (FIELD + b'"photo"; filename="a"\r\n\r\n12\r\n--x--', FORM, "'photo'"),
        (FIELD + b'"files"\r\n\r\n12\r\n--x--', FORM, "as files"),
    ],
)
def test_a_broken_form_is_refused_with_what_is_wrong(
    shop: Running, body: bytes, kind: str, words: str
) -> None:
    refused(post(shop, body, kind), 400, words)


def test_a_slow_body_is_given_up(start: Callable[..., Any]) -> None:
    with start(limits=Limits(seconds=0.5)) as shop:
        reply = shop.raw(
            b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 1000\r\n\r\n\x89PNG"
        )
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"within 0.5 seconds, 4 bytes arrived" in reply
    assert b"content-security-policy" in reply


def test_chunks_without_an_end_are_given_up(start: Callable[..., Any]) -> None:
    with start(limits=Limits(seconds=0.5)) as shop:
        reply = shop.raw(
            b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n",
            *[b"5\r\nhello\r\n"] * 100,
        )
    assert reply.startswith(b"HTTP/1.1 408 ")


def test_who_hangs_up_harms_nobody(shop: Running, photograph: Photograph) -> None:
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", shop.port)) as connection:
            connection.sendall(
                b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                b"Content-Length: 1000\r\n\r\n" + bytes(400)
            )
    assert post(shop, photograph(0)).status_code == 200
    assert shop.service.intake.held == 0


def test_a_full_queue_is_said_with_a_time_to_come_back(
    start: Callable[..., Any], photograph: Photograph
) -> None:
    with start(most_waiting=2) as shop:
        reply = ask(shop, *[("a.png", photograph(0))] * 3)
        refused(reply, 503, "try again")
        assert reply.headers["retry-after"] == "1"
        assert ask(shop, *[("a.png", photograph(0))] * 2).status_code == 200


def test_bodies_are_not_held_without_end(start: Callable[..., Any], photograph: Photograph) -> None:
    with start(limits=Limits(most_held=100)) as shop:
        refused(post(shop, photograph(0)), 503, "try again")
        assert shop.service.intake.held == 0


async def ask_at_once(url: str, bodies: list[bytes]) -> list[httpx.Response]:
    """Post pictures, all at the same time."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120) as client:
        headers = {"content-type": "image/png"}
        return await asyncio.gather(
            *(client.post("/api/predict", content=one, headers=headers) for one in bodies)
        )


def test_requests_that_arrive_together_get_each_its_own_answer_in_few_batches(
    shop: Running, photograph: Photograph, predictor: RunPredictor
) -> None:
    bodies = [photograph(number) for number in range(60)]
    before = numbers(shop)["fittingroom_batch_pictures_count"]
    replies = asyncio.run(ask_at_once(shop.url, bodies))
    batches = numbers(shop)["fittingroom_batch_pictures_count"] - before
    expected = [one.answer for one in fr.predict(predictor, bodies)]
    found = [reply.json()["results"][0]["answers"][0]["answer"] for reply in replies]
    assert found == expected
    assert batches < 120  # 60 pictures, two models


def numbers(shop: Running) -> dict[str, float]:
    """Return the metrics without labels."""
    families = text_string_to_metric_families(shop.client.get("/metrics").text)
    return {one.name: one.value for family in families for one in family.samples if not one.labels}


def test_what_happens_is_counted(start: Callable[..., Any], photograph: Photograph) -> None:
    with start() as shop:
        ask(shop, ("a.png", photograph(0)), ("b.png", png(np.zeros((28, 28), np.uint8))))
        post(shop, b"nothing")
        for path in ("/nowhere", "/static/../x", "/" + "y" * 50):
            shop.client.get(path)
        families = list(text_string_to_metric_families(shop.client.get("/metrics").text))
    samples = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in families
        for one in family.samples
    }
    assert samples["fittingroom_requests_total", "/api/predict", "200", "POST"] == 1
    assert samples["fittingroom_requests_total", "/api/predict", "422", "POST"] == 1
    assert samples["fittingroom_warnings_total", "blank"] == 1
    assert samples["fittingroom_request_seconds_count", "/api/predict"] == 2
    assert samples["fittingroom_requests_in_flight",] == 1
    routes = {key[1] for key in samples if key[0] == "fittingroom_request_seconds_count"}
    assert routes <= {"/api/predict", "/static/{name}", "none"}


PAGES = ("/", "/docs", "/openapi.json", "/api/models", "/healthz", "/metrics", "/static/page.css")


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/static/secret", "/matrix/none"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "TRACE", "BREW"])
def test_every_response_has_the_headers_that_protect(shop: Running, path: str, method: str) -> None:
    head, _, body = shop.raw(
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    ).partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    status = int(head.split()[1])
    assert status < 500
    for name in (b"x-content-type-options", b"referrer-policy", b"cross-origin-opener-policy"):
        assert name in lines, head
    assert lines[b"cross-origin-resource-policy"] == b"same-origin"
    assert b"default-src 'none'" in lines[b"content-security-policy"]
    assert b"server" not in lines
    assert b"access-control-allow-origin" not in lines
    if status >= 400 and method != "HEAD":
        assert list(json.loads(body)) == ["error"]
    assert method != "HEAD" or not body


def test_the_healthy_say_so(shop: Running) -> None:
    assert shop.client.get("/healthz").json() == {"status": "ok", "models": 2}


def test_who_is_stopping_says_so_and_closes_connections(start: Callable[..., Any]) -> None:
    with start() as shop:
        shop.service.stopping = True
        reply = shop.client.get("/healthz")
    assert (reply.status_code, reply.json()["status"]) == (503, "stopping")
    assert reply.headers["connection"] == "close"


def test_nothing_is_written_to_disk(
    start: Callable[..., Any],
    photograph: Photograph,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The whole process, uvicorn and Pillow with it, is asked through the interpreter's own hook.
    written: list[tuple[Any, ...]] = []
    watching = True

    def hook(event: str, told: tuple[Any, ...]) -> None:
        writes = event in {"tempfile.mkstemp", "tempfile.mkdtemp", "os.mkdir", "os.rename"}
        if event == "open" and isinstance(told[2], int):
            writes = bool(told[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if watching and writes:
            written.append((event, *told))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with start() as shop:
        sys.addaudithook(hook)
        pictures = [(f"{n}.png", photograph(n).ljust(2 * MEGABYTE, b"\0")) for n in range(4)]
        assert ask(shop, *pictures, explain=True, seen=True).status_code == 200
        assert ask(shop, *pictures * 2).status_code == 413
        assert ask(shop, ("a", b"nothing")).status_code == 422
        for page in PAGES:
            shop.client.get(page)
        watching = False
    assert written == []
    assert list(tmp_path.rglob("*")) == []


def test_a_site_that_is_allowed_may_ask(start: Callable[..., Any], photograph: Photograph) -> None:
    origin = "https://example.org"
    rules = Rules(origins=frozenset({origin}))
    with start(rules=rules) as shop:
        ask_first = {"origin": origin, "access-control-request-method": "POST"}
        preflight = shop.client.options("/api/predict", headers=ask_first)
        assert preflight.headers["access-control-allow-origin"] == origin
        headers = {"content-type": "image/png", "origin": origin}
        reply = shop.client.post("/api/predict", content=photograph(0), headers=headers)
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == origin
        headers["origin"] = "https://example.com"
        reply = shop.client.post("/api/predict", content=photograph(0), headers=headers)
        refused(reply, 403, "https://example.com", "--allow-origin")


def test_every_status_is_documented_and_the_document_is_whole(shop: Running) -> None:
    document = shop.client.get("/openapi.json").json()
    predict = document["paths"]["/api/predict"]["post"]
    assert set(predict["responses"]) == {
        "200", "400", "403", "404", "408", "413", "415", "422", "503"
    }  # fmt: skip
    assert set(predict["requestBody"]["content"]) == {
        "multipart/form-data", "image/*", "application/octet-stream"
    }  # fmt: skip
    for methods in document["paths"].values():
        for says in methods.values():
            for status, response in says["responses"].items():
                if status != "200":
                    schema = response["content"]["application/json"]["schema"]["$ref"]
                    assert schema.rpartition("/")[2] in {"Refusal", "Health"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.slow
def test_schemathesis_finds_no_server_error(shop: Running, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{shop.url}/openapi.json",
            "--checks", "not_a_server_error,response_schema_conformance,content_type_conformance",
            "--max-examples", "30", "--phases", "examples,coverage,fuzzing", "--seed", "0",
            "--max-time", "15", "--no-color", "--exclude-path", "/metrics",
        ],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
