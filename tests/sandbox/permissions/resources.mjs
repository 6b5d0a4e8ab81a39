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

/** Rows of the table that speak of no policy that there is: with every option, each must. */
export function idle(policies) {
  const ids = new Set(policies.map(({ id }) => id));
  return ADMITTED.rows.flatMap((row) => row.policies).filter((id) => !ids.has(id));
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
  for (const { principal, action, context, why } of rows) {
    for (const resource of resources) {
      const real = sample(action, resource);
      if (!(await may(principal, real, resource, context))) yield `${principal} may not ${real} (${told(context)}): ${why}`;
      for (const other of altered(context, table.others).filter((each) => !admitted(principal, real, each))) {
        if (await may(principal, real, resource, other)) yield `${principal} may ${real} under ${told(other)} too`;
      }
    }
  }
  const principals = [...new Set([...rows.map(({ principal }) => principal), ...STRANGERS, ...own(stack, policy)])];
  const contexts = unique([{}, ...rows.flatMap(({ context }) => [context, ...altered(context, table.others)])]);
  for (const { action } of (await actionsOf(policy.service)).filter(({ isWildcardOnly }) => !isWildcardOnly)) {
    for (const principal of principals) {
      for (const context of contexts.filter((each) => !admitted(principal, action, each))) {
        for (const resource of resources) {
          if (await may(principal, action, resource, context)) yield `${principal} may ${action} (${told(context)}), and the table does not admit it`;
        }
      }
    }
  }
}

/** What is true of every request that a row does not say otherwise of. */
const ALWAYS = { "aws:SecureTransport": "true" };

/** An action of S3 that stands for all, on a bucket or on an object. */
const sample = (action, resource) => (action === "s3:*" ? (resource.endsWith("/object") ? "s3:GetObject" : "s3:ListBucket") : action);

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

/** The context with one key left out or of another value. */
function altered(context, others) {
  return Object.keys(context).flatMap((key) => {
    const { [key]: _, ...without } = context;
    return [without, { ...context, [key]: others[key] }];
  });
}

async function ask(stack, statements, { principal, action, resource, context }) {
  const { account } = stack.deployed;
  const isService = principal.endsWith(".amazonaws.com");
  const own = isService ? {} : { "aws:PrincipalArn": principal };
  const question = { principal, action, resource, account, policy: statements, identity: isService ? undefined : EVERYTHING };
  return allowed({ ...question, context: { ...ALWAYS, ...own, ...context } });
}

const fits = (pattern, action) => pattern === action || (pattern.endsWith("*") && action.startsWith(pattern.slice(0, -1)));
const holds = (wanted, context) => Object.entries(wanted).every(([key, value]) => ({ ...ALWAYS, ...context })[key] === value);
const unique = (list) => [...new Map(list.map((each) => [JSON.stringify(each), each])).values()];
const told = (context) => Object.entries(context).map(([key, value]) => `${key}=${value}`).join(", ") || "no condition";
