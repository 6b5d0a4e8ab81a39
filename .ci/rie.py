"""Runs each function's binary under AWS's own Runtime Interface Emulator, with one event each.

    rie.py <aws-lambda-rie> <directory of the binaries>

The events are bad ones, so that each function has to read its configuration, parse, decide and
answer, and needs of AWS only the organization's secret and a bus for its refusal, which are here.
"""

import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

START_SECONDS = 20
KEY_FILE = pathlib.Path(__file__).parents[1] / "shared/resistant/testdata/organization-key.pkcs8.pem"

COMMON = {
    "STAGE": "production",
    "EVENT_BUS_NAME": "bus",
    "CUSTOMERS_TABLE": "customers",
    "SECRET_PREFIX": "resistant",
}
CONTROL = {
    "INSTALLATION_ID": "rie-check",
    "ORGANIZATION_SECRET_ID": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:organization-AbCdEf",
    "ORGANIZATION_TOKEN_URL": "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token",
}
KEY = "arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-0000-0000-000000000000"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/000000000000/own-queue"


def queued(body):
    return {
        "Records": [
            {
                "messageId": "m-1",
                "receiptHandle": "r-1",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1700000000000",
                    "SenderId": "000000000000",
                    "ApproximateFirstReceiveTimestamp": "1700000000001",
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:own-queue",
                "awsRegion": "eu-west-1",
            }
        ]
    }


ALL_WELL = {"batchItemFailures": []}

# Function, its own variables, the event, whether an answer is right, the event it puts on the bus.
CHECKS = [
    (
        "onboard-customer",
        CONTROL
        | {
            "CELLS": "eu-1",
            "DOCUMENTS_TABLE": "documents",
            "SEALING_KEY_ID": KEY,
            "SECRETS_KEY_ID": KEY,
            "ROTATION_FUNCTION_ARN": "arn:aws:lambda:eu-west-1:000000000000:function:rotate-secret",
            "QUEUE_URL": QUEUE,
        },
        queued("{not JSON"),
        lambda answer: answer == ALL_WELL,
        "RequestRejected",
    ),
    (
        "offboard-customer",
        CONTROL | {"CELLS": "eu-1", "DOCUMENTS_TABLE": "documents", "QUEUE_URL": QUEUE},
        queued('{"type": "CustomerOffboardingRequested", "version": "1"}'),
        lambda answer: answer == ALL_WELL,
        "RequestRejected",
    ),
    (
        "rotate-secret",
        CONTROL | {"SEALING_KEY_ID": KEY},
        {"Step": "createSecret", "SecretId": "not-one-of-ours"},
        lambda answer: answer.get("errorType") == "Rejected" and "ClientRequestToken" in answer["errorMessage"],
        "RequestRejected",
    ),
    (
        "reconcile-tenants",
        CONTROL
        | {
            "ROTATION_FUNCTION_ARN": "arn:aws:lambda:eu-west-1:000000000000:function:rotate-secret",
            "REPORTS_BUCKET": "reports",
            "BUCKET_OWNER": "000000000000",
            "DEAD_LETTER_QUEUE_URLS": QUEUE,
            "DOCUMENTS_TABLE": "documents",
        },
        {"Records": []},
        lambda answer: answer.get("errorType") == "Rejected" and "Records" in answer["errorMessage"],
        "RequestRejected",
    ),
    (
        "submit-document",
        {
            "DOCUMENTS_TABLE": "documents",
            "DOCUMENTS_BUCKET": "documents",
            "BUCKET_OWNER": "000000000000",
            "QUEUE_URL": QUEUE,
            "RESULTS_QUEUE_URL": QUEUE,
        },
        queued("{not JSON"),
        lambda answer: answer == ALL_WELL,
        "RequestRejected",
    ),
    (
        "collect-result",
        {
            "DOCUMENTS_TABLE": "documents",
            "RESULTS_BUCKET": "results",
            "BUCKET_OWNER": "000000000000",
            "QUEUE_URL": QUEUE,
        },
        queued("{not JSON"),
        lambda answer: answer == ALL_WELL,
        "RequestRejected",
    ),
]


class Aws(http.server.BaseHTTPRequestHandler):
    """PutEvents, and the organization's secret."""

    put = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match self.headers.get("X-Amz-Target"):
            case "AWSEvents.PutEvents":
                self.put.extend(entry["DetailType"] for entry in body["Entries"])
                self.answer({"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in body["Entries"]]})
            case "secretsmanager.GetSecretValue" if body["SecretId"] == CONTROL["ORGANIZATION_SECRET_ID"]:
                value = {"client_id": "organization", "private_key": KEY_FILE.read_text()}
                self.answer({"ARN": body["SecretId"], "SecretString": json.dumps(value)})
            case other:
                self.answer({"__type": "ValidationException", "message": f"{other} is not here"}, 400)

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def invoke(port, event):
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, json.dumps(event).encode(), timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read() or b"null")
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def check(emulator, binary, variables, event, aws_port):
    port = free_port()
    environment = COMMON | variables | {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws_port}",
        "AWS_LAMBDA_FUNCTION_NAME": os.path.basename(binary),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
    }
    process = subprocess.Popen(
        [
            emulator,
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{port}",
            "--runtime-api-address",
            f"127.0.0.1:{free_port()}",
            binary,
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        return invoke(port, event), lines
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        reader.join(5)


def main():
    emulator, directory = sys.argv[1:]
    os.chmod(emulator, 0o755)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wrong = 0
    for name, variables, event, right, announced in CHECKS:
        Aws.put.clear()
        binary = os.path.abspath(os.path.join(directory, name))
        answer, lines = check(emulator, binary, variables, event, server.server_port)
        good = right(answer) and Aws.put == [announced]
        print(f"{name:<18} {'ok' if good else 'WRONG':<6} answer {json.dumps(answer)[:150]}, announced {Aws.put}")
        if not good:
            wrong += 1
            sys.stdout.buffer.write(b"".join(lines))
    sys.exit(1 if wrong else 0)


main()
