"""What a DVC user types, and what it answers here: real DVC on two versions of the real workflow's smallest lineage."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from heirloom.lineage.record import RecordReport
from toy_project import UP_TO_DATE, Shell, commit, planned, planned_totals, record_by_itself

pytestmark = [pytest.mark.slow, pytest.mark.system]

LINEAGE = "data/steps/replace/seed=0"


@pytest.fixture
def work(published: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the folder in which both versions were run the working folder, for commands that change nothing."""
    monkeypatch.chdir(published / "work")
    return published / "work"


def printed(text: str) -> Any:
    """Return the JSON that a command printed."""
    return json.loads(text[text.index("{") :])


def test_status_and_data_status_say_that_all_is_recorded(work: Path, sh: Shell) -> None:
    assert sh("dvc", "status") == UP_TO_DATE
    assert "No changes" in sh("dvc", "data", "status", "--granular")
    assert sh("dvc", "status", "--cloud") == "Cache and remote 'store' are in sync.\n"


def test_diff_lists_the_files_that_one_more_generation_added(work: Path, sh: Shell) -> None:
    answer = printed(sh("dvc", "diff", "--json", "first", "second"))
    added = {entry["path"] for entry in answer["added"]}
    assert f"{LINEAGE}/gen=2/checkpoint/model.safetensors" in added
    assert {path for path in added if not path.startswith(f"{LINEAGE}/gen=2")} == set()
    assert [entry["path"] for entry in answer["modified"]] == [f"{LINEAGE}/"]
    assert answer["deleted"] == []
    assert answer["renamed"] == []


def test_data_status_names_the_single_file_that_differs(elsewhere: Path, sh: Shell) -> None:
    sh("dvc", "pull", "-q")
    metrics = Path(f"{LINEAGE}/gen=1/metrics.json")
    metrics.unlink()
    metrics.write_text("{}\n")
    answer = printed(sh("dvc", "data", "status", "--granular", "--json"))
    assert answer["uncommitted"]["modified"] == [f"{LINEAGE}/", str(metrics)]
    sh("dvc", "checkout", "--force", "-q")
    assert sh("dvc", "status") == UP_TO_DATE


def test_metrics_are_the_last_generation_by_experiment_regime_and_name(work: Path, sh: Shell) -> None:
    metrics = printed(sh("dvc", "metrics", "show", "--json"))[""]["data"]["results/metrics.json"]["data"]
    assert metrics == json.loads(Path("results/metrics.json").read_text())
    differ = printed(sh("dvc", "metrics", "diff", "--json", "first", "second"))["results/metrics.json"]
    change = differ["steps.replace.covariance_trace.mean"]
    assert change["new"] == metrics["steps"]["replace"]["covariance_trace.mean"]
    assert change["diff"] == pytest.approx(change["new"] - change["old"])


def test_params_diff_names_the_key_of_the_config_that_changed(work: Path, sh: Shell) -> None:
    answer = printed(sh("dvc", "params", "diff", "--json", "first", "second"))
    assert answer["config.yaml"] == {"experiments.steps.generations": {"old": 1, "new": 2, "diff": 1}}


def test_plots_have_a_line_a_regime_a_dash_a_version_and_a_panel_a_metric(work: Path, sh: Shell) -> None:
    answer = printed(sh("dvc", "plots", "diff", "--json", "first", "second"))
    assert list(answer) == ["data"]  # no errors beside it
    (plot,) = answer["data"]["results/plots/steps.csv"]
    assert plot["revisions"] == ["first", "second"]
    points = plot["content"]
    assert points["facet"]["field"] == "metric"
    encoding = points["spec"]["encoding"]
    assert {channel: encoding[channel]["field"] for channel in ("x", "y", "color", "strokeDash")} == {
        "x": "generation",
        "y": "value",
        "color": "regime",
        "strokeDash": "rev",
    }
    lines: dict[tuple[str, str], list[tuple[int, str]]] = {(row["rev"], row["regime"]): [] for row in points["data"]["values"]}
    for row in points["data"]["values"]:
        if row["metric"] == "covariance_trace.mean":
            lines[row["rev"], row["regime"]].append((int(row["generation"]), row["value"]))
    assert {key: [generation for generation, _ in line] for key, line in lines.items()} == {
        ("first", "replace"): [0, 1],
        ("second", "replace"): [0, 1, 2],
    }
    assert lines["first", "replace"] == lines["second", "replace"][:2]


def test_plots_show_writes_a_page(work: Path, sh: Shell, tmp_path: Path) -> None:
    sh("dvc", "plots", "show", "--out", str(tmp_path / "page"))
    assert "vegaEmbed" in (tmp_path / "page/index.html").read_text()


def test_the_api_reads_a_file_of_any_revision_without_a_checkout(work: Path) -> None:
    import dvc.api
    from dvc.exceptions import PathMissingError

    path = f"{LINEAGE}/gen=2/train.fingerprint.json"
    assert json.loads(dvc.api.read(path, rev="second")) == json.loads(Path(path).read_text())
    with pytest.raises(PathMissingError):
        dvc.api.read(path, rev="first")
    with dvc.api.open("results/plots/steps.csv", rev="first") as file:
        assert {row["generation"] for row in csv.DictReader(io.StringIO(file.read()))} == {"0", "1"}
    first = dvc.api.DVCFileSystem(rev="first")
    assert sorted(Path(name).name for name in first.ls(LINEAGE, detail=False)) == ["gen=1"]
    with first.open(f"{LINEAGE}/gen=1/synthetic.parquet") as file:
        assert file.read(4) == b"PAR1"


