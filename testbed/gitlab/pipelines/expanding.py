"""Expanding a configuration with gitlab-ci-local: ``extends``, ``!reference``, ``default``, and GitLab's JSON schema.

The program evaluates ``rules: if`` as JavaScript and reads files that includes name. So it is given neither: includes
are resolved before (`includes`), every expression stands behind a harmless name while it runs, and it sees nothing but
one file in an empty directory.
"""

from __future__ import annotations

import copy
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from testbed.gitlab.pipelines.complaints import translated
from testbed.gitlab.pipelines.configuration import ConfigurationError, Reference

__all__ = ["NO_JOBS", "Expander"]

LIMIT_S = 60
"""Seconds that one run may take."""

MEMORY_MB = 512
"""Heap of one run."""

AT_ONCE = 2
"""Runs side by side; whoever else asks waits."""

# The schema that GitLab publishes demands a tag where there is a list; GitLab itself does not.
_ARGUMENTS = ("--preview", "--no-color", "--cwd=.", "--ignore-schema-paths=#/definitions/tags/minItems")

_LONGEST_CHAIN = 10
"""References that lead to each other."""

_REMEMBERED = 200
"""Expanded configurations that are kept: most pipelines of a project have the same one."""

_INHERITED = ("hooks", "id_tokens", "identity", "interruptible", "retry", "tags", "timeout")
"""Keywords of ``default`` that the program does not hand on."""

NO_JOBS = frozenset(
    {
        "after_script",
        "before_script",
        "cache",
        "default",
        "image",
        "include",
        "services",
        "spec",
        "stages",
        "variables",
        "workflow",
    }
)
"""Keys at the top of a configuration that are no jobs."""


class _Loader(yaml.SafeLoader):
    """YAML as the program writes it: of version 1.2, where ``12:30`` and ``yes`` are text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


class Expander:
    """Runs the program, and remembers what came out."""

    def __init__(self, program: Path | None) -> None:
        self._program = program
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._mark = f"$HIDDEN_{secrets.token_hex(8)}_"

    def expand(self, document: dict[str, Any]) -> dict[str, Any]:
        """A configuration without ``extends``, ``!reference`` and ``default``.

        Raises:
            ConfigurationError: when GitLab would refuse it.
        """
        for name, job in document.items():
            if name not in NO_JOBS and not name.startswith(".") and not isinstance(job, dict):
                raise ConfigurationError(f"jobs:{name} config should be a hash")
        vault = _Vault(self._mark, document)
        text = json.dumps(vault.hide(document), default=str)
        key = sha256(text.encode()).hexdigest()
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = self._run(text, document)
            with self._lock:
                self._known[key] = known
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        found = yaml.load(known, _Loader)  # noqa: S506 - a subclass of the safe loader
        return _finished(vault.show(found), document)

    def _run(self, text: str, document: dict[str, Any]) -> str:
        """The expanded configuration as the program left it."""
        if self._program is None or not self._program.exists() or shutil.which("node") is None:
            raise ConfigurationError("This GitLab compiles no pipelines: gitlab-ci-local or Node.js is not installed")
        with self._turns, tempfile.TemporaryDirectory(prefix="ci-") as directory:
            Path(directory, ".gitlab-ci.yml").write_text(text)
            command = [str(self._program), *_ARGUMENTS]
            code, output = _bounded(command, directory)
            result = Path(directory, ".gitlab-ci-local/expanded-gitlab-ci.yml")
            if code == 0 and result.exists():
                return result.read_text()
        raise ConfigurationError(translated(output, document))


def _bounded(command: list[str], directory: str) -> tuple[int, str]:
    """Run a program in a process group of its own, with an environment that knows nothing of ours."""
    environment = {
        "HOME": directory,
        "LC_ALL": "C.UTF-8",
        "NODE_OPTIONS": f"--max-old-space-size={MEMORY_MB}",
        "PATH": os.environ.get("PATH", os.defpath),
    }
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, output = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise ConfigurationError(f"The configuration took more than {LIMIT_S} seconds to compile") from None
    return process.returncode, output


class _Vault:
    """What the program must not see, or would refuse, while it works: conditions, and variables in their long form."""

    def __init__(self, mark: str, document: dict[str, Any]) -> None:
        self._mark = mark
        self._document = document
        self._kept: list[Any] = []

    def hide(self, value: Any, above: str | None = None) -> Any:
        """A copy for the program, references in its own form."""
        if isinstance(value, Reference):
            return {"referenceData": list(value.path)}
        if isinstance(value, list):
            return [self.hide(each) for each in value]
        if not isinstance(value, dict):
            return value
        found = {}
        for key, each in value.items():
            if key == "if":
                found[key] = self._keep(self._condition(each))
            elif above == "variables" and isinstance(each, dict):
                found[str(key)] = self._keep(each)
            else:
                found[str(key)] = self.hide(each, str(key))
        return found

    def show(self, value: Any) -> Any:
        """What the program made of the copy, with what was hidden in its place."""
        if isinstance(value, list):
            return [self.show(each) for each in value]
        if isinstance(value, dict):
            return {key: self.show(each) for key, each in value.items()}
        if isinstance(value, str) and value.startswith(self._mark):
            return self._kept[int(value.removeprefix(self._mark))]
        return value

    def _keep(self, value: Any) -> str:
        self._kept.append(value)
        return f"{self._mark}{len(self._kept) - 1}"

    def _condition(self, condition: Any) -> str:
        """The text of a condition, also where it stands elsewhere."""
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(condition, Reference):
                break
            path, condition = condition.path, self._document
            for key in path:
                condition = condition.get(key) if isinstance(condition, dict) else None
        if not isinstance(condition, str):
            raise ConfigurationError("rules:rule if should be a string")
        return condition


def _finished(found: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """What the program leaves out: some defaults, and members of caches, images and services that it does not use."""
    defaults = found.get("default") or {}
    originals = list(_mappings(document))
    for name, job in found.items():
        if name in NO_JOBS or name.startswith(".") or not isinstance(job, dict):
            continue
        allowed = (job.get("inherit") or {}).get("default", True)
        for keyword in _INHERITED:
            if keyword in defaults and keyword not in job and (allowed is True or keyword in (allowed or ())):
                job[keyword] = copy.deepcopy(defaults[keyword])
        for keyword, marks in (("cache", ("key", "paths")), ("services", ("name",))):
            job_entries = job.get(keyword)
            if isinstance(job_entries, list):
                job[keyword] = [_complete(each, originals, marks) for each in job_entries]
        if isinstance(job.get("image"), dict):
            job["image"] = _complete(job["image"], originals, ("name",))
    if not defaults:
        found.pop("default", None)
    return found


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _mappings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _mappings(each)


def _complete(entry: Any, originals: list[dict[str, Any]], marks: tuple[str, ...]) -> Any:
    """An entry with the members that it had in the file."""
    if not isinstance(entry, dict) or all(entry.get(mark) is None for mark in marks):
        return entry
    plain = {key: value for key, value in entry.items() if value is not None}
    for original in originals:
        if all(original.get(mark) == entry.get(mark) for mark in marks):
            return {**original, **plain}
    return plain
