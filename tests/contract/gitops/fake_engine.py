"""A ``pulumi`` command that says what a test tells it to say."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FakeEngine", "kubernetes", "resource"]

_SCRIPT = """\
#!{python} -I
import json, os, sys, time
from pathlib import Path

words = [word for word in sys.argv[1:] if not word.startswith("-")]
options = dict(word[2:].partition("=")[::2] for word in sys.argv[1:] if word.startswith("--"))
if "event-log" in options and os.environ.get("PULUMI_DEBUG_COMMANDS") != "true":
    sys.exit("error: unknown flag: --event-log")
told = Path({told!r}) / f"{{'-'.join(words)}}-{{options['stack']}}.json"
with (Path({told!r}) / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if not told.exists():
    sys.exit(f"error: nobody told what to say: {{told.name}}")
answer = json.loads(told.read_text())
time.sleep(answer["seconds"])
if "event-log" in options:
    Path(options["event-log"]).write_text("".join(json.dumps(event) + "\\n" for event in answer["events"]))
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["code"])
"""


@dataclass(frozen=True, kw_only=True)
class FakeEngine:
    """Where the command is, and what it will say."""

    directory: Path
    """To be put on PATH."""

    @classmethod
    def into(cls, directory: Path) -> FakeEngine:
        """Write the command."""
        directory.mkdir()
        command = directory / "pulumi"
        command.write_text(_SCRIPT.format(python=sys.executable, told=str(directory)))
        command.chmod(0o755)
        return cls(directory=directory)

    def says(
        self,
        command: str,
        stack: str,
        *,
        events: Sequence[Mapping[str, Any]] = (),
        out: str = "",
        err: str = "",
        code: int = 0,
        seconds: float = 0,
    ) -> None:
        """Tell what a command will say about a stack; a command of two words has a hyphen here."""
        answer = {"events": list(events), "out": out, "err": err, "code": code, "seconds": seconds}
        (self.directory / f"{command}-{stack}.json").write_text(json.dumps(answer))

    def has(self, stack: str, *resources: Mapping[str, Any]) -> None:
        """Tell a stack's state, and that nothing differs from it."""
        self.says("stack-export", stack, out=json.dumps({"deployment": {"resources": list(resources)}}))
        self.says("preview", stack)
        self.says("refresh", stack)

    @property
    def calls(self) -> list[str]:
        """The command lines so far."""
        file = self.directory / "calls"
        return file.read_text().splitlines() if file.exists() else []


def resource(token: str, name: str, number: str = "", /, *, stack: str = "dev", **properties: Any) -> dict[str, Any]:
    """A resource in a stack's state."""
    urn = f"urn:pulumi:{stack}::bighpc::{token}::{name}"
    return {"urn": urn, "type": token, "id": number, "inputs": {}, "outputs": properties}


def kubernetes(kind: str, name: str, namespace: str = "", api: str = "core/v1") -> dict[str, Any]:
    """A Kubernetes object in a stack's state."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return resource(f"kubernetes:{api}:{kind}", name, f"{namespace}/{name}".strip("/"), kind=kind, metadata=metadata)
