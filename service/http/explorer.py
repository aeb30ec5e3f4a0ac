"""The attention explorer: its page at `/`, and the files that the page loads."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heed.page import INDEX, PageFile, page_files

POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
"""What the page may do: load its own files, ask its own gateway, and nothing else."""

_A_YEAR_S: Final = 31_536_000
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def explorer_routes() -> list[Route]:
    """A route for each file of the page. The page itself is no secret and needs no API key."""
    return [
        Route("/" if file.name == INDEX else f"/{file.name}", _Sent(file).answer, methods=["GET"])
        for file in page_files()
    ]


class _Sent:
    """Answers with a file, or with 304 to who has it already.

    Args:
        file: The file.
    """

    def __init__(self, file: PageFile) -> None:
        self._file = file
        self._headers = {
            **_HEADERS,
            "content-type": file.media_type,
            "cache-control": _cache_control(file),
            # Weak, since the same file may be sent compressed or not.
            "etag": f'W/"{file.sha256}"',
        }

    async def answer(self, request: Request) -> Response:
        """GET: the file."""
        known = request.headers.get("if-none-match", "")
        if any(self._file.sha256 in tag for tag in known.split(",")):
            return Response(status_code=304, headers=self._headers)
        return Response(self._file.content, headers=self._headers)


def _cache_control(file: PageFile) -> str:
    """Files whose name holds their hash are kept; the page, which names them, is asked for anew."""
    return f"public, max-age={_A_YEAR_S}, immutable" if file.is_immutable else "no-cache"
