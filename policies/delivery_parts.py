"""The parts of what Argo CD and the operator read."""

from __future__ import annotations

from base64 import b64decode
from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError

from policies.parts import Part, Parts, Properties, each, each_entry, known, look

__all__ = [
    "configuration",
    "project_limits",
    "repository",
    "sources",
    "stack_settings",
]

_REPOSITORY_LABEL: Final = "argocd.argoproj.io/secret-type"


_REPOSITORIES: Final = frozenset({"repository", "repo-creds", "repository-write", "repo-write-creds"})


def project_limits(props: Properties) -> Iterator[Part]:
    """The repositories and the destinations that an Argo CD project allows."""
    yield from each("spec", "sourceRepos")(props)
    yield from each("spec", "destinations")(props)


stack_settings = each_entry(
    ("spec", "config"),
    ("spec", "secrets"),
    ("spec", "envRefs"),
    ("spec", "secretsRef"),
    ("spec", "gitAuth"),
    ("spec", "gitAuth", "basicAuth"),
    ("spec", "gitAuth", "sshAuth"),
)
"""What of an operator's Stack object may be a secret, each as a mapping of one key."""


def configuration(name: str) -> Parts:
    """The entries of the ConfigMap of that name, each as a mapping of one key."""

    def parts(props: Properties) -> Iterator[Part]:
        called = known(look, props, "metadata", "name")
        if isinstance(called, UnknownValueError):
            yield Part(value=called)
        elif called == name:
            yield from each_entry(("data",))(props)

    return parts


def repository(props: Properties) -> Iterator[Part]:
    """The contents of a secret by which Argo CD knows a repository, as text."""
    labels = known(look, props, "metadata", "labels")
    kind = labels if isinstance(labels, UnknownValueError) else known(look, labels, _REPOSITORY_LABEL)
    if isinstance(kind, UnknownValueError):
        yield Part(value=kind)
    elif kind in _REPOSITORIES:
        yield Part(value=known(_texts, props))


def _texts(props: Properties) -> Properties:
    return ChainMap(props.get("stringData") or {}, _Decoded(props.get("data") or {}))  # type: ignore[arg-type]  # only read


class _Decoded(Mapping[str, Any]):
    """A secret's data, decoded when it is read."""

    def __init__(self, encoded: Properties) -> None:
        self._encoded = encoded

    def __getitem__(self, key: str) -> str:
        try:
            return b64decode(self._encoded[key], validate=True).decode()
        except (ValueError, TypeError):
            return ""  # Kubernetes will not take it either

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)


def sources(props: Properties) -> Iterator[Part]:
    """The sources of an Argo CD application."""
    single = known(look, props, "spec", "source")
    if single is not None:
        yield Part(value=single)
    yield from each("spec", "sources")(props)
