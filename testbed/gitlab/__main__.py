"""``python -m testbed.gitlab``: run the double until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import uvicorn

from testbed.gitlab.accounts import AccountsError, ensure_accounts
from testbed.gitlab.listening import listen, loopback, serve_until_told, web_address
from testbed.gitlab.server import build, create_forge
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import SchemaError

__all__ = ["main"]

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the double.

    Returns:
        0 after SIGTERM or SIGINT, 1 when it cannot start.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings(
        data=options.data.resolve(),
        external_url=options.external_url,
        registry=options.registry,
        gitlab_ci_local=options.gitlab_ci_local,
        kas_url=options.kas_url,
        kas_authority=options.kas_authority,
        kas_secret=options.kas_secret_file,
        id_token_seconds=options.id_token_seconds,
    )
    try:
        with listen(*options.listen) as listener:
            forge = create_forge(settings)
            ensure_accounts(forge.database, options.root_token_file, options.bot_token_file)
            log.info("listening on %s:%s as %s", *listener.getsockname()[:2], settings.external_url)
            configuration = uvicorn.Config(
                build(forge), access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=5
            )
            return serve_until_told(configuration, listener)
    except (AccountsError, SchemaError, OSError) as error:
        sys.stderr.write(f"gitlab double: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.gitlab", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory for everything that is kept")
    parser.add_argument("--listen", type=loopback, required=True, help="127.0.0.1:PORT")
    parser.add_argument("--external-url", type=web_address, required=True, help="address named in answers")
    parser.add_argument("--root-token-file", type=Path, required=True, help="token of the administrator, mode 0600")
    parser.add_argument("--bot-token-file", type=Path, help="token of the user bighpc-bot, mode 0600")
    parser.add_argument("--registry", help="HOST:PORT of the container registry that jobs are told of")
    parser.add_argument("--gitlab-ci-local", type=Path, help="program that expands pipelines' configurations")
    parser.add_argument("--kas-url", type=web_address, help="address of the agent server")
    parser.add_argument("--kas-authority", type=Path, help="certificate that the agent server's own is signed by")
    parser.add_argument("--kas-secret-file", type=Path, help="what the agent server proves itself with, mode 0600")
    parser.add_argument("--id-token-seconds", type=int, default=120, help="how long ID tokens are good for")
    return parser


if __name__ == "__main__":
    sys.exit(main())
