"""The loader's API when it is busy, refuses, or ends badly: what is tried again, and errors that say what to do."""

from __future__ import annotations

import gzip

import pytest

from graph.neptune.bucket import Bucket
from graph.neptune.jobs import Jobs
from graph.neptune.load import Bulk
from graph.store import StoreBusy, StoreError
from tests.servers.neptune_cluster import ROLE

VERTICES = b"~id,~label,name:String(single)\n" + b"".join(b'"Genre/%d","Genre","%d"\n' % (n, n) for n in range(3))
EDGES = b"~id,~from,~to,~label\n" + b"".join(b'"e%d","Genre/0","Genre/%d","LIKE"\n' % (n, n) for n in range(40))


@pytest.fixture
def source(cluster, tmp_path):
    """The S3 URL of a file that can be loaded."""
    cluster.s3.objects["a/nodes/Genre.csv.gz"] = gzip.compress(VERTICES)
    return "s3://films/a/"


@pytest.fixture
def edges(cluster, source):
    """Beside it, one of edges of which 37 lead nowhere."""
    cluster.s3.objects["a/relationships/LIKE.csv.gz"] = gzip.compress(EDGES)


def run(cluster, source, told=lambda _seen: None):
    return Jobs(cluster.url).run(source, ROLE, "HIGH", told)


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {"code": "TooManyRequestsException", "detailedMessage": "slow down", "requestId": "1"}),
        (400, {"code": "ThrottlingException", "detailedMessage": "slow down", "requestId": "1"}),
        (500, {"code": "InternalFailureException", "detailedMessage": "a failover", "requestId": "1"}),
    ],
    ids=["too many", "throttled", "failover"],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_through_trouble_the_job_is_followed_to_its_end(cluster, source, method, trouble):
    cluster.refuse = lambda asked, number: trouble if asked == method and number < 3 else None
    seen = []
    assert run(cluster, source, seen.append).status == "LOAD_COMPLETED"
    assert len(cluster.jobs) == 1
    assert [one.status for one in seen] == ["LOAD_NOT_STARTED", "LOAD_IN_QUEUE"]
    assert sum(one == method for one, _, _ in cluster.asked) >= 4


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        ((403, {"code": "AccessDeniedException", "message": "no"}), StoreError, "needs neptune-db:StartLoaderJob, "),
        (
            (400, {"code": "LoadUrlAccessDeniedException", "detailedMessage": "no", "requestId": "1"}),
            StoreError, "--iam-role must be attached to the cluster, and may read the bucket",
        ),
        (
            (400, {"code": "BadRequestException", "detailedMessage": "Max load task queue size limit breached"}),
            StoreBusy, "wait until other loader jobs are done",
        ),
        ((400, {"code": "S3Exception", "detailedMessage": "odd"}), StoreError, "says S3Exception: odd"),
    ],
    ids=["not allowed", "no access to S3", "queue is full", "other"],
)  # fmt: skip
def test_a_job_that_is_refused(cluster, source, answer, kind, says):
    cluster.refuse = lambda _method, _number: answer
    with pytest.raises(kind, match=says) as caught:
        run(cluster, source)
    assert type(caught.value) is kind
    assert len(cluster.asked) == 1


def test_a_role_that_is_not_the_clusters(cluster, source):
    with pytest.raises(StoreError, match=r"arn:aws:iam::1:role/x is not associated .*--iam-role must be attached"):
        Jobs(cluster.url).run(source, "arn:aws:iam::1:role/x", "HIGH", lambda _seen: None)


def test_who_is_refused_for_long_gives_up_and_says_how_to_cancel(cluster, source, monkeypatch):
    monkeypatch.setattr("graph.neptune.jobs._PATIENCE_SECONDS", 0.5)
    cluster.refuse = lambda method, _number: None if method == "POST" else (500, {"code": "InternalFailureException"})
    with pytest.raises(StoreBusy) as caught:
        run(cluster, source)
    (id_,) = cluster.jobs
    assert "InternalFailureException" in str(caught.value)
    assert f"cancel-loader-job --endpoint-url https://localhost:{cluster.port} --load-id {id_}" in str(caught.value)


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ("LOAD_S3_ACCESS_DENIED_ERROR", f"The role {ROLE} must be attached to the cluster, and may list the bucket"),
        ("LOAD_DATA_DEADLOCK", "load again with --parallelism MEDIUM"),
        ("LOAD_CANCELLED_BY_USER", "did not load the graph: LOAD_CANCELLED_BY_USER, 0 errors"),
        ("LOAD_UNEXPECTED_ERROR", "The files are kept in s3://films/a/."),
    ],
)
def test_a_job_that_ends_badly(cluster, source, ends, says):
    cluster.end = lambda _number: ends
    with pytest.raises(StoreError) as caught:
        run(cluster, source)
    assert says in str(caught.value)


