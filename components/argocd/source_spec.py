"""Where an application's manifests come from, as data: a Kustomize overlay, a directory, or a chart."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from components.invariants.delivery import is_exact_version
from components.naming import is_web_url, overlay_path
from components.spec import DnsLabel, LabelKey, RegistryPlace, RelativePath, Spec, Text, refusal, ruled

__all__ = [
    "ChartName",
    "ChartRepository",
    "ChartSource",
    "DirectorySource",
    "EnvironmentParameters",
    "ExactVersion",
    "HelmSource",
    "InstalledChartSpec",
    "KustomizeSource",
    "OciSource",
    "OciUrl",
    "Source",
    "merged_values",
    "source_of",
]

ExactVersion = Annotated[
    str,
    ruled(
        is_exact_version,
        "one exact version: three numbers, then possibly a suffix; no range, no 'latest'",
        "write a version such as '4.4.0'",
    ),
]


def _is_oci_url(value: str) -> bool:
    return value.startswith("oci://") and is_web_url(value.replace("oci://", "https://", 1))


HelmUrl = Annotated[
    str,
    ruled(
        is_web_url,
        "the http or https address of a Helm repository, without user or password",
        "use an address such as 'https://charts.example.org'; for one with oci:// set type: oci",
    ),
]
OciUrl = Annotated[
    str,
    ruled(
        _is_oci_url,
        "the address of an artifact in an OCI registry, without user, password or tag",
        "use an address such as 'oci://registry.example.org/charts/jupyterhub'",
    ),
]
ChartRepository = Annotated[
    str,
    ruled(
        lambda value: is_web_url(value) or _is_oci_url(value),
        "the http or https address of a Helm repository, or a chart's oci address, without user, password or tag",
        "use an address such as 'https://charts.example.org' or 'oci://registry.example.org/charts/<chart>'",
    ),
]
"""Where this program itself fetches a chart from."""
ChartName = Annotated[
    str,
    ruled(
        lambda value: value.replace("-", "").replace("_", "").replace(".", "").isalnum() and value == value.lower(),
        "a chart's name: lower-case letters, digits, '-', '_' and '.'",
        "use a name such as 'jupyterhub'",
    ),
]
Image = Annotated[
    str,
    ruled(
        lambda value: not any(map(str.isspace, value)) and (":" in value.rpartition("/")[2] or "@sha256:" in value),
        "an image with the tag or the digest that replaces the overlay's, possibly after '<name>='",
        "write an image such as 'hello=registry.example.org/hello:1.2.0'",
    ),
]
Values = dict[str, JsonValue]
"""A chart's values."""


class KustomizeSource(Spec):
    """An overlay in the application's repository."""

    type: Literal["kustomize"] = "kustomize"
    path: RelativePath | None = None
    """By default ``applications/<name>/overlays/<environment>``."""


class DirectorySource(Spec):
    """Plain manifests in the application's repository."""

    type: Literal["directory"]
    path: RelativePath
    recurse: bool = False
    """Whether directories below count too."""


class HelmSource(Spec):
    """A chart of a Helm repository."""

    type: Literal["helm"]
    repository: HelmUrl
    chart: ChartName
    version: ExactVersion
    values: Values = Field(default_factory=dict)


class OciSource(Spec):
    """A chart, or manifests, in an OCI registry."""

    type: Literal["oci"]
    repository: OciUrl
    version: ExactVersion
    values: Values = Field(default_factory=dict)


class InstalledChartSpec(Spec):
    """A chart that this program itself installs: of a repository or an OCI mirror, or of a mirror on disk."""

    example: ClassVar[str]
    """A version that there is."""

    repository: ChartRepository | None = None
    """A Helm repository, or the chart's address in an OCI registry."""
    version: ExactVersion | None = None
    path: str | None = None
    image_registry: RegistryPlace | None = None
    """A mirror that the chart's images come from, such as ``registry.example.org/mirror``."""

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> InstalledChartSpec:
        if (self.path is None) == (self.repository is None):
            raise refusal("a chart comes from a repository or from a path", "set one of repository and path")
        if self.repository is not None and self.version is None:
            raise refusal(
                "a chart of a repository has an exact version", f"set version, for example to '{self.example}'"
            )
        if self.path is not None and self.version is not None:
            raise refusal("the version of a chart on disk is its own", "leave out version")
        return self


ChartSource = Annotated[HelmSource | OciSource, Field(discriminator="type")]
"""Where a chart may come from."""

Source = Annotated[KustomizeSource | DirectorySource | HelmSource | OciSource, Field(discriminator="type")]
"""What may stand under ``source``."""


class EnvironmentParameters(Spec):
    """What differs in one environment."""

    version: ExactVersion | None = None
    """Another version of the chart."""
    values: Values = Field(default_factory=dict)
    """Over the source's own, key by key; a list replaces a list."""
    images: tuple[Image, ...] = ()
    """Images that replace those of the Kustomize overlay."""
    components: tuple[DnsLabel, ...] = ()
    """Kustomize components that are built into the overlay, ``../../components/<name>`` as seen from there."""
    annotations: dict[LabelKey, Text] = Field(default_factory=dict)
    """Annotations of everything that the overlay makes, pods too: pods start anew when one changes."""


def merged_values(values: Values, over: Values) -> Values:
    """Return a chart's values with others over them, as Helm merges files: key by key, lists as a whole."""
    merged = dict(values)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merged_values(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def source_of(
    source: KustomizeSource | DirectorySource | HelmSource | OciSource,
    parameters: EnvironmentParameters,
    *,
    name: str,
    environment: str,
    branch: str,
) -> dict[str, Any]:
    """Return the source of one environment as Argo CD reads it; of a repository in git without its address.

    Args:
        source: what git says about the source.
        parameters: what differs in this environment.
        name: the application's name.
        environment: the environment's name.
        branch: the branch of the repository that drives it.
    """
    match source:
        case KustomizeSource():
            overlay = {"targetRevision": branch, "path": source.path or overlay_path(name, environment)}
            changes = {
                "images": list(parameters.images),
                "components": [f"../../components/{each}" for each in parameters.components],
                "commonAnnotations": dict(parameters.annotations),
            }
            wanted = {key: value for key, value in changes.items() if value}
            return {**overlay, "kustomize": wanted} if wanted else overlay
        case DirectorySource():
            return {"targetRevision": branch, "path": source.path, "directory": {"recurse": source.recurse}}
        case HelmSource():
            place: dict[str, Any] = {"repoURL": source.repository, "chart": source.chart}
        case OciSource():
            place = {"repoURL": source.repository, "path": "."}
    values = merged_values(source.values, parameters.values)
    chart = {**place, "targetRevision": parameters.version or source.version}
    # The release is named after the application, not after its Application object: names of objects stay short.
    return {**chart, "helm": {"releaseName": name, "valuesObject": values}} if values else chart
