"""The OpenAPI 3.1 document of the HTTP surface, made from the messages and their comments."""

from service.http.openapi.document import openapi_document

__all__ = ["openapi_document"]
