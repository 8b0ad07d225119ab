"""What the end-to-end tests share: the platform's first release, and what its pipeline's jobs are given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.job_place import JobPlace, job_place
from tests.e2e.site import Site, make_site
from tests.integration.own_testbed import OwnTestbed


@pytest.fixture(scope="session")
def site(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The platform, with the working tree released to `dev`."""
    return make_site(shared_testbed, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def jobs(shared_testbed: OwnTestbed) -> Iterator[JobPlace]:
    """What a site gives the jobs of the platform's pipeline."""
    with job_place(shared_testbed) as made:
        yield made
