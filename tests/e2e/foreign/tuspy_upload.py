"""Uploads a file with tuspy, as its users do: python tuspy_upload.py ENDPOINT FILE STORE.

In STORE it remembers uploads, and goes on with one that is there. Prints {"offset": N} at first,
where it begins, and {"url": URL} at the end. Ends with a traceback when tuspy gives up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

CHUNK_SIZE = 100_000
RETRIES = 3


def main(endpoint: str, path: str, store: str) -> None:
    storage = FileStorage(store)  # type: ignore[no-untyped-call]
    uploader = TusClient(endpoint).uploader(
        path, chunk_size=CHUNK_SIZE, metadata={"filename": Path(path).name},
        retries=RETRIES, retry_delay=0, upload_checksum=True,
        store_url=True, url_storage=storage,
    )  # fmt: skip
    print(json.dumps({"offset": uploader.offset}), flush=True)
    uploader.upload()
    print(json.dumps({"url": uploader.url}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
