// What the functions need: what they were seen to call, and two tables of what no recording shows.

import { readFileSync } from "node:fs";
import { arnOf, thingOf } from "./things.mjs";
import { filled } from "./stack.mjs";

const table = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url)));
const SERVICES = table("services.json");
const RARE = table("rare.json");
export const CONDITIONS = new Map(table("conditions.json").map((row) => [row.key, row]));

/** Every need as `{role, action, thing, arn, context, why}`; `context` holds the values of condition keys. */
export function needs(stack, all, recordings) {
  const told = [...recordings.flatMap((recorded) => recordedNeeds(stack, all, recorded)), ...tabled(stack, all)];
  return [...told, ...told.filter(({ thing }) => thing.name === CREDENTIAL).map((need) => ({ ...need, thing: absent(all) }))];
}

const CREDENTIAL = "a customer's credential";

/**
 * A secret that is not there has no ARN: Secrets Manager judges by one without the random end, and answers "access
 * denied" instead of "not found" where that one is not allowed.
 */
const absent = (all) => all.find(({ name }) => name === "a credential that is not there");

function recordedNeeds(stack, all, recorded) {
  const roles = new Map(stack.ids("AWS::Serverless::Function").map((id) => [stack.properties(id).FunctionName, id]));
  return translated(recorded, stack).map(({ caller, permission, resource, conditions }) => {
    const role = roles.get(caller);
    if (!role) throw new Error(`${caller} is no function of the stack`);
    const thing = thingOf(arnOf(permission, resource, stack), all);
    return need(stack, { role, action: permission, thing, conditions, why: "recorded" });
  });
}

/** Each recording is of a stack of its own: its physical names become those of the stack that is judged. */
function translated(recorded, stack) {
  const names = Object.entries(recorded.resources).map(([id, physical]) => [physical, stack.deployed.resources[id]]);
  names.push([recorded.parameters.OrganizationSecretArn, stack.parameters.OrganizationSecretArn]);
  const text = names.reduce((all, [theirs, ours]) => all.replaceAll(theirs, ours), JSON.stringify(recorded.needed));
  return JSON.parse(text);
}

function tabled(stack, all) {
  const rows = [...SERVICES, ...RARE].filter(({ when }) => !when || stack.holds(when));
  return rows.flatMap((row) => row.roles.flatMap((role) => {
    const names = { ...stack.deployed, role, queue: stack.queueOf(role) };
    const { actions, things, conditions = {}, why } = filled(row, names);
    const found = things.map((name) => {
      const thing = all.find((one) => one.name === name);
      if (!thing) throw new Error(`no thing is called "${name}"`);
      return thing;
    });
    return found.flatMap((thing) => actions.map((action) => need(stack, { role, action, thing, conditions, why })));
  }));
}

/** The owner of a bucket is in no request, but it is in every question to a policy. */
function need(stack, { role, action, thing, conditions, why }) {
  const owner = action.startsWith("s3:") ? { "aws:ResourceAccount": stack.deployed.account } : {};
  const context = { ...owner, ...summed(conditions) };
  const unknown = Object.keys(context).find((key) => !CONDITIONS.has(key));
  if (unknown) throw new Error(`${role} ${action}: conditions.json does not say whether ${unknown} is enforced`);
  return { role, action, thing, context, why };
}

/** The evaluator knows of an encryption context which keys it has. */
function summed(conditions) {
  const prefix = "kms:EncryptionContext:";
  const entries = Object.entries(conditions);
  const keys = entries.filter(([key]) => key.startsWith(prefix)).map(([key]) => key.slice(prefix.length));
  const others = Object.fromEntries(entries.filter(([key]) => !key.startsWith(prefix) && !CONDITIONS.get(key)?.ignored));
  return keys.length ? { ...others, "kms:EncryptionContextKeys": keys } : others;
}

/** One for all that differ only in what no policy looks at. */
export function distinct(all) {
  const looked = ({ context }) => Object.entries(context).flatMap(([key, value]) => {
    const { absent, others } = CONDITIONS.get(key);
    return others ? [[key, value]] : absent ? [[key]] : [];
  }).sort();
  const key = (one) => JSON.stringify([one.role, one.action, one.thing.name, looked(one)]);
  return [...new Map(all.map((one) => [key(one), one])).values()];
}

/** Conditions that no need is under. */
export function idleConditions(all) {
  const used = new Set(all.flatMap(({ context }) => Object.keys(context)));
  return [...CONDITIONS.values()].filter(({ key, ignored }) => !ignored && !used.has(key)).map(({ key }) => key);
}

/** Where the rare needs are seen. */
export const seenIn = () => RARE.map(({ seen }) => seen);
