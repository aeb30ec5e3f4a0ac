"""Writes docs/errors.md from the gateway's error classes and their tables to gRPC and HTTP.

Usage: python tools/document_errors.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from service import errors
from service.api.error_table import STATUS_CODES
from service.http.errors import HTTP_STATUS, OWN_STATUS

PAGE = Path(__file__).parents[1] / "docs/errors.md"

HEAD = """\
# Errors

Made from the classes in `service/errors.py` by `make docs`; do not edit.

Every failure carries details of google.rpc, over gRPC in the trailer `grpc-status-details-bin`,
over HTTP in the body: `ErrorInfo` with the domain "heed", the reason below and metadata for
programs; `RequestInfo` with the request's id, which the gateway's log shows too; and what the
column *more* names.
No error holds a caller's text. A failure that is none of these is INTERNAL with a fixed message.

| reason | gRPC code | HTTP | what happened | more | try again? |
|---|---|---|---|---|---|
"""

TAIL = """
From the connection itself, before the gateway sees a request:

| gRPC code | what happened |
|---|---|
| RESOURCE_EXHAUSTED | the message is larger than `--max-message-bytes`; both sizes are named |
| UNAVAILABLE | nothing listens at the address |
| CANCELLED | the caller left |
"""


def _more(error: type[errors.ServiceError]) -> str:
    if issubclass(error, errors.InvalidRequestError):
        return "`BadRequest` with each field's path and limit"
    if issubclass(error, errors.OverloadedError):
        return "`RetryInfo`"
    return ""


def _advice(error: type[errors.ServiceError]) -> str:
    if issubclass(error, errors.OverloadedError):
        return "after the pause that `RetryInfo` names"
    if issubclass(error, errors.UnavailableError):
        return "yes"
    if issubclass(error, errors.DeadlinePassedError):
        return "with more time"
    if issubclass(error, errors.UnauthenticatedError):
        return "with another key"
    return "no"


def _row(error: type[errors.ServiceError]) -> str:
    summary = (error.__doc__ or "").strip().splitlines()[0]
    code = STATUS_CODES[error].name
    status = str(OWN_STATUS.get(error, HTTP_STATUS[code]))
    cells = [f"`{error.reason}`", code, status, summary, _more(error), _advice(error)]
    return "| " + " | ".join(cells) + " |"


def errors_page() -> str:
    """The page as Markdown."""
    rows = "\n".join(_row(error) for error in errors.leaf_errors())
    return HEAD + rows + "\n" + TAIL


def main() -> int:
    """Writes the page; with --check only says whether it is up to date."""
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.read_text() == errors_page() else 1
    PAGE.write_text(errors_page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
