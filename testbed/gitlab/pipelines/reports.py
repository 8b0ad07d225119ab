"""What jobs report: test results, findings, plans, variables and coverage. Parsed from what they uploaded."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import IO, Any, Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from testbed.gitlab.pipelines.files import artifact_file, trace_file
from testbed.gitlab.pipelines.patterns import PatternError, compile_regex
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Artifact, Job

__all__ = [
    "Finding",
    "Plan",
    "Suite",
    "TestCase",
    "artifact_of",
    "coverage_of",
    "dotenv_of",
    "parse_codequality",
    "parse_dotenv",
    "parse_junit",
    "parse_terraform",
    "read_report",
]

LARGEST_REPORT = 20 * 1024 * 1024
"""Bytes of a report after unpacking; more is not read."""

_MOST_VARIABLES = 150
_LARGEST_DOTENV = 5 * 1024
_TRACE_TAIL = 1024 * 1024
_LINE = re.compile(r"(?:export\s+)?(?P<key>[A-Za-z0-9_]+)=(?P<value>.*)")


@dataclass(frozen=True, kw_only=True)
class TestCase:
    """One test."""

    __test__ = False

    name: str
    classname: str
    status: Literal["success", "failed", "error", "skipped"]
    seconds: float
    file: str | None = None
    output: str | None = None
    stack_trace: str | None = None


@dataclass(kw_only=True)
class Suite:
    """The tests of one job."""

    name: str
    cases: list[TestCase] = field(default_factory=list)
    error: str | None = None
    """Why the report cannot be read."""

    def count(self, status: str) -> int:
        """Tests that ended so."""
        return sum(case.status == status for case in self.cases)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One entry of a code quality report."""

    description: str
    severity: str
    path: str
    line: int
    fingerprint: str
    check_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Resources that a Terraform plan, or a Pulumi preview written like one, touches."""

    create: int
    update: int
    delete: int


def artifact_of(job: Job, file_type: str) -> Artifact | None:
    """The artifact of a type."""
    return next((each for each in job.artifacts if each.file_type == file_type), None)


def read_report(settings: Settings, artifact: Artifact) -> bytes:
    """The content of a report, unpacked.

    Raises:
        ValueError: when it is damaged, or bigger than `LARGEST_REPORT`.
    """
    try:
        with artifact_file(settings, artifact).open("rb") as file:
            content = _unpacked(file, artifact.file_format)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"report {artifact.filename}: cannot be read: {error}") from None
    if len(content) > LARGEST_REPORT:
        raise ValueError(f"report {artifact.filename}: more than {LARGEST_REPORT} bytes")
    return content


def _unpacked(file: IO[bytes], file_format: str) -> bytes:
    match file_format:
        case "gzip":
            return _members(file)
        case "zip":
            with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
                return b"".join(archive.open(name).read(LARGEST_REPORT + 1) for name in archive.namelist())
        case _:
            return file.read(LARGEST_REPORT + 1)


def _members(file: IO[bytes]) -> bytes:
    with gzip.GzipFile(fileobj=file) as unpacked:
        return unpacked.read(LARGEST_REPORT + 1)


def dotenv_of(settings: Settings, job: Job) -> dict[str, str]:
    """The variables of a job's dotenv report; none when it cannot be read."""
    artifact = artifact_of(job, "dotenv")
    if artifact is None:
        return {}
    try:
        return parse_dotenv(read_report(settings, artifact).decode(errors="replace"))
    except ValueError:
        return {}


def parse_dotenv(text: str) -> dict[str, str]:
    """The variables of a dotenv file.

    Raises:
        ValueError: when a line is no assignment, or there is too much of it.
    """
    if len(text.encode()) > _LARGEST_DOTENV:
        raise ValueError(f"Dotenv Artifact Too Big. Maximum Allowable Size: {_LARGEST_DOTENV}")
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError("Invalid Format")
        value = match["value"].strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[match["key"]] = value[1:-1] if quoted else value
    if len(found) > _MOST_VARIABLES:
        raise ValueError(f"Dotenv files cannot have more than {_MOST_VARIABLES} variables")
    return found


def parse_junit(content: bytes, name: str) -> Suite:
    """The tests in a JUnit file; several files one after another are one suite."""
    suite = Suite(name=name)
    for document in _documents(content):
        try:
            root = fromstring(document, forbid_dtd=True)
        except (ParseError, DefusedXmlException) as error:
            suite.error = f"JUnit XML parsing failed: {error}"
            continue
        suite.cases += [_case(each) for each in root.iter("testcase")]
    return suite


def _documents(content: bytes) -> list[bytes]:
    """The XML files that were packed into one stream."""
    parts = re.split(rb"(?=<\?xml )", content)
    return [part for part in parts if part.strip()]


def _case(element: Element) -> TestCase:
    status: Literal["success", "failed", "error", "skipped"] = "success"
    trouble = None
    for tag, word in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        trouble = element.find(tag)
        if trouble is not None:
            status = word  # type: ignore[assignment]  # one of the words above
            break
    output = element.find("system-out")
    text = "".join(trouble.itertext()) if trouble is not None else None
    return TestCase(
        name=element.get("name", ""),
        classname=element.get("classname", ""),
        status=status,
        seconds=_number(element.get("time")),
        file=element.get("file"),
        output=text or (output.text if output is not None else None),
        stack_trace=trouble.get("message") if trouble is not None else None,
    )


def _number(text: str | None) -> float:
    try:
        return float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0


def parse_codequality(content: bytes) -> list[Finding]:
    """The findings of a Code Climate file.

    Raises:
        ValueError: when it is none.
    """
    entries = _json(content)
    if not isinstance(entries, list):
        raise ValueError("code quality report: a list of findings is expected")
    return [_finding(each) for each in entries if isinstance(each, dict) and each.get("type", "issue") == "issue"]


def _finding(entry: dict[str, Any]) -> Finding:
    location = entry.get("location") or {}
    begin = location.get("lines", {}).get("begin") or location.get("positions", {}).get("begin", {}).get("line", 1)
    return Finding(
        description=str(entry.get("description", "")),
        severity=str(entry.get("severity", "unknown")),
        path=str(location.get("path", "")),
        line=int(begin),
        fingerprint=str(entry.get("fingerprint", "")),
        check_name=str(entry.get("check_name", "")),
    )


def parse_terraform(content: bytes) -> Plan:
    """The counts of a Terraform report.

    Raises:
        ValueError: when it is none.
    """
    found = _json(content)
    try:
        return Plan(create=int(found["create"]), update=int(found["update"]), delete=int(found["delete"]))
    except (KeyError, TypeError):
        raise ValueError("terraform report: create, update and delete are expected") from None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise ValueError("the report is no JSON") from None


def coverage_of(settings: Settings, job: Job) -> float | None:
    """The last percentage in the log that the job's ``coverage`` expression finds."""
    pattern = job.options.get("coverage")
    if not pattern:
        return None
    file = trace_file(settings, job)
    if not file.exists():
        return None
    with file.open("rb") as log:
        log.seek(max(0, file.stat().st_size - _TRACE_TAIL))
        text = log.read().decode(errors="replace")
    try:
        matches = list(compile_regex(str(pattern)).finditer(text))
    except PatternError:
        return None
    if not matches:
        return None
    found = next((group for group in matches[-1].groups() if group), matches[-1][0])
    number = re.search(r"\d+(?:\.\d+)?", found)
    return float(number[0]) if number else None
