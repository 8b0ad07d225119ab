"""Everything that is checked before the first resource exists."""

from __future__ import annotations

import pulumi

from stacks.fleet import Fleet, load_fleet
from stacks.identity import Identities, guard, recorded_identities
from stacks.preflight import Findings, preflight
from stacks.problems import Collector, ConfigurationError
from stacks.selection import select
from stacks.settings import Settings, load_settings, stack_file

__all__ = ["prepare"]


def prepare() -> tuple[Settings, Fleet, Findings]:
    """Return what this run is told, what of the fleet it runs, and what it runs against.

    Raises:
        ConfigurationError: with every problem of settings and fleet; or else of GitLab and the cluster; or else
            because they are not the ones that the stack was brought up on.
    """
    collector = Collector()
    settings = collector.attempt(load_settings)
    fleet = collector.attempt(load_fleet)
    if settings is not None and fleet is not None:
        where = stack_file(settings.environment.stack)
        fleet = collector.attempt(select, fleet, settings.stack, settings.environment, where)
    if settings is None or fleet is None:
        raise ConfigurationError(collector.problems)
    pulumi.log.info(f"asking {settings.gitlab.url} and the cluster who they are", ephemeral=True)
    findings = preflight(settings, fleet)
    found = Identities(cluster=findings.cluster, gitlab=findings.forge.identity)
    guard(recorded_identities(settings.stack_reference), found, settings.stack.guard.move_to)
    return settings, fleet, findings
