"""What the API promises, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fittingroom.serving.predict import WARNINGS
from fittingroom.serving.server.uploads import FIELD, FORM

TITLE = "fittingroom"
ABOUT = """Send pictures, get what the served models make of them.

    curl -F files=@boot.jpg -F files=@coat.png http://127.0.0.1:8000/api/predict
    curl --data-binary @boot.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8000/api/predict

Nothing that is sent is kept."""


class Refusal(BaseModel):
    """Why a request was not answered."""

    error: str = Field(description="one sentence: what was expected, what was found, what to do")


class Ranked(BaseModel):
    """A class and its probability."""

    name: str = Field(alias="class", examples=["Ankle boot"])
    probability: float = Field(ge=0, le=1.0001, examples=[0.98])


class Answer(BaseModel):
    """What one model makes of one picture."""

    model_config = ConfigDict(protected_namespaces=())

    model: str
    answer: str = Field(description="the likeliest class", examples=["Ankle boot"])
    confidence: float = Field(description="its probability, calibrated", examples=[0.98])
    ranked: list[Ranked] = Field(description="all classes, the likeliest first")
    novelty: float = Field(description="how unlike everything known it is", examples=[1.2])
    threshold: float = Field(description="the novelty that 5% of real pictures exceed")
    believable: bool = Field(description="whether it is of the kind that the model knows")
    warnings: list[str] = Field(
        description="why to doubt the answer: "
        + "; ".join(f"`{code}`, {text}" for code, text in WARNINGS.items()),
        examples=[["cut-off"]],
    )
    negated: bool = Field(description="whether light and dark were exchanged")
    box: list[int] | None = Field(
        description="left, top, right, bottom of the thing in the picture as shown; null for all",
        examples=[[12, 30, 420, 300]],
    )
    shown_size: list[int] = Field(
        description="width and height that `box` is measured in", examples=[[448, 336]]
    )
    seen: str | None = Field(
        description="what the model saw, a PNG as data URI, dark on white; null unless asked for"
    )
    heat: list[list[float]] | None = Field(
        description="rows of -1 to 1: what speaks for the answer (above 0) and against it; null "
        "unless asked for"
    )


class Result(BaseModel):
    """The answers for one picture."""

    name: str = Field(description="the file's, as sent, without what cannot be seen")
    answers: list[Answer] = Field(description="of each model, in the order asked for")


class Results(BaseModel):
    """The answers for all pictures, in their order."""

    results: list[Result]


class Tested(BaseModel):
    """What came out on the test pictures."""

    accuracy: float
    interval: list[float] = Field(description="95%")
    count: int


class Model(BaseModel):
    """A model that is served."""

    name: str
    classes: list[str]
    input_shape: list[int] = Field(description="channels, height, width")
    data_name: str
    sketches: bool = Field(description="whether the data are the program's own drawings")
    fitted_on: str = Field(description="what confidence and threshold were fitted on")
    threshold: float
    test: Tested
    matrix: str | None = Field(description="page of what it confuses")


class Health(BaseModel):
    """Whether the server runs."""

    status: str = Field(examples=["ok"])
    models: int


REASONS = {
    400: "the form is broken, empty, or has other fields",
    403: "the request is for another host, or from the page of another site",
    404: "there is nothing of that name",
    408: "the body came too slowly",
    413: "too many bytes or files",
    415: "neither a form nor a picture",
    422: "no picture that can be read, too many pixels, much longer than wide, or a parameter that "
    "makes no sense",
    503: "the server has too much to do, or is stopping; see Retry-After",
}


REFUSAL = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of refusals with these statuses, of a route that speaks JSON."""
    return {
        status: {"model": Refusal, "description": REASONS[status]} for status in (*statuses, 403)
    }


def refusals_in_json(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the same of a route that speaks otherwise: FastAPI would take its content type."""
    return {
        status: {"content": REFUSAL, "description": REASONS[status]} for status in (*statuses, 403)
    }


BINARY = {"type": "string", "format": "binary"}
PICTURES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One or several pictures, at most 64 and 10 MB in all",
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "additionalProperties": False,
                    "properties": {
                        FIELD: {"type": "array", "items": BINARY, "minItems": 1, "maxItems": 64}
                    },
                }
            },
            "image/*": {"schema": BINARY},
            "application/octet-stream": {"schema": BINARY},
        },
    }
}
EXAMPLE = {
    "results": [
        {
            "name": "boot.jpg",
            "answers": [
                {
                    "model": "fashion-mnist-three-layer-seed0",
                    "answer": "Ankle boot",
                    "confidence": 0.98,
                    "ranked": [
                        {"class": "Ankle boot", "probability": 0.98},
                        {"class": "Sneaker", "probability": 0.02},
                    ],
                    "novelty": 1.2,
                    "threshold": 5.4,
                    "believable": True,
                    "warnings": [],
                    "negated": True,
                    "box": [12, 30, 420, 300],
                    "shown_size": [448, 336],
                    "seen": None,
                    "heat": None,
                }
            ],
        }
    ]
}
