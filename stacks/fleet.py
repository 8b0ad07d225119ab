"""The whole fleet, read and cross-checked before any resource exists, with every offender reported at once."""

from __future__ import annotations

from pathlib import Path

from stacks.cross_checks import check_fleet
from stacks.fleet_files import parse_fleet, read_fleet
from stacks.fleet_model import DATA, ENVIRONMENT_REPOSITORY, Fleet, FleetDocuments
from stacks.problems import Collector

__all__ = ["DATA", "ENVIRONMENT_REPOSITORY", "Fleet", "load_fleet", "resolve_fleet"]


def load_fleet(data: Path = DATA) -> Fleet:
    """Read and cross-check the fleet.

    Args:
        data: the directory with the fleet's files.

    Raises:
        ConfigurationError: with every problem of every file.
    """
    collector = Collector()
    return resolve_fleet(read_fleet(data, collector), collector, root=data.name)


def resolve_fleet(documents: FleetDocuments, collector: Collector | None = None, *, root: str = DATA.name) -> Fleet:
    """Return the fleet that the files describe.

    Args:
        documents: the files, in any order.
        collector: the problems that are known already.
        root: what people call the directory with the files.

    Raises:
        ConfigurationError: with every problem of every file.
    """
    collector = collector or Collector()
    fleet = parse_fleet(documents, collector)
    check_fleet(fleet, root, collector)
    collector.close()
    return fleet
