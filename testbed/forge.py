"""The GitLab double as a supervised process."""

from __future__ import annotations

import sys

from testbed.context import Context
from testbed.files import private_directory
from testbed.gitlab.settings import VERSION
from testbed.probes import http_probe
from testbed.processes import Kind, Process

__all__ = ["gitlab"]


def gitlab(context: Context) -> Process:
    """GitLab's API and Git over HTTP, on loopback."""
    address = f"127.0.0.1:{context.ports['gitlab']}"
    url = f"http://{address}"
    return Process(
        name="gitlab",
        kind=Kind.DOUBLE,
        version=VERSION,
        command=(
            sys.executable,
            "-m",
            "testbed.gitlab",
            f"--data={private_directory(context.layout.data / 'gitlab')}",
            f"--listen={address}",
            f"--external-url={url}",
            f"--root-token-file={context.secret_file('gitlab-root-token')}",
            f"--bot-token-file={context.secret_file('gitlab-token')}",
        ),
        probe=http_probe(f"{url}/-/readiness"),
        url=url,
    )
