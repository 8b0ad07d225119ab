"""What jobs report: parsed from what they uploaded."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from testbed.gitlab.pipelines import reports
from testbed.gitlab.pipelines.files import artifact_file, trace_file
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Artifact, Job


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, external_url="http://gitlab.example.com")


def stored(settings: Settings, content: bytes, file_format: str = "raw") -> Artifact:
    """An artifact with its bytes in place."""
    artifact = Artifact(id=1, job_id=1, file_type="junit", file_format=file_format, filename="x")
    file = artifact_file(settings, artifact)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return artifact


def test_reports_are_unpacked_whatever_their_format(settings: Settings) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("a", "one")
    assert reports.read_report(settings, stored(settings, b"one")) == b"one"
    assert reports.read_report(settings, stored(settings, gzip.compress(b"one"), "gzip")) == b"one"
    assert reports.read_report(settings, stored(settings, buffer.getvalue(), "zip")) == b"one"


def test_damaged_and_swollen_reports_are_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        reports.read_report(settings, stored(settings, b"no archive", "gzip"))
    monkeypatch.setattr(reports, "LARGEST_REPORT", 1000)
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        reports.read_report(settings, stored(settings, gzip.compress(b"x" * 100_000), "gzip"))


def test_tests_are_counted_by_how_they_ended() -> None:
    suite = reports.parse_junit(
        b"""<?xml version="1.0"?><testsuites><testsuite><testcase name="a" classname="c" file="f.py" time="1,000.5"/>
        <testcase name="b"><failure message="why">where</failure></testcase><testcase name="e"><error/></testcase>
        <testcase name="s"><skipped/></testcase></testsuite></testsuites>""",
        "unit",
    )
    assert [case.status for case in suite.cases] == ["success", "failed", "error", "skipped"]
    assert (suite.cases[0].seconds, suite.cases[0].file) == (1000.5, "f.py")
    assert (suite.cases[1].output, suite.cases[1].stack_trace) == ("where", "why")
    assert suite.error is None


def test_files_after_one_another_are_one_suite() -> None:
    one = b'<?xml version="1.0"?><testsuite><testcase name="a"/></testsuite>\n'
    assert len(reports.parse_junit(one + one, "unit").cases) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"<testsuite><testcase></testsuite>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite><testcase name="&a;"/></testsuite>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&a;"/></testsuite>',
    ],
)
def test_a_broken_or_hostile_report_is_an_error_of_its_suite(content: bytes) -> None:
    suite = reports.parse_junit(content, "unit")
    assert suite.cases == []
    assert suite.error is not None


def test_findings_and_plans_are_read() -> None:
    [finding] = reports.parse_codequality(
        b'[{"type": "issue", "description": "long", "severity": "minor", "fingerprint": "f", "check_name": "E501",'
        b' "location": {"path": "a.py", "lines": {"begin": 3}}}, {"type": "measurement"}]'
    )
    assert (finding.path, finding.line, finding.severity) == ("a.py", 3, "minor")
    assert reports.parse_terraform(b'{"create": 1, "update": 2, "delete": 3}') == reports.Plan(
        create=1, update=2, delete=3
    )


@pytest.mark.parametrize("content", [b"{}", b"[", b'{"create": 1}', b"null"])
def test_what_is_no_plan_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="create, update and delete are expected|no JSON"):
        reports.parse_terraform(content)


def test_what_is_no_list_of_findings_is_refused() -> None:
    with pytest.raises(ValueError, match="a list of findings is expected"):
        reports.parse_codequality(b"{}")


def test_dotenv_files_are_read() -> None:
    assert reports.parse_dotenv("# note\nA=1\n\nexport B='two words'\nC=\"x=y\"\nD=\n") == {
        "A": "1",
        "B": "two words",
        "C": "x=y",
        "D": "",
    }


@pytest.mark.parametrize(
    "text", ["no assignment", "A B=1", "A=" + "x" * 6000, "\n".join(f"V{n}=1" for n in range(151))]
)
def test_dotenv_files_beyond_the_limits_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid Format|Too Big|cannot have more than 150"):
        reports.parse_dotenv(text)


@pytest.mark.parametrize(
    ("pattern", "log", "found"),
    [
        (r"/total (\d+)%/", "total 50%\ntotal 83%\n", 83.0),
        (r"/TOTAL.*? (\d+\.\d+)%$/m", "TOTAL 10 20 91.25%\nend\n", 91.25),
        (r"/\d+ of 100/", "42 of 100\n", 42.0),
        (r"/nothing/", "x\n", None),
        (r"/(/", "x\n", None),
    ],
)
def test_coverage_is_the_last_number_that_the_pattern_finds(
    settings: Settings, pattern: str, log: str, found: float | None
) -> None:
    job = Job(id=1, options={"coverage": pattern})
    file = trace_file(settings, job)
    file.parent.mkdir(parents=True)
    file.write_text(log)
    assert reports.coverage_of(settings, job) == found
