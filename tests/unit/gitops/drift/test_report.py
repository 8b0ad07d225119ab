"""The texts about drift."""

from __future__ import annotations

from gitops.drift.finding import Cause, Finding, StackDrift, proposals
from gitops.drift.report import commands, details, terminal
from gitops.pulumi.plan import PropertyChange

CHANGE = PropertyChange(path="spec.data", kind="update", replaces=False, old="a", new="```\n<b>|")
URN = "urn:pulumi:dev::p::a$b::c"
EDITED = Finding(cause=Cause.CHANGED, type="ConfigMap", name="settings", urn=URN, properties=(CHANGE,))
FOREIGN = Finding(cause=Cause.UNDECLARED, type="Pod", name="debug", where="namespace x", detail="written by kubectl")
DRIFT = StackDrift(stack="dev", findings=(FOREIGN, EDITED), errors=(), seconds=3.2)


def test_the_text_is_grouped_by_cause_and_survives_hostile_values() -> None:
    text = "\n".join(details(DRIFT))
    assert text.index("#### 1 changed by hand") < text.index("#### 1 declared by no program")
    assert "- **Pod** debug in namespace x (written by kubectl)" in text
    assert "  ````diff" in text, "the fence is longer than the one in the value"
    assert "+   spec.data: ```\\n<b>|" in text


def test_no_drift_is_said() -> None:
    clean = StackDrift(stack="dev", findings=(), errors=(), seconds=1.0)
    assert list(details(clean)) == ["No drift."]
    assert list(terminal(clean)) == ["dev: no drift (1 s)"]


def test_what_could_not_be_told_comes_first() -> None:
    half = StackDrift(stack="dev", findings=(FOREIGN,), errors=("no cluster\nat all",), seconds=1.0)
    assert "**Not everything could be told**" in next(iter(details(half)))
    assert list(terminal(half))[:3] == ["dev: could not be told (1 s)", "  ! no cluster", "  ! at all"]


def test_every_cause_has_a_proposal_that_a_shell_takes_as_it_is() -> None:
    for cause in Cause:
        ways = proposals("dev", Finding(cause=cause, type="Pod", name="x", urn=URN))
        assert ways, cause
        assert all("urn:" not in way or f"'{URN}'" in way for way in ways)
    assert sum(line.startswith("- ") for line in commands(DRIFT)) == 2


def test_a_change_in_the_cluster_is_undone_against_whoever_wrote_it() -> None:
    urns = {
        "urn:pulumi:dev::bighpc::bighpc:testbed:Testbed$kubernetes:core/v1:ResourceQuota::testbed-quota": True,
        "urn:pulumi:dev::bighpc::bighpc:gitlab:Group$gitlab:index/groupLabel:GroupLabel::bug": False,
    }
    for urn, forced in urns.items():
        undo, _ = proposals("dev", Finding(cause=Cause.CHANGED, type="x", name="x", urn=urn))
        assert undo.startswith("undo the change: PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up") == forced
