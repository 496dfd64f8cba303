"""What the server says where it does not answer: one clear sentence, and a status."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

SOON = 1  # seconds after which it is worth another try


class RefusedError(Exception):
    """A request that is not answered.

    Parameters
    ----------
    status
        Of HTTP, 4xx or 503.
    sentence
        What was expected, what was found, what to do.
    retry_after
        Seconds; None where the same request would be refused again.
    """

    def __init__(self, status: int, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after

    def response(self) -> JSONResponse:
        """Return what is sent."""
        later = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return refusal(self.status, self.sentence, later)


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response of a refusal."""
    return JSONResponse({"error": sentence}, status, headers)


def busy() -> RefusedError:
    """Return what is said where more is asked than can wait."""
    return RefusedError(
        503, "the server has as much to do as it can hold; try again in a moment", retry_after=SOON
    )


def stopping() -> RefusedError:
    """Return what is said while the server stops."""
    return RefusedError(
        503, "the server is stopping; try again once it runs again", retry_after=SOON
    )
