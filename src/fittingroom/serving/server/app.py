"""The web application: routes, and what happens where one fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response

from fittingroom._version import __version__
from fittingroom.errors import FittingroomError, PhotoError
from fittingroom.serving.server import contract, pages
from fittingroom.serving.server.answers import Wanted
from fittingroom.serving.server.guarding import Guarded
from fittingroom.serving.server.lingering import Lingering
from fittingroom.serving.server.metrics import MEDIA_TYPE
from fittingroom.serving.server.refusals import RefusedError, refusal
from fittingroom.serving.server.service import Service


def build_app(service: Service) -> Guarded:
    """Put the application together: what the requests share, routes, and what guards them."""

    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    api = FastAPI(
        title=contract.TITLE,
        version=__version__,
        description=contract.ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    api.state.service = service
    add_api(api)
    api.include_router(pages.router)
    add_failures(api)
    if service.rules.origins:
        api.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(service.rules.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
    return Guarded(Lingering(api), service)


def add_api(api: FastAPI) -> None:
    """Add the routes that programs use."""
    api.post(
        "/api/predict",
        summary="Answer for pictures",
        responses={
            200: {
                "model": contract.Results,
                "content": {"application/json": {"example": contract.EXAMPLE}},
            },
            **contract.refusals(400, 404, 408, 413, 415, 422, 503),
        },
        openapi_extra=contract.PICTURES,
        response_model=None,
    )(predict)
    api.get(
        "/api/models",
        summary="The models that are served",
        response_model=None,
        responses={200: {"model": list[contract.Model]}, **contract.refusals()},
    )(list_models)
    api.get(
        "/healthz",
        summary="Whether the server runs",
        response_model=None,
        responses={
            200: {"model": contract.Health},
            503: {"model": contract.Health, "description": "the server is stopping"},
            **contract.refusals(),
        },
    )(health)
    api.get(
        "/metrics",
        summary="What was counted, for Prometheus",
        response_model=None,
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **contract.refusals_in_json()},
    )(metrics)


async def predict(
    request: Request,
    model: Annotated[
        list[str] | None, Query(description="of these models only; all by default")
    ] = None,
    explain: Annotated[bool, Query(description="find out what mattered, too: `heat`")] = False,
    seen: Annotated[bool, Query(description="send what the model saw, too")] = False,
) -> Response:
    """Answer for one picture, the body, or for several, the files of a form."""
    service = service_of(request)
    models = service.models.chosen(model)
    async with service.intake.uploads(request) as uploads:
        rows = await service.answerer.answer(uploads, models, Wanted(explain, seen))
    for row in rows:
        for answer in row:
            service.metrics.answered(answer["model"], answer["warnings"])
    results = [
        {"name": upload.name, "answers": row} for upload, row in zip(uploads, rows, strict=True)
    ]
    return JSONResponse({"results": results})


async def list_models(request: Request) -> Response:
    """List the models, in the order in which they were named at the start."""
    return JSONResponse([model.described() for model in service_of(request).models])


async def health(request: Request) -> Response:
    """Say "ok", or 503 and "stopping"."""
    service = service_of(request)
    status, word = (503, "stopping") if service.stopping else (200, "ok")
    return JSONResponse({"status": word, "models": len(service.models)}, status)


async def metrics(request: Request) -> Response:
    """Return requests, seconds, pictures, batches and warnings."""
    return Response(service_of(request).metrics.text(), media_type=MEDIA_TYPE)


def service_of(request: Request) -> Service:
    """Return what the requests share."""
    found: Service = request.app.state.service
    return found


def add_failures(api: FastAPI) -> None:
    """Turn whatever goes wrong into one sentence, JSON, and the status that fits."""
    for error, answer in (
        (RefusedError, refused),
        (PhotoError, no_picture),
        (FittingroomError, failed),
        (RequestValidationError, invalid),
        (HTTPException, no_such_route),
        (Exception, broken),
    ):
        api.add_exception_handler(error, answer)


async def refused(_request: Request, error: Any) -> Response:
    """Say why."""
    response: Response = error.response()
    return response


async def no_picture(_request: Request, error: Any) -> Response:
    """Say what is wrong with the picture."""
    return refusal(422, str(error))


async def failed(_request: Request, error: Any) -> Response:
    """Say why a model cannot answer."""
    return refusal(503, str(error))


async def broken(_request: Request, _error: Any) -> Response:
    """Say that it is the program's fault; uvicorn prints the traceback."""
    return refusal(500, "the server failed; its terminal says how")


async def invalid(_request: Request, error: Any) -> Response:
    """Say which parameter makes no sense."""
    first = error.errors()[0]
    name, found = str(first["loc"][-1]), repr(first.get("input"))[:100]
    return refusal(422, f"parameter {name!r}: {first['msg']}, found {found}")


async def no_such_route(request: Request, error: Any) -> Response:
    """Say what there is instead."""
    path = request.url.path[:100]
    words = {
        404: f"there is nothing at {path!r}; see /docs",
        405: f"{path!r} is not asked by {request.method[:20]}; see /docs",
    }
    return refusal(error.status_code, words.get(error.status_code, error.detail), error.headers)
