"""Keeps the cluster's simulated nodes as environments declare their hardware."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import httpx2
from lightkube import ApiError, Client, codecs
from lightkube.resources.core_v1 import ConfigMap, Node

from testbed.cluster.hardware.nodes import HARDWARE_MAP, MANAGER, Declaration, Observed, digest_of, parse, wanted

__all__ = ["Simulator"]

log = logging.getLogger(__name__)

_ENVIRONMENT = "bighpc.io/environment"
_MANAGED = "app.kubernetes.io/managed-by"


@dataclass(kw_only=True)
class Simulator:
    """Looks at the maps every few seconds; at the nodes only when a map has changed, or was not looked at for long."""

    api: Client
    interval: float = 3.0
    """Seconds between looks at the maps."""
    patience: int = 20
    """Looks after which the nodes are compared though no map has changed."""
    _seen: dict[str, str] = field(default_factory=dict)
    _looks: int = 0

    def run(self, ending: threading.Event, ready: Callable[[], object]) -> None:
        """Keep the nodes until told to end; what the API server refuses is logged and tried again.

        Args:
            ending: set from elsewhere to end it.
            ready: called whenever the nodes were found, or made, as they should be.
        """
        while not ending.is_set():
            try:
                self.look()
            except (ApiError, httpx2.HTTPError) as error:
                log.warning("API server: %s; trying again", error or type(error).__name__)
                self._seen = {}
            else:
                ready()
            ending.wait(self.interval)

    def look(self) -> None:
        """Compare once."""
        maps = list(self.api.list(ConfigMap, namespace="*", fields={"metadata.name": HARDWARE_MAP}))
        seen = {each.metadata.uid or "": each.metadata.resourceVersion or "" for each in maps if each.metadata}
        self._looks += 1
        if seen == self._seen and self._looks % self.patience:
            return
        self._compare(list(_declarations(maps)))
        self._seen = seen

    def _compare(self, declarations: Iterable[Declaration]) -> None:
        nodes = list(self.api.list(Node))
        labels = {node.metadata.name or "": node.metadata.labels or {} for node in nodes if node.metadata}
        ours = {name for name, each in labels.items() if each.get(_MANAGED) == MANAGER}
        real = [Observed(labels=each) for name, each in labels.items() if name not in ours]
        target, left_out = wanted(declarations, real)
        if left_out:
            log.warning("%d nodes are not simulated: more than %d would slow this machine down", left_out, len(target))
        present = {
            node.metadata.name: digest_of({"metadata": {"annotations": node.metadata.annotations}})
            for node in nodes
            if node.metadata and node.metadata.name in ours
        }
        stale = [name for name, digest in present.items() if name not in target or digest != digest_of(target[name])]
        for name in stale:
            self.api.delete(Node, str(name))
        missing = [name for name in target if name not in present or name in stale]
        for name in missing:
            self.api.create(codecs.from_dict(target[name]))
        if stale or missing:
            log.info("%d nodes removed, %d made, %d in all", len(stale), len(missing), len(target))


def _declarations(maps: Iterable[ConfigMap]) -> Iterator[Declaration]:
    for each in maps:
        if each.metadata is None:
            continue
        environment = (each.metadata.labels or {}).get(_ENVIRONMENT) or str(each.metadata.namespace)
        try:
            yield from list(parse(environment, each.data or {}))
        except ValueError as error:
            log.warning("%s: %s", each.metadata.namespace, error)