def test_a_tag_publishes_a_version_of_a_named_artefact(elsewhere: Path, sh: Shell) -> None:
    import dvc.api

    sh("git", "tag", "-a", "measures@v1.0.0", "-m", "of the first run", "first")
    assert dvc.api.artifacts_show("measures")["path"] == "results/metrics.parquet"
    sh("dvc", "artifacts", "get", ".", "measures", "--out", "published.parquet")
    assert Path("published.parquet").read_bytes() == dvc.api.read("results/metrics.parquet", rev="first", mode="rb")
    assert Path("published.parquet").read_bytes() != Path("results/metrics.parquet").read_bytes()


def test_repro_of_a_clone_with_its_data_runs_nothing(elsewhere: Path, sh: Shell) -> None:
    sh("dvc", "pull", "-q")
    assert "Stage 'workflow' didn't change, skipping" in sh("dvc", "repro")
    assert planned_totals(sh) == {}
    assert sh("git", "status", "--short") == ""


def test_gc_frees_old_versions_and_a_pull_brings_them_back(elsewhere: Path, sh: Shell) -> None:
    sh("dvc", "fetch", "-q", "--all-tags")
    sh("git", "checkout", "-q", "first")
    sh("heirloom", "restore")
    sh("dvc", "gc", "--workspace", "--force", "-q")
    assert sh("dvc", "status") == UP_TO_DATE
    sh("git", "checkout", "-q", "second")
    output = sh("heirloom", "restore", status=2)
    assert output == f"heirloom: DVC's cache lacks files of {LINEAGE}; dvc pull fetches them, then snakemake goes on\n"
    sh("dvc", "pull", "-q")
    assert sh("dvc", "status") == UP_TO_DATE


def test_an_experiment_with_another_key_runs_is_listed_and_can_be_applied(recorded: RecordReport, sh: Shell) -> None:
    record_by_itself()
    commit(sh)
    sh("dvc", "exp", "run", "--name", "longer", "-S", "config.yaml:experiments.toy.generations=3")
    header, *lines = csv.reader(io.StringIO(sh("dvc", "exp", "show", "--csv")))
    row = next(dict(zip(header, line, strict=True)) for line in lines if "longer" in line)
    assert [value for name, value in row.items() if name.endswith("experiments.toy.generations")] == ["3"]
    sh("git", "checkout", "-q", "--force", "HEAD")
    sh("heirloom", "restore")
    assert planned(sh) == {}
    sh("dvc", "exp", "apply", "longer")
    assert sh("dvc", "status") == UP_TO_DATE
    assert planned(sh) == {}
    assert Path("data/toy/replace/seed=0/gen=3/checkpoint").is_dir()


class Store(BaseHTTPRequestHandler):
    """Keeps what is sent to it in memory; refuses more than ``limit`` files."""

    kept: dict[str, bytes]
    limit: int

    def do_GET(self) -> None:
        """Give a file, or say that there is none."""
        content = self.kept.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content or b"")

    do_HEAD = do_GET  # noqa: N815, the library looks for this name

    def do_POST(self) -> None:
        """Take a file that comes in chunks."""
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        full = len(self.kept) >= self.limit
        if not full:
            self.kept[self.path] = content
        self.send_response(507 if full else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(kept: dict[str, bytes], limit: int) -> Iterator[str]:
    """Run a server on loopback and give its address."""
    handler = type("Limited", (Store,), {"kept": kept, "limit": limit, "protocol_version": "HTTP/1.1"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/store"
        server.shutdown()


def test_a_push_over_http_that_breaks_off_is_reported_and_goes_on_later(elsewhere: Path, sh: Shell) -> None:
    sh("dvc", "pull", "-q")
    contents_of: dict[str, bytes] = {}
    with served(contents_of, limit=10) as address:
        sh("dvc", "remote", "modify", "store", "url", address)
        output = sh("dvc", "push", status=1)
        assert "failed to push" in output
        listings = [json.loads(content) for path, content in contents_of.items() if path.endswith(".dir")]
        digests = {entry["md5"] for listing in listings for entry in listing}
        assert digests <= {
            "".join(path.split("/")[-2:]) for path in contents_of
        }  # a folder's listing goes last: none is there without its files
    sh("dvc", "remote", "modify", "store", "url", address)
    assert "pushed" not in sh("dvc", "push", status=1)  # nobody listens there any more
    with served(contents_of, limit=1000) as address:
        sh("dvc", "remote", "modify", "store", "url", address)
        assert "files pushed" in sh("dvc", "push")
        assert sh("dvc", "push") == "Everything is up to date.\n"
        sh("git", "commit", "-qam", "a server")
        sh("git", "clone", "-q", ".", "../third")
        assert "files fetched" in sh("dvc", "--cd", "../third", "pull")
        assert sh("dvc", "--cd", "../third", "data", "status").startswith("No changes")


class Refusing(BaseHTTPRequestHandler):
    """Wants a password, and takes none."""

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="store"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_POST = do_GET  # noqa: N815, the library looks for these names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_no_command_prints_the_password_in_a_remotes_address(elsewhere: Path, sh: Shell) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://me:open%20sesame@127.0.0.1:{server.server_port}/store?token=12345678"
        sh("dvc", "remote", "modify", "store", "url", address)
        revision = "steps/replace/0/1@first"
        output = [
            sh("heirloom", "diff", revision, "steps/replace/0/2@second", status=2),
            sh("heirloom", "trace", revision, "--depth", "0", status=2),
            sh("heirloom", "restore", status=2),
            sh("heirloom", "repair", status=1),
        ]
        server.shutdown()
    output.append(sh("heirloom", "repair", status=1))  # nobody listens there any more
    words = "\n".join(output)
    assert [secret for secret in ("open%20sesame", "open sesame", "12345678") if secret in words] == []
    assert "http://***@127.0.0.1" in words
    assert "Traceback" not in words
