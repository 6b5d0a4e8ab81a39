"""Submits a document with the vendor's own client and reads its result.

The client is PyPI's `resistant-documents-client`.
It speaks to whatever URLs it is given, so a simulator that it accepts is read as the vendor means to be read.

usage: check_python_client.py --base-url URL --cell CELL --token-url URL --client-id ID
The client secret is read from the environment variable CLIENT_SECRET.
"""

import argparse
import hashlib
import os
import sys

# The client's OAuth library refuses plain HTTP otherwise; the simulator is on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from resistant_documents_client.base import ResistantApiException  # noqa: E402
from resistant_documents_client.client import ResistantDocumentsClient  # noqa: E402

DOCUMENT = b"%PDF-1.4\n% submitted by the vendor's own client\n%%EOF\n"


def expect(what, found, wanted):
    """Fails with a sentence that names both values."""
    if found != wanted:
        sys.exit(f"{what}: expected {wanted!r}, found {found!r}")
    print(f"  {what}: {found!r}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("base-url", "cell", "token-url", "client-id"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def main():
    args = arguments()
    client = ResistantDocumentsClient(
        client_id=args.client_id,
        client_secret=os.environ["CLIENT_SECRET"],
        token_url=args.token_url,
        api_url=f"{args.base_url}/documents/{args.cell}",
    )
    submission = client.submit(DOCUMENT, query_id="python-client", enable_decision=True)
    fraud = client.fraud(submission, with_metadata=True)
    expect("fraud status", fraud["status"], "SUCCESS")
    expect("fraud query_id", fraud["query_id"], "python-client")
    expect("fraud sha256", fraud["sha256"], hashlib.sha256(DOCUMENT).hexdigest())
    expect("decision", client.decision(submission, embed={"fraud"})["decision"], "APPROVED")

    described = client.submit(DOCUMENT, enable_submission_characteristics=True, pipeline_configuration="QUALITY_ONLY")
    client.add_characteristics(described, {"customer_case_id": "case-1"})
    expect("quality status", client.quality(described)["status"], "SUCCESS")

    for one in (submission, described):
        client.delete(one)
    try:
        client.delete(submission)
        sys.exit("a second delete was not refused")
    except ResistantApiException as refusal:
        print(f"  a second delete: {refusal}")


if __name__ == "__main__":
    main()
