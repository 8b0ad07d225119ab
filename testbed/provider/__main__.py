"""``python -m testbed.provider [ENGINE]``: the process behind ``pulumi-resource-gitlab``."""

from __future__ import annotations

from testbed.provider.servicer import Provider
from testbed.pulumirpc import provider_pb2_grpc
from testbed.pulumirpc.plugin import serve


def main() -> None:
    """Serve until the engine ends us."""
    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server), lambda: None)


if __name__ == "__main__":
    main()
