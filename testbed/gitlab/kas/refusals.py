"""Refusals in the agent server's form: Kubernetes' own error objects, so that ``kubectl`` shows them."""

from __future__ import annotations

from starlette.responses import JSONResponse

__all__ = ["RefusedError"]

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class RefusedError(Exception):
    """Ends a request. The message is what people see; it holds no token."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def response(self) -> JSONResponse:
        """The error object; a header tells GitLab's refusal from one of the cluster."""
        content = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": f"GitLab Agent Server: {self}",
            "reason": _REASONS.get(self.status, ""),
            "code": self.status,
        }
        return JSONResponse(content, self.status, {"Gitlab-Unauthorized": "true"} if self.status == 401 else None)
