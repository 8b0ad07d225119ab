"""What the images need of the testbed's registry: look up a digest, push a layout."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from testbed.commands import run
from testbed.context import Context
from testbed.images.oci import MANIFEST
from testbed.processes import NotReadyError

__all__ = ["push", "pushed_digest"]

_PUSH_LIMIT_S = 120


def pushed_digest(context: Context, repository: str, reference: str) -> str | None:
    """The digest of what the registry has under a tag or digest; none where it has nothing.

    Raises:
        NotReadyError: when the registry does not answer.
    """
    url = f"http://127.0.0.1:{context.ports['registry']}/v2/{repository}/manifests/{reference}"
    request = urllib.request.Request(url, method="HEAD", headers={"Accept": MANIFEST})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return str(answer.headers.get("Docker-Content-Digest"))
    except urllib.error.HTTPError as error:
        error.close()
        return None
    except OSError as error:
        raise NotReadyError(f"registry: {error}") from None


def push(context: Context, layout: Path, repository: str, suffix: str) -> None:
    """Push an image layout.

    Args:
        context: the testbed.
        layout: the layout's directory.
        repository: where to, without the registry's host.
        suffix: ``:TAG`` or ``@DIGEST``.

    Raises:
        UserError: when the registry refuses it.
    """
    reference = f"127.0.0.1:{context.ports['registry']}/{repository}{suffix}"
    run(context.tools.path("crane"), "push", "--insecure", layout, reference, limit_s=_PUSH_LIMIT_S)
