from __future__ import annotations

import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from testbed.context import Context
from testbed.images import push_program_image, registry
from testbed.processes import NotReadyError

IMAGE = "registry.bighpc.test/pause:1"


class Registry(http.server.BaseHTTPRequestHandler):
    """Knows the digest of at most one manifest."""

    digest: ClassVar[str | None] = None

    def do_HEAD(self) -> None:
        self.send_response(200 if self.digest else 404)
        if self.digest:
            self.send_header("Docker-Content-Digest", self.digest)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def with_registry(context: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    with http.server.HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setitem(context.ports, "registry", server.server_address[1])
        yield context
        server.shutdown()
        thread.join()


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, bytes]]:
    """Every image layout that was pushed, as files by name."""
    layouts: list[dict[str, bytes]] = []

    def crane(*command: object, limit_s: float) -> str:
        directory = Path(str(command[-2]))
        files = (path for path in directory.rglob("*") if path.is_file())
        layouts.append({str(path.relative_to(directory)): path.read_bytes() for path in files})
        return ""

    monkeypatch.setattr(registry, "run", crane)
    return layouts


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "pause"
    path.write_bytes(b"\x7fELF program")
    return path


def test_the_image_holds_the_program_alone_and_runs_it_as_nobody(
    with_registry: Context, pushed: list[dict[str, bytes]], program: Path
) -> None:
    name = push_program_image(with_registry, program, IMAGE)
    (layout,) = pushed
    digest = json.loads(layout["index.json"])["manifests"][0]["digest"]
    assert name == f"{IMAGE}@{digest}"

    def blob(digest: str) -> bytes:
        content = layout[f"blobs/sha256/{digest.removeprefix('sha256:')}"]
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
        return content

    manifest = json.loads(blob(digest))
    config = json.loads(blob(manifest["config"]["digest"]))
    assert config["config"]["Entrypoint"] == ["/pause"]
    assert config["config"]["User"] == "65532:65532"
    (layer,) = manifest["layers"]
    with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"]))) as archive:
        (entry,) = archive.getmembers()
        assert (entry.name, entry.mode) == ("pause", 0o755)
        file = archive.extractfile(entry)
        assert file is not None
        assert file.read() == program.read_bytes()


def test_an_image_that_is_there_is_not_pushed_again(
    with_registry: Context, pushed: list[dict[str, bytes]], program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = push_program_image(with_registry, program, IMAGE)
    monkeypatch.setattr(Registry, "digest", name.rpartition("@")[2])
    assert push_program_image(with_registry, program, IMAGE) == name
    assert len(pushed) == 1


def test_another_program_under_the_same_tag_is_pushed(
    with_registry: Context, pushed: list[dict[str, bytes]], program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = push_program_image(with_registry, program, IMAGE)
    monkeypatch.setattr(Registry, "digest", name.rpartition("@")[2])
    program.write_bytes(b"\x7fELF other")
    assert push_program_image(with_registry, program, IMAGE) != name
    assert len(pushed) == 2


@pytest.mark.parametrize("image", ["docker.io/library/pause:1", "registry.bighpc.test/pause", "pause:1"])
def test_an_image_of_another_registry_is_refused(context: Context, program: Path, image: str) -> None:
    with pytest.raises(ValueError, match="write registry.bighpc.test/REPOSITORY:TAG"):
        push_program_image(context, program, image)


def test_a_registry_that_does_not_answer_is_waited_for(
    context: Context, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(context.ports, "registry", 1)
    with pytest.raises(NotReadyError, match="registry"):
        push_program_image(context, program, IMAGE)
