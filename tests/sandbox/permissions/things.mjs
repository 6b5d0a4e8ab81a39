// What a policy can speak of: the stack's own resources, and near misses that nobody of the stack may touch.

/** Each thing: its name, an ARN that stands for all of its kind, and what the ARNs of its kind look like. */
export function things(stack) {
  const { region, account } = stack.deployed;
  const attribute = (id) => stack.attribute(id, "Arn");
  const parameter = (name) => stack.parameters[name];
  const arn = (service, rest, where = region, whose = account) => `arn:aws:${service}:${where}:${whose}:${rest}`;
  const all = [];
  const add = (name, example, pattern = new RegExp(`^${escape(example)}$`)) => all.push({ name, example, pattern });

  for (const [table, index] of [["CustomersTable", "customers"], ["DocumentsTable", "open-documents"]]) {
    add(table, attribute(table));
    add(`${table}/${index}`, `${attribute(table)}/index/${index}`);
    add(`another index of ${table}`, `${attribute(table)}/index/another`);
  }
  add("another table", arn("dynamodb", "table/another"));
  add("a table of the same name elsewhere", arn("dynamodb", `table/${stack.ref("CustomersTable")}`, "us-east-1"));

  const prefix = parameter("SecretPrefix");
  const credential = arn("secretsmanager", `secret:${prefix}/`);
  add("a customer's credential", `${credential}acme/eu-1/credential-AbCdEf`,
    new RegExp(`^${escape(credential)}[^/]+/[^/]+/credential-\\w{6}$`));
  add("a credential that is not there", `${credential}acme/eu-1/credential`);
  add("another secret under the prefix", `${credential}acme/eu-1/notes-AbCdEf`);
  add("a secret of a longer prefix", arn("secretsmanager", `secret:${prefix}-b/acme/eu-1/credential-AbCdEf`));
  add("a credential elsewhere", arn("secretsmanager", `secret:${prefix}/acme/eu-1/credential-AbCdEf`, "us-east-1"));
  add("the organization's secret", parameter("OrganizationSecretArn"));
  add("another secret", arn("secretsmanager", "secret:payroll-AbCdEf"));

  for (const id of stack.ids("AWS::SQS::Queue")) add(id, attribute(id));
  add("another queue", arn("sqs", "another"));

  add("Bus", attribute("Bus"));
  add("the default bus", arn("events", "event-bus/default"));
  for (const id of stack.ids("AWS::Events::Rule")) add(id, arn("events", `rule/${stack.ref("Bus")}/${id}`));

  for (const [bucket, folder] of [["DocumentsBucket"], ["ReportsBucket", "reconciliations/"], ["ResultsBucket", "results/"]]) {
    const objects = `${attribute(bucket)}/${folder ?? ""}`;
    add(bucket, attribute(bucket));
    add(`an object of ${bucket}`, `${objects}acme/eu-1/scan.pdf`, new RegExp(`^${escape(objects)}.+$`, "s"));
    if (folder) add(`another object of ${bucket}`, `${attribute(bucket)}/another/scan.pdf`);
  }
  add("another bucket", "arn:aws:s3:::another");
  add("an object of another bucket", "arn:aws:s3:::another/reconciliations/1.json");

  for (const id of stack.ids("AWS::KMS::Key")) add(id, attribute(id));
  if (parameter("OrganizationSecretKeyArn")) add("the key of the organization's secret", parameter("OrganizationSecretKeyArn"));
  for (const key of parameter("OrganizationKeyArns").split(",").filter(Boolean)) add(`the organization's key ${key.at(-1)}`, key);
  add("another key", arn("kms", "key/00000000-0000-0000-0000-00000000000f"));

  for (const id of stack.ids("AWS::Serverless::Function")) {
    const logs = attribute(`${id}Logs`).replace(/:\*$/, "");
    add(id, attribute(id));
    add(`${id}'s log group`, logs);
    add(`a log stream of ${id}`, `${logs}:log-stream:2026/01/01/[$LATEST]0123`);
  }
  add("another function", arn("lambda", "function:another"));
  add("another log group", arn("logs", "log-group:/aws/lambda/another"));
  add("a log stream of another log group", arn("logs", "log-group:/aws/lambda/another:log-stream:1"));
  add("everything", "*");
  return all;
}

/** The ARN of what a call named: a table, a queue's URL, a bucket and key, a secret's name. */
export function arnOf(permission, resource, stack) {
  const [service] = permission.split(":");
  const { region, account } = stack.deployed;
  if (resource === "*" || resource.startsWith("arn:")) return resource;
  const rest = {
    dynamodb: () => `arn:aws:dynamodb:${region}:${account}:table/${resource}`,
    events: () => `arn:aws:events:${region}:${account}:event-bus/${resource}`,
    s3: () => `arn:aws:s3:::${resource}`,
    secretsmanager: () => `arn:aws:secretsmanager:${region}:${account}:secret:${resource}-AbCdEf`,
    sqs: () => `arn:aws:sqs:${region}:${account}:${resource.split("/").at(-1)}`,
  }[service];
  if (!rest) throw new Error(`${permission}: how ${resource} is named in a policy is not known here`);
  return rest();
}

/** The thing that an ARN is one of. */
export function thingOf(arn, all) {
  const found = all.find(({ pattern }) => pattern.test(arn));
  if (!found) throw new Error(`${arn} is none of the stack's things: a call went where nothing should be`);
  return found;
}

const escape = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
