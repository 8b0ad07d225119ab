"""S3 on loopback, answered by moto: buckets and objects by S3's API, in memory."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from tests.free_ports import free_port

__all__ = ["ObjectStorage", "running_object_storage"]

_REGION = "us-east-1"


@dataclass(kw_only=True)
class ObjectStorage:
    """A running server, and how to stop and start it again; what is in it stays."""

    port: int
    secret: str
    """The key that its clients sign with."""
    bucket: str = field(default_factory=lambda: f"state-{secrets.token_hex(4)}")
    """Of this server alone: what moto keeps, it keeps for the whole process."""
    _server: ThreadedMotoServer | None = field(default=None, init=False)

    @property
    def environment(self) -> dict[str, str]:
        """What the engine needs to keep its state there."""
        options = f"region={_REGION}&endpoint=http://127.0.0.1:{self.port}&use_path_style=true"
        return {
            "PULUMI_BACKEND_URL": f"s3://{self.bucket}?{options}",
            "AWS_ACCESS_KEY_ID": "pulumi",
            "AWS_SECRET_ACCESS_KEY": self.secret,
            # moto sends no checksums, which the client would remark on each time.
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }

    def start(self) -> None:
        """Start the server; it answers when this returns."""
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def create_bucket(self) -> None:
        """Make the bucket of the state."""
        self._client().create_bucket(Bucket=self.bucket)

    def stored(self) -> bytes:
        """Everything that is in the bucket, one object after the other."""
        client = self._client()
        listed = client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return b"".join(client.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read() for each in listed)

    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=_REGION,
            aws_access_key_id="pulumi",
            aws_secret_access_key=self.secret,
        )


@contextmanager
def running_object_storage() -> Iterator[ObjectStorage]:
    """A server with an empty bucket for the length of the block."""
    server = ObjectStorage(port=free_port(), secret=secrets.token_hex(20))
    server.start()
    try:
        server.create_bucket()
        yield server
    finally:
        server.stop()
