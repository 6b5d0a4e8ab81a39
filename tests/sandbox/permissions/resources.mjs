// Whether what hangs on the resources (queues, buckets, bus, keys, roles, functions) admits whom it should, and nobody else.

import { readFileSync } from "node:fs";
import { actionsOf, allowed } from "./evaluate.mjs";
import { filled } from "./stack.mjs";

const ADMITTED = JSON.parse(readFileSync(new URL("admitted.json", import.meta.url)));
const EVERYTHING = [{ Effect: "Allow", Action: "*", Resource: "*" }];

/** Who might knock, beside those that the table admits: whoever is no service may do everything by policies of their own. */
const STRANGERS = [
  "arn:aws:iam::111111111111:role/administrator",
  "events.amazonaws.com", "lambda.amazonaws.com", "s3.amazonaws.com", "secretsmanager.amazonaws.com", "sns.amazonaws.com",
];

/** Of these a policy can keep out somebody of the same account, whom IAM lets in; of all others it cannot. */
const KEEPS_OUT = ["kms", "s3", "sts"];

/** What the table's names in braces stand for. */
function names(stack) {
  const arn = (id) => stack.attribute(id, "Arn");
  const roles = stack.ids("AWS::IAM::Role");
  const named = [...roles, "OnboardingRequested", "OffboardingRequested", "CleanUpRule", "ReconciliationRule", "DocumentsBucket"];
  const { account, region } = stack.deployed;
  const administrator = `arn:aws:iam::${account}:role/administrator`;
  return { account, region, administrator, ...stack.parameters, ...Object.fromEntries(named.map((id) => [id, arn(id)])) };
}

/** The first faults of a policy with these statements; at most `limit`. */
export async function faults(stack, policy, statements, limit = Infinity) {
  const found = [];
  for await (const fault of all(stack, policy, statements)) {
    found.push(fault);
    if (found.length >= limit) break;
  }
  return found;
}

async function* all(stack, policy, statements) {
  const table = filled(ADMITTED, names(stack));
  const rows = table.rows.filter(({ when, policies }) => policies.includes(policy.id) && (!when || stack.holds(when))).flatMap(one);
  if (rows.length === 0) yield "nobody is admitted by the table: the policy is needless";
  const { account, administrator } = names(stack);
  // Whom the administrator stands for: everybody of the account whom IAM lets.
  const stands = (row, principal) => row === principal || (row === administrator && principal.includes(`::${account}:`));
  const admitted = (principal, action, context) =>
    rows.some((row) => stands(row.principal, principal) && fits(row.action, action) && holds(row.context, context));
  const may = (principal, action, resource, context) => ask(stack, statements, { principal, action, resource, context });
  const resources = policy.service === "s3" ? policy.on.flatMap((arn) => [arn, `${arn}/an/object`]) : policy.on;
  for (const { principal, action, context, why } of rows.filter(({ action }) => !action.endsWith("*"))) {
    for (const resource of resources) {
      if (!(await may(principal, action, resource, context))) yield `${principal} may not ${action} (${told(context)}): ${why}`;
      for (const other of altered(context, table.others).filter((each) => !admitted(principal, action, each))) {
        if (await may(principal, action, resource, other)) yield `${principal} may ${action} under ${told(other)} too`;
      }
    }
  }
  const principals = [...new Set([...rows.map(({ principal }) => principal), ...STRANGERS, ...own(stack, policy)])];
  const contexts = unique([{}, ...rows.map(({ context }) => context), ...(policy.service === "s3" ? [{ "aws:SecureTransport": "false" }] : [])]);
  for (const { action } of (await actionsOf(policy.service)).filter(({ isWildcardOnly }) => !isWildcardOnly)) {
    for (const principal of principals) {
      for (const context of contexts) {
        const due = admitted(principal, action, context);
        if (due && policy.service !== "s3") continue;
        for (const resource of resources) {
          const does = await may(principal, action, resource, context);
          if (does && !due) yield `${principal} may ${action} (${told(context)}), and the table does not admit it`;
        }
      }
    }
  }
  yield* refused(stack, statements, rows, resources, policy);
}

/** Where everything is admitted, as over TLS, one action stands for all. */
async function* refused(stack, statements, rows, resources, { service }) {
  for (const { principal, action, context } of rows.filter(({ action }) => action.endsWith("*"))) {
    for (const [one, resource] of [[`${service}:ListBucket`, resources[0]], [`${service}:GetObject`, resources[1]]]) {
      const does = await ask(stack, statements, { principal, action: one, resource, context });
      if (!does) yield `${principal} may not ${one} (${told(context)}), though ${action} is admitted`;
    }
  }
}

/** A row as one line for each principal, action and value. */
function one({ principals, actions, conditions = {}, why }) {
  const contexts = Object.entries(conditions).reduce(
    (sofar, [key, values]) => sofar.flatMap((context) => [values].flat().map((value) => ({ ...context, [key]: value }))), [{}]);
  return principals.flatMap((principal) => actions.flatMap((action) => contexts.map((context) => ({ principal, action, context, why }))));
}

/** Principals of the account: somebody who may everything, and for keys the functions' roles. */
function own(stack, { service }) {
  const roles = service === "kms" ? stack.ids("AWS::Serverless::Function").map((id) => stack.attribute(`${id}Role`, "Arn")) : [];
  return KEEPS_OUT.includes(service) ? [names(stack).administrator, ...roles] : [];
}

/** The context with one key left out or of another value. TLS is there or not: it cannot be left out. */
function altered(context, others) {
  return Object.keys(context).flatMap((key) => {
    const { [key]: _, ...without } = context;
    const other = { ...context, [key]: others[key] };
    return key === "aws:SecureTransport" ? [other] : [without, other];
  });
}

async function ask(stack, statements, { principal, action, resource, context }) {
  const { account } = stack.deployed;
  const isService = principal.endsWith(".amazonaws.com");
  const own = isService ? {} : { "aws:PrincipalArn": principal };
  const question = { principal, action, resource, account, policy: statements, identity: isService ? undefined : EVERYTHING };
  return allowed({ ...question, context: { "aws:SecureTransport": "true", ...own, ...context } });
}

const fits = (pattern, action) => pattern === action || (pattern.endsWith("*") && action.startsWith(pattern.slice(0, -1)));
const holds = (wanted, context) => Object.entries({ ...wanted }).every(([key, value]) => (context[key] ?? (key === "aws:SecureTransport" ? "true" : undefined)) === value);
const unique = (list) => [...new Map(list.map((each) => [JSON.stringify(each), each])).values()];
const told = (context) => Object.entries(context).map(([key, value]) => `${key}=${value}`).join(", ") || "no condition";
