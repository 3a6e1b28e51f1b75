"""Jobs of Neptune's bulk loader: started, followed to their end, cancelled; and what went wrong, by file and row.

https://docs.aws.amazon.com/neptune/latest/userguide/load-api-reference.html
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graph.store import Interrupted, StoreBusy, StoreError
from graph.stores.gremlin_place import Place

PARALLELISM = ("LOW", "MEDIUM", "HIGH", "OVERSUBSCRIBE")
_DONE, _CONFLICTS = "LOAD_COMPLETED", "LOAD_COMMITTED_W_WRITE_CONFLICTS"
_FAILED = {
    "LOAD_FAILED", "LOAD_CANCELLED", "LOAD_CANCELLED_BY_USER", "LOAD_CANCELLED_DUE_TO_ERRORS", "LOAD_UNEXPECTED_ERROR",
    "LOAD_S3_READ_ERROR", "LOAD_S3_ACCESS_DENIED_ERROR", "LOAD_DATA_DEADLOCK", "LOAD_FAILED_INVALID_REQUEST",
    "LOAD_DATA_FAILED_DUE_TO_FEED_MODIFIED_OR_DELETED", "LOAD_FAILED_BECAUSE_DEPENDENCY_NOT_SATISFIED",
}  # fmt: skip
_AGAIN = {
    "ThrottlingException",
    "TooManyRequestsException",
    "ConcurrentModificationException",
    "ClientTimeoutException",
}
_ERRORS = ("parsingErrors", "datatypeMismatchErrors", "insertErrors")
_CONNECT_SECONDS, _READ_SECONDS, _PATIENCE_SECONDS = 10, 60, 120.0
_LOOK_SECONDS, _LOOK_SECONDS_AT_MOST = 0.5, 10.0
_ATTEMPTS, _SHOWN = 3, 20
_chance = random.SystemRandom()


@dataclass(frozen=True)
class Seen:
    """How far a job is. records: labels and properties, as Neptune counts. files: by status; failed: these by name."""

    job: str
    status: str
    records: int
    seconds: int
    errors: int
    files: Mapping[str, int]
    failed: Mapping[str, str]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it. A status that is not known is one of those on the way."""
        return self.status in _FAILED | {_DONE, _CONFLICTS}

    @classmethod
    def of(cls, job: str, payload: Mapping[str, Any]) -> Seen:
        """From what the loader says of a job."""
        overall = payload["overallStatus"]
        feeds = {status: int(count) for one in payload.get("feedCount", ()) for status, count in one.items()}
        failed = {one["fullUri"]: one["status"] for one in payload.get("failedFeeds", ())}
        errors = sum(int(overall.get(name, 0)) for name in _ERRORS)
        records, seconds = (int(overall.get(name, 0)) for name in ("totalRecords", "totalTimeSpent"))
        return cls(job, overall["status"], records, seconds, errors, feeds, failed)


Told = Callable[[Seen], None]


