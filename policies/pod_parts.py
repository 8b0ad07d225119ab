"""The pods and containers of a workload, wherever its kind has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from policies.parts import Part, Parts, Properties, at, elements, known, look

__all__ = [
    "containers",
    "containers_in_pods",
    "each_field",
    "images",
    "jobs",
    "main_containers",
    "pods",
    "pods_each",
]


def _pods(props: Properties) -> Iterator[Any]:
    """Yield the pod's spec, wherever the kind has it."""
    for path in (("spec", "jobTemplate", "spec", "template"), ("spec", "template"), ("template",), ()):
        pod = known(look, props, *path, "spec")
        if pod is not None:
            yield pod
            return


def pods(props: Properties) -> Iterator[Part]:
    """The pod."""
    return (Part(value=pod) for pod in _pods(props))


def each_field(*names: str) -> Parts:
    """These fields of the pod, each as a mapping of one key."""

    def parts(props: Properties) -> Iterator[Part]:
        for pod in _pods(props):
            for name in names:
                value = pod if isinstance(pod, UnknownValueError) else known(look, pod, name)
                yield Part(value=value if isinstance(value, UnknownValueError) else {name: value})

    return parts


def pods_each(*path: str) -> Parts:
    """The elements of the list at a path in the pod."""

    def parts(props: Properties) -> Iterator[Part]:
        for pod in _pods(props):
            found = pod if isinstance(pod, UnknownValueError) else known(look, pod, *path)
            yield from (Part(value=element) for element in elements(found))

    return parts


def _containers(props: Properties, *lists: str) -> Iterator[Part]:
    for pod in _pods(props):
        if isinstance(pod, UnknownValueError):
            yield Part(value=pod)
            continue
        for name in lists:
            for container in elements(known(look, pod, name)):
                unknown = isinstance(container, UnknownValueError)
                label = "" if unknown else f"container {known(look, container, 'name')}"
                yield Part(value=container, where=label, more=(pod,))


def containers_in_pods(props: Properties) -> Iterator[Part]:
    """Every container of the pod, together with the pod."""
    return _containers(props, "containers", "initContainers", "ephemeralContainers")


def containers(props: Properties) -> Iterator[Part]:
    """Every container of the pod."""
    return (Part(value=part.value, where=part.where) for part in containers_in_pods(props))


def main_containers(props: Properties) -> Iterator[Part]:
    """The containers that run as long as the pod."""
    return (Part(value=part.value, where=part.where) for part in _containers(props, "containers"))


def images(props: Properties) -> Iterator[Part]:
    """The image of every container."""
    for part in containers(props):
        image = part.value if isinstance(part.value, UnknownValueError) else known(look, part.value, "image")
        if image is not None:
            yield Part(value=image, where=part.where)


def jobs(props: Properties) -> Iterator[Part]:
    """The job, of a CronJob too."""
    job = known(look, props, "spec", "jobTemplate", "spec")
    yield from at("spec")(props) if job is None else [Part(value=job)]
