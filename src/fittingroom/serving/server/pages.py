"""What a browser gets: the page, the matrices, the documentation, and the files of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from fittingroom.serving.server import contract
from fittingroom.serving.server.refusals import RefusedError

if TYPE_CHECKING:
    from fittingroom.serving.server.service import Service

HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)


@router.get("/", response_model=None, responses={**HTML, **contract.refusals_in_json()})
async def index(request: Request) -> Response:
    """Return the page where a picture is dropped and answered for."""
    from fittingroom.serving.server.page import index_page

    page = index_page(service_of(request).language)
    return HTMLResponse(page.html, headers={"content-security-policy": page.policy})


@router.get(
    "/matrix/{model}",
    response_model=None,
    responses={**HTML, **contract.refusals_in_json(404, 422)},
)
async def matrix(request: Request, model: str) -> Response:
    """Return the page of what a model confuses, on the test pictures."""
    service = service_of(request)
    page = await service.models[model].matrix(service.language)
    return HTMLResponse(page.html, headers={"content-security-policy": page.policy})


@router.get("/docs", response_model=None, responses={**HTML, **contract.refusals_in_json()})
async def documentation(request: Request) -> Response:
    """Return the documentation of the API."""
    from fittingroom.serving.server.reference import reference_page

    return HTMLResponse(reference_page(request.app.openapi()))


@router.get(
    "/static/{name}",
    response_model=None,
    response_class=Response,
    responses={
        200: {"content": {"text/css": {}, "text/javascript": {}, "image/svg+xml": {}}},
        **contract.refusals_in_json(404, 422),
    },
)
async def static(name: str) -> Response:
    """Return a file that the pages use."""
    from fittingroom.serving.server.page import STATIC
    from fittingroom.serving.server.reference import STYLE

    files = {**STATIC, **STYLE}
    if name not in files:
        raise RefusedError(404, f"there is no file {name[:100]!r}; there are {', '.join(files)}")
    media_type, content = files[name]
    return Response(content, media_type=media_type, headers={"cache-control": "no-cache"})


def service_of(request: Request) -> Service:
    """Return what the requests share."""
    found: Service = request.app.state.service
    return found
