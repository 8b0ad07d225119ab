"""What browsers may load and where forms may lead."""

from __future__ import annotations

__all__ = ["content_policy"]


def content_policy(form_action: str = "'self'") -> str:
    """The value of ``Content-Security-Policy``: the page's own files, and nothing else.

    Args:
        form_action: where forms may lead, redirects that follow included.
    """
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
