"""``python -m testbed.language [ENGINE]``: the process behind ``pulumi-language-python``."""

from __future__ import annotations

import sys

from testbed.language.children import Children
from testbed.language.host import LanguageHost
from testbed.pulumirpc import language_pb2_grpc
from testbed.pulumirpc.plugin import serve


def main() -> None:
    """Serve until the engine ends us; its address comes last on the command line."""
    children = Children()
    engine = sys.argv[-1] if len(sys.argv) > 1 else ""
    host = LanguageHost(engine, children)
    serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), children.close)


if __name__ == "__main__":
    main()
