"""``python -m testbed.gitlab.kas``: run the agent server until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import uvicorn
from lightkube import KubeConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.models import User

from testbed.gitlab.kas.agents import Agents
from testbed.gitlab.kas.gitlab_api import GitLabApi
from testbed.gitlab.kas.proxy import application
from testbed.gitlab.listening import listen, loopback, serve_until_told, web_address

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the agent server.

    Returns:
        0 after SIGTERM or SIGINT, 1 when it cannot start.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        with listen(*options.listen) as listener:
            place = KubeConfig.from_file(str(options.kubeconfig)).get()
            if place is None:
                raise OSError(f"{options.kubeconfig} has no current context; give a kubeconfig that has one")
            gitlab = GitLabApi(options.gitlab, options.secret_file.read_text().strip())
            served = application(
                gitlab,
                Agents(place, gitlab),
                place.cluster.server,
                # Without the user: the proxy's own certificate must not speak for the callers.
                verify_cluster(place.cluster, User(), place.abs_file, trust_env=False),
            )
            configuration = uvicorn.Config(
                served,
                access_log=False,
                log_config=None,
                server_header=False,
                # Upgrades are refused in words; a WebSocket would be refused without any.
                ws="none",
                timeout_graceful_shutdown=5,
                ssl_certfile=options.certificate,
                ssl_keyfile=options.key,
            )
            return serve_until_told(configuration, listener)
    except OSError as error:
        sys.stderr.write(f"gitlab agent server: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.gitlab.kas", description=__doc__)
    parser.add_argument("--gitlab", type=web_address, required=True, help="GitLab's address")
    parser.add_argument("--secret-file", type=Path, required=True, help="what we prove ourselves with to GitLab")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="of a user who may look for agents")
    parser.add_argument("--listen", type=loopback, required=True, help="127.0.0.1:PORT")
    # Clients of Kubernetes send no token where nothing is encrypted.
    parser.add_argument("--certificate", type=Path, required=True, help="to serve with")
    parser.add_argument("--key", type=Path, required=True, help="the certificate's private key")
    return parser


if __name__ == "__main__":
    sys.exit(main())
