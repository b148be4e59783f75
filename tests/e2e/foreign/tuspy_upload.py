"""Upload a file with tuspy: python tuspy_upload.py ENDPOINT FILE STORE.

STORE is a file with the URLs of unfinished uploads; if it has one for FILE, the upload is resumed.
Prints {"offset": N} with the first offset to send, and {"url": URL} at the end. Ends with a
traceback when tuspy stops retrying.
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
