"""The AWS command line, as far as README.md uses it: arguments as AWS documents them, calls to loopback.

What there is a service for here is called; what only AWS has is answered as it would be, and every command is
written down for the test to look at.
"""

import json
import os
import sys
import urllib.request

STACK = "resistant-tenants-"
OUTPUTS = {
    "CustomersTableName": "customers",
    "OnboardingDeadLettersUrl": "https://queue.invalid/dead-letters",
}


def main(arguments):
    service, operation, *rest = arguments
    with open(os.environ["COMMANDS"], "a") as commands:
        commands.write(json.dumps(arguments) + "\n")
    name = f"{service}_{operation}".replace("-", "_")
    if name not in COMMANDS:
        sys.exit(f"README.md does not use `aws {service} {operation}`")
    return COMMANDS[name](*parse(rest))


def parse(arguments):
    """Options with their values, and what stands alone."""
    options, alone = {}, []
    arguments = iter(arguments)
    for argument in arguments:
        if argument.startswith("--no-"):
            options[argument] = True
        elif argument.startswith("--"):
            options[argument] = next(arguments)
        else:
            alone.append(argument)
    return options, alone


def invoke(options, alone):
    expect(options, "--function-name", "--payload", **{"--cli-binary-format": "raw-in-base64-out"})
    [outfile] = alone
    name = options["--function-name"]
    assert name.startswith(STACK), name
    url = f"{os.environ['LAMBDA']}/2015-03-31/functions/{name[len(STACK):]}/invocations"
    request = urllib.request.Request(url, options["--payload"].encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        body, error = answer.read().decode(), answer.headers.get("x-amz-function-error")
    if error:
        sys.exit(body)
    with open(outfile, "w") as file:
        file.write(body + "\n")


def version_id(options, _):
    expect(options, "--secret-id", **{"--query": "VersionId", "--output": "text"})
    answer = call("SECRETS", "secretsmanager.GetSecretValue", "1.1", {"SecretId": options["--secret-id"]})
    print(answer["VersionId"])


def query(options, _):
    expect(options, "--table-name", "--key-condition-expression", "--expression-attribute-values",
           **{"--no-scan-index-forward": True})
    asked = {
        "TableName": options["--table-name"],
        "ScanIndexForward": False,
        "KeyConditionExpression": options["--key-condition-expression"],
        "ExpressionAttributeValues": json.loads(options["--expression-attribute-values"]),
    }
    print(json.dumps(call("DYNAMODB", "DynamoDB_20120810.Query", "1.0", asked)))


def output(options, _):
    expect(options, "--query", **{"--stack-name": "resistant-tenants", "--output": "text"})
    key = options["--query"].split("`")[1]
    assert options["--query"] == f"Stacks[0].Outputs[?OutputKey==`{key}`].OutputValue", options
    print(OUTPUTS[key])


def text(answer):
    """A command whose answer is one text."""
    def command(options, _):
        assert options["--output"] == "text" and "--query" in options, options
        print(answer)
    return command


def silent(*_):
    """A command whose answer nobody reads."""


def call(service, target, version, body):
    headers = {
        "x-amz-target": target,
        "content-type": f"application/x-amz-json-{version}",
        "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/x/aws4_request, "
                         "SignedHeaders=host, Signature=0",
        "x-amz-date": "20260101T000000Z",
    }
    request = urllib.request.Request(os.environ[service], json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def expect(options, *free, **fixed):
    """Exactly these options: some with any value."""
    assert set(options) == {*free, *fixed}, options
    for option, value in fixed.items():
        assert options[option] == value, options


COMMANDS = {
    "cloudformation_describe_stacks": output,
    "dynamodb_query": query,
    "events_disable_rule": silent,
    "events_list_rule_names_by_target": text("the-rule"),
    "lambda_get_function": text("the-function"),
    "lambda_invoke": invoke,
    "lambda_list_event_source_mappings": text("the-mapping"),
    "lambda_put_function_concurrency": silent,
    "lambda_update_event_source_mapping": silent,
    "secretsmanager_get_secret_value": version_id,
    "sqs_get_queue_attributes": text("the-dead-letters"),
    "sqs_start_message_move_task": silent,
}

if __name__ == "__main__":
    main(sys.argv[1:])
