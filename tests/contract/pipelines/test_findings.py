"""What scanners found becomes a verdict, GitLab's reports, and lines that people can act on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.pipelines import template
from tests.contract.pipelines.conftest import Shell

SCRIPT = template.script("security-dev-job", 2)


@dataclass
class Outcome:
    """How a security job ended."""

    code: int
    log: str
    reports: Path

    def report(self, name: str) -> Any:
        return json.loads((self.reports / name).read_text())


Judge = Callable[..., Outcome]


def bandit(severity: str = "MEDIUM", path: str = "./app.py") -> dict[str, Any]:
    return {
        "results": [
            {
                "filename": path,
                "issue_severity": severity,
                "issue_text": "Use of exec\ndetected.",
                "line_number": 3,
                "test_id": "B102",
            }
        ]
    }


SECRET = {"results": {"app.py": [{"type": "AWS Access Key", "hashed_secret": "d70e", "line_number": 9}]}}
SEMGREP = {
    "results": [
        {
            "check_id": "tmp.x.debugger-served",
            "path": "app.py",
            "start": {"line": 5},
            "extra": {"severity": "ERROR", "message": "The debugger."},
        }
    ]
}
HADOLINT = [{"code": "DL3007", "level": "warning", "message": "latest", "file": "Dockerfile", "line": 1}]
PIP_AUDIT = {
    "dependencies": [
        {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]},
        {"name": "ours", "skip_reason": "not found"},
        {"name": "fine", "version": "2.0", "vulns": []},
    ]
}
TRIVY = {
    "Results": [
        {
            "Vulnerabilities": [
                {"PkgName": "openssl", "InstalledVersion": "3.0", "VulnerabilityID": "CVE-1", "Severity": "CRITICAL"}
            ]
        },
        {"Target": "no vulnerabilities"},
    ]
}


@pytest.fixture
def judge(shell: Shell) -> Judge:
    """Runs the script over what scanners wrote."""

    def run(threshold: str = "medium", path: str = ".", **written: Any) -> Outcome:
        reports = shell.directory / "reports"
        reports.mkdir(exist_ok=True)
        named = {name.replace("_", "-"): content for name, content in written.items()}
        for name, content in named.items():
            (reports / f"{name}.json").write_text(json.dumps(content))
        done = shell(
            SCRIPT,
            CI_COMMIT_SHA="c0ffee",
            COMPONENT_PATH=path,
            DOCKERFILE="Dockerfile",
            IMAGE_REFERENCE="registry.example/app@sha256:1",
            REPORTS=str(reports),
            SCANNERS=" ".join([*named, "trivy"]),
            SEVERITY_THRESHOLD=threshold,
        )
        return Outcome(done.returncode, done.stdout, reports)

    return run


def test_nothing_found_is_success_with_empty_reports(judge: Judge) -> None:
    outcome = judge(bandit={"results": []}, detect_secrets={"results": {}})
    assert (outcome.code, outcome.log) == (0, "0 findings, 0 of severity medium or above\n")
    assert outcome.report("codequality.json") == []
    assert outcome.report("gl-sast-report.json")["vulnerabilities"] == []
    assert outcome.report("gl-secret-detection-report.json")["scan"]["type"] == "secret_detection"


@pytest.mark.parametrize(
    ("severity", "threshold", "code"),
    [("LOW", "low", 1), ("LOW", "medium", 0), ("MEDIUM", "medium", 1), ("MEDIUM", "high", 0), ("HIGH", "critical", 0)],
)
def test_the_threshold_decides(judge: Judge, severity: str, threshold: str, code: int) -> None:
    outcome = judge(threshold, bandit=bandit(severity))
    assert outcome.code == code
    assert f"{severity.lower():<8} app.py:3 bandit B102: Use of exec detected." in outcome.log


def test_each_scanner_s_findings_are_in_the_report_of_their_kind(judge: Judge) -> None:
    outcome = judge(
        bandit=bandit(), detect_secrets=SECRET, semgrep=SEMGREP, hadolint=HADOLINT, pip_audit=PIP_AUDIT, trivy=TRIVY
    )
    assert outcome.code == 1
    kinds = {
        "sast": {"B102": "Medium", "debugger-served": "High", "DL3007": "Medium"},
        "secret-detection": {"AWS Access Key": "Critical"},
        "dependency-scanning": {"PYSEC-1": "High"},
        "container-scanning": {"CVE-1": "Critical"},
    }
    for kind, expected in kinds.items():
        report = outcome.report(f"gl-{kind}-report.json")
        assert {each["name"]: each["severity"] for each in report["vulnerabilities"]} == expected
        assert report["scan"]["type"] == kind.replace("-", "_")
    (secret,) = outcome.report("gl-secret-detection-report.json")["vulnerabilities"]
    assert secret["location"] == {"file": "app.py", "start_line": 9, "commit": {"sha": "c0ffee"}}
    assert "fixed in 1.1" in outcome.log
    assert "not on the index that answers pip-audit, so not audited: ours" in outcome.log
    worst_first = [line.split()[0] for line in outcome.log.splitlines() if " app.py:" in line]
    assert worst_first == ["critical", "high", "medium"]


def test_the_code_quality_report_is_what_gitlab_parses(judge: Judge) -> None:
    (entry,) = judge(bandit=bandit("HIGH")).report("codequality.json")
    assert entry.pop("fingerprint").isalnum()
    assert entry == {
        "description": "bandit: Use of exec detected.",
        "check_name": "B102",
        "severity": "critical",
        "location": {"path": "app.py", "lines": {"begin": 3}},
    }


def test_paths_are_seen_from_the_repository_s_root(judge: Judge) -> None:
    (entry,) = judge(path="services/api", bandit=bandit()).report("codequality.json")
    assert entry["location"]["path"] == "services/api/app.py"


def test_a_secret_in_the_baseline_is_accepted_and_a_new_one_is_not(judge: Judge, shell: Shell) -> None:
    (shell.directory / ".secrets.baseline").write_text(json.dumps(SECRET))
    assert judge(detect_secrets=SECRET).code == 0
    other = {"results": {"app.py": [{"type": "AWS Access Key", "hashed_secret": "beef", "line_number": 9}]}}
    assert judge(detect_secrets=other).code == 1


def test_no_secret_is_repeated(judge: Judge) -> None:
    outcome = judge(detect_secrets=SECRET)
    assert "d70e" not in outcome.log + json.dumps(outcome.report("codequality.json"))


def test_a_service_that_did_not_answer_is_a_warning(judge: Judge, shell: Shell) -> None:
    (shell.directory / "reports").mkdir()
    (shell.directory / "reports/pip-audit.failed").touch()
    outcome = judge(bandit=bandit("LOW"))
    assert outcome.code == 77
    assert "warning: no answer of pip-audit" in outcome.log
    assert judge(bandit=bandit("HIGH")).code == 1, "a finding weighs more"


def test_an_index_that_knows_no_package_did_not_answer(judge: Judge) -> None:
    assert judge(pip_audit={"dependencies": [{"name": "ours", "skip_reason": "not found"}]}).code == 77