def test_errors_are_shown_by_file_as_many_as_can_be_read(cluster, source, edges):
    with pytest.raises(StoreError) as caught:
        run(cluster, source)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("LOAD_FAILED, 37 errors")
    assert lines[1] == "  relationships/LIKE.csv.gz: LOAD_FAILED"
    assert lines[2].startswith("  relationships/LIKE.csv.gz: FROM_OR_TO_VERTEX_ARE_MISSING, Either from vertex or to")
    assert "'Genre/10'" in lines[2]
    assert lines[21] == "  … and 17 more"
    assert len(lines) == 23


def test_errors_within_a_job_that_says_it_is_complete_count(cluster, source, edges):
    cluster.end = lambda _number: "LOAD_COMPLETED"
    with pytest.raises(StoreError, match="LOAD_COMPLETED, 37 errors"):
        run(cluster, source)


def test_write_conflicts_are_loaded_again_where_it_stopped(cluster, source):
    cluster.end = lambda number: "LOAD_COMMITTED_W_WRITE_CONFLICTS" if number < 2 else None
    assert run(cluster, source).status == "LOAD_COMPLETED"
    assert [job.given["mode"] for job in cluster.jobs.values()] == ["NEW", "RESUME", "RESUME"]
    cluster.end = lambda _number: "LOAD_COMMITTED_W_WRITE_CONFLICTS"
    with pytest.raises(StoreError, match="LOAD_COMMITTED_W_WRITE_CONFLICTS, 0 errors"):
        run(cluster, source)
    assert len(cluster.jobs) == 6


def test_whoever_stops_following_cancels(cluster, source):
    cluster.hold = True

    def lost(_seen):
        raise StoreBusy("another process is loading")

    with pytest.raises(StoreBusy, match=r"another process is loading; Neptune's loader job .* was cancelled"):
        run(cluster, source, lost)
    assert [job.status for job in cluster.jobs.values()] == ["LOAD_CANCELLED_BY_USER"]


def test_without_credentials_nothing_is_signed_but_s3_needs_them(cluster, source, credentials):
    credentials.delenv("AWS_ACCESS_KEY_ID")
    assert run(cluster, source).status == "LOAD_COMPLETED"
    assert all("authorization" not in headers for _, _, headers in cluster.asked)
    with pytest.raises(StoreError, match="cannot be written without AWS credentials"):
        Bulk(cluster.url, "s3://films/x", ROLE)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("s3://films/x", "loads"), "'loads' is no role; --iam-role takes an ARN"),
        (("films/x", ROLE), "'films/x' is no place in a bucket; write it as s3://BUCKET/PREFIX"),
        (("s3://nothing", ROLE), "there is no bucket s3://nothing; make it in eu-west-1"),
        (
            ("s3://films/x", ROLE, "MANY"),
            "'MANY' is no parallelism of the loader; it has LOW, MEDIUM",
        ),
    ],
)
def test_what_cannot_work_is_said_at_once(cluster, given, says):
    with pytest.raises(StoreError, match=says):
        Bulk(cluster.url, *given)
    assert cluster.asked == []


def test_a_bucket_in_another_region(cluster):
    cluster.s3.region = "us-east-1"
    with pytest.raises(StoreError, match="lies in us-east-1; Neptune loads only from its own region, eu-west-1"):
        Bulk(cluster.url, "s3://films/x", ROLE)


def test_other_stores_have_no_loader(credentials):
    with pytest.raises(StoreError, match="gremlin://localhost has no bulk loader"):
        Bulk("gremlin://localhost", "s3://films/x", ROLE)
    with pytest.raises(StoreError, match="needs a region"):
        Bulk("neptune://10.0.0.7", "s3://films/x", ROLE)
    with pytest.raises(StoreError, match="'eu_west_1' doesn't match"):
        Bulk("neptune://10.0.0.7?region=eu_west_1", "s3://films/x", ROLE)


def test_who_may_write_but_not_ask_for_the_bucket_writes(cluster, tmp_path):
    cluster.s3.refuse = lambda method, _key: (403, "Forbidden") if method == "HEAD" else None
    jobs = Jobs(cluster.url)
    bucket = Bucket("s3://films", jobs.session, jobs.region)
    (tmp_path / "one").write_bytes(b"1")
    with bucket.holding(tmp_path, ["one"], lambda _sent: None) as place:
        assert cluster.s3.objects == {f"{place.removeprefix('s3://films/')}one": b"1"}


def test_an_upload_that_is_refused_leaves_nothing(cluster, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"1")
    cluster.s3.refuse = lambda method, key: (403, "AccessDenied") if method == "PUT" and key.endswith("two") else None
    jobs = Jobs(cluster.url)
    bucket = Bucket("s3://films/deep/down/", jobs.session, jobs.region)
    with (
        pytest.raises(StoreError, match=r"s3://films/deep/down/reelgraph-.*may not be written .*s3:PutObject"),
        bucket.holding(tmp_path, ["one", "two"], lambda _sent: None),
    ):
        pass
    assert cluster.s3.objects == {}
