from __future__ import annotations

import pytest

from components.gitlab.tiers import Feature, lacking
from components.vocabulary import GitLabTier


@pytest.mark.parametrize("tier", GitLabTier)
def test_a_tier_covers_itself_and_the_lesser_ones(tier: GitLabTier) -> None:
    order = list(GitLabTier)
    assert [tier.covers(other) for other in order] == [index <= order.index(tier) for index in range(len(order))]


def test_what_is_covered_is_not_mentioned() -> None:
    assert lacking(GitLabTier.PREMIUM, Feature, "project x") == []
    assert len(lacking(GitLabTier.FREE, Feature, "project x")) == len(Feature)
