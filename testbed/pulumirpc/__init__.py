"""Pulumi's gRPC stubs, out of the installed SDK but without the rest of it.

Importing ``pulumi.runtime.proto`` runs ``pulumi/__init__``, and with it the whole SDK: a quarter of a second each time
the engine starts one of our plugins. The generated modules import one another relatively, so this package lends them
its name and lets them be found where they are installed.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

__all__ = [
    "analyzer_pb2",
    "engine_pb2",
    "engine_pb2_grpc",
    "language_pb2",
    "language_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]

# What gRPC notes about peers that have ended would land in the engine's diagnostics.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

if TYPE_CHECKING:
    from pulumi.runtime.proto import (
        analyzer_pb2,
        engine_pb2,
        engine_pb2_grpc,
        language_pb2,
        language_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )
else:
    _sdk = importlib.util.find_spec("pulumi")
    if _sdk is None or _sdk.origin is None:
        raise ImportError("the package 'pulumi' is not installed in this environment: install the requirements")
    __path__.append(str(Path(_sdk.origin).parent / "runtime" / "proto"))
