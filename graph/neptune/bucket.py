"""The S3 bucket that Neptune's loader reads from: files go there, and away again."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from graph.store import StoreError

_UPLOADS, _TELL_SECONDS = 4, 10.0
_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


class Bucket:
    """A place in a bucket, `s3://BUCKET/PREFIX`, in the region of the cluster.

    Raises StoreError where there is none, or where it lies in another region.
    """

    def __init__(self, url: str, session: Any, region: str) -> None:
        found = _URL.fullmatch(url)
        if not found:
            raise StoreError(f"{url!r} is no place in a bucket; write it as s3://BUCKET/PREFIX")
        from botocore.config import Config

        self.name, self._prefix = found[1], (found[2] or "").strip("/")
        config = Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=_UPLOADS)
        with _told(f"s3://{self.name}"):
            self._client = session.create_client("s3", region_name=region, config=config)
        self._check(region)

    def _check(self, region: str) -> None:
        from botocore.exceptions import ClientError

        with _told(f"s3://{self.name}"):
            try:
                headers = self._client.head_bucket(Bucket=self.name)["ResponseMetadata"]["HTTPHeaders"]
            except ClientError as error:
                told = error.response["ResponseMetadata"]
                if told["HTTPStatusCode"] == 404:
                    raise StoreError(f"there is no bucket s3://{self.name}; make it in {region}") from None
                headers = told.get("HTTPHeaders", {})  # who may write there need not be allowed to ask
        lies = headers.get("x-amz-bucket-region", region)
        if lies != region:
            raise StoreError(f"s3://{self.name} lies in {lies}; Neptune loads only from its own region, {region}")

    @contextlib.contextmanager
    def holding(self, folder: Path, names: Sequence[str], told: Callable[[int], None]) -> Iterator[str]:
        """The S3 URL under which files of a folder lie for the block; told: how many bytes have arrived.

        They are removed afterwards, but not after a StoreError of the block, which may speak of their rows.
        """
        prefix = "/".join([*([self._prefix] if self._prefix else []), f"reelgraph-{uuid.uuid4().hex}", ""])
        keep = False
        try:
            self._upload(folder, names, prefix, told)
            try:
                yield f"s3://{self.name}/{prefix}"
            except StoreError:
                keep = True
                raise
        finally:
            if not keep:
                self._remove(prefix, names)

    def _upload(self, folder: Path, names: Sequence[str], prefix: str, told: Callable[[int], None]) -> None:
        def put(name: str) -> int:
            with (folder / name).open("rb") as file:
                self._client.put_object(Bucket=self.name, Key=prefix + name, Body=file)
            return (folder / name).stat().st_size

        sent = 0
        with ThreadPoolExecutor(_UPLOADS, thread_name_prefix="s3-put") as pool:
            every = {pool.submit(put, name) for name in names}
            running = every
            try:
                with _told(f"s3://{self.name}/{prefix}"):
                    while running:
                        ready, running = wait(running, _TELL_SECONDS, FIRST_COMPLETED)
                        sent += sum(one.result() for one in ready)
                        told(sent)
            finally:
                for one in every:
                    one.cancel()

    def _remove(self, prefix: str, names: Sequence[str]) -> None:
        """What cannot be removed stays: the load itself is done."""
        with contextlib.suppress(StoreError), _told(prefix):
            for name in names:
                self._client.delete_object(Bucket=self.name, Key=prefix + name)


@contextlib.contextmanager
def _told(place: str) -> Iterator[None]:
    """Say of AWS's errors what they mean for a place in S3."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError:
        raise StoreError(f"{place} cannot be written without AWS credentials; give some that may") from None
    except ClientError as error:
        code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in ("AccessDenied", "403"):
            raise StoreError(f"{place} may not be written with these credentials ({said}): s3:PutObject") from None
        raise StoreError(f"{place}: {code}, {said}") from None
    except BotoCoreError as error:
        raise StoreError(f"{place} cannot be reached: {error}") from None