class Jobs:
    """The loader of one cluster, named by a store's `neptune://` URL. region: the cluster's, and its bucket's too."""

    def __init__(self, url: str) -> None:
        place = Place.of(url)
        if place.signing is None:
            raise StoreError(f"{url} has no bulk loader: that is Neptune's own; leave out --bulk")
        if not place.signing.region:
            raise StoreError(f"{url} needs a region; add ?region=… to the URL, or set AWS_REGION")
        import botocore
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self.url, self.region, self.session = url, place.signing.region, place.signing.session
        # No proxy stands between a cluster and its clients, as for the store's own connections.
        options: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS, "proxies": {}}
        self.endpoint = place.http
        try:
            if not self.session.get_credentials():
                options["signature_version"] = botocore.UNSIGNED
            self._client = self.session.create_client(
                "neptunedata", region_name=self.region, endpoint_url=self.endpoint,
                config=Config(retries={"total_max_attempts": 1}, **options),
            )  # fmt: skip
        except BotoCoreError as error:
            raise StoreError(f"the bulk loader at {self.endpoint} cannot be asked: {error}") from None

    def run(self, source: str, role: str, parallelism: str, told: Told) -> Seen:
        """Load all files under an S3 URL and wait for the end; told: how far it is, every few seconds.

        Where others wrote the same rows meanwhile, what is missing is loaded again. Raises StoreError, with errors by
        file and row. Whoever stops following (Ctrl-C, an error of `told`) cancels the job.
        """
        mode = "NEW"
        for _ in range(_ATTEMPTS):
            job = self._start(source, role, parallelism, mode)
            try:
                seen = self._follow(job, told)
            except BaseException as error:
                said = f"{str(error) or 'interrupted'}; {self._leave(job)}"
                if isinstance(error, KeyboardInterrupt):
                    raise Interrupted(said) from None
                error.args = (said,)
                raise
            if seen.status != _CONFLICTS:
                break
            mode = "RESUME"
        if seen.status == _DONE and not seen.errors:
            return seen
        raise StoreError(self._report(seen, source, role))

    def _start(self, source: str, role: str, parallelism: str, mode: str) -> str:
        answer = self._ask(
            "start_loader_job", source=source, format="csv", s3BucketRegion=self.region, iamRoleArn=role, mode=mode,
            failOnError=True, parallelism=parallelism, queueRequest=True, updateSingleCardinalityProperties=True,
            parserConfiguration={"allowEmptyStrings": "true"},
        )  # fmt: skip
        job: str = answer["payload"]["loadId"]
        return job

    def _follow(self, job: str, told: Told) -> Seen:
        pause = _LOOK_SECONDS
        while True:
            seen = Seen.of(job, self._ask("get_loader_job_status", loadId=job, details=True)["payload"])
            if seen.ended:
                return seen
            told(seen)
            time.sleep(pause)
            pause = min(1.5 * pause, _LOOK_SECONDS_AT_MOST)

    def _leave(self, job: str) -> str:
        """Cancel a job that nobody follows any more; returns what became of it."""
        try:
            self._client.cancel_loader_job(loadId=job)
        except Exception as trouble:  # noqa: BLE001
            return (
                f"Neptune's loader job {job} could not be cancelled ({trouble}) and may go on; cancel it with: "
                f"aws neptunedata cancel-loader-job --endpoint-url {self.endpoint} --load-id {job}"
            )
        return f"Neptune's loader job {job} was cancelled; rows that it has loaded stay until a load is complete"

    def _report(self, seen: Seen, source: str, role: str) -> str:
        """What is wrong with a job that has ended, and the way out."""
        lines = [f"Neptune's loader job {seen.job} did not load the graph: {seen.status}, {seen.errors:,} errors"]
        named = [f"  {name.removeprefix(source)}: {status}" for name, status in sorted(seen.failed.items())]
        with contextlib.suppress(StoreError):
            answer = self._ask(
                "get_loader_job_status", loadId=seen.job, details=True, errors=True, page=1, errorsPerPage=_SHOWN
            )
            logs = answer["payload"].get("errors", {}).get("errorLogs", ())
            named += [f"  {_place(one, source)}: {one.get('errorCode')}, {one.get('errorMessage')}" for one in logs]
        lines += named[:_SHOWN]
        if (more := max(len(named), seen.errors) - _SHOWN) > 0:
            lines.append(f"  … and {more:,} more")
        if "LOAD_S3_ACCESS_DENIED_ERROR" in {seen.status, *seen.failed.values()}:
            lines.append(f"The role {role} must be attached to the cluster, and may list the bucket and read from it.")
        if seen.status == "LOAD_DATA_DEADLOCK":
            lines.append("Its threads were in each other's way; load again with --parallelism MEDIUM.")
        lines.append(f"The files are kept in {source}. Rows that were loaded stay until a load is complete.")
        return "\n".join(lines)

    def _ask(self, what: str, **given: Any) -> dict[str, Any]:
        """Ask the loader; again for some time where it is too busy, or does not answer."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError

        end, pause = time.monotonic() + _PATIENCE_SECONDS, 0.2
        while True:
            try:
                answer: dict[str, Any] = getattr(self._client, what)(**given)
                return answer
            except ClientError as error:
                code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
                if not (code in _AGAIN or status >= 500) or time.monotonic() > end:
                    raise self._meaning(error, code, status) from None
            except HTTPClientError as error:
                if isinstance(error, SSLError) or time.monotonic() > end:
                    raise StoreError(f"the bulk loader at {self.endpoint} does not answer ({error})") from None
            except BotoCoreError as error:
                raise StoreError(f"the bulk loader at {self.endpoint} cannot be asked: {error}") from None
            time.sleep(pause * _chance.uniform(0.5, 1.5))
            pause = min(2 * pause, 10.0)

    def _meaning(self, error: Any, code: str, status: int) -> StoreError:
        said = error.response.get("detailedMessage") or error.response["Error"].get("Message") or "no reason given"
        told = f"the bulk loader at {self.endpoint} says {code}: {said}"
        if code in _AGAIN or status >= 500:
            return StoreBusy(f"{told}; it was asked for {_PATIENCE_SECONDS:g} s")
        if "limit breached" in said.lower():
            return StoreBusy(f"{told}; wait until other loader jobs are done")
        if status in (401, 403) or code == "AccessDeniedException":
            return StoreError(
                f"{told}; whoever loads needs neptune-db:StartLoaderJob, GetLoaderJobStatus and CancelLoaderJob"
            )
        if "role" in said.lower() or code == "LoadUrlAccessDeniedException":
            return StoreError(f"{told}; --iam-role must be attached to the cluster, and may read the bucket")
        return StoreError(told)


def _place(log: Mapping[str, Any], source: str) -> str:
    """File and row of an error; the loader says 0 where it does not know the row."""
    name, row = str(log.get("fileName")).removeprefix(source), int(log.get("recordNum", 0))
    return f"{name} row {row}" if row else name
