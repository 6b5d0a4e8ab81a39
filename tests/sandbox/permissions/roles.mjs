// Whether the role of a function may do what it needs, under the conditions that it needs it, and nothing else.

import { actionsOf, allowed } from "./evaluate.mjs";
import { CONDITIONS } from "./needs.mjs";
import { filled } from "./stack.mjs";

/** The first faults of a role with these statements, each a sentence; at most `limit`, and of some services only. */
export async function faults(world, role, statements, { limit = Infinity, only } = {}) {
  const found = [];
  for await (const fault of all(world, role, statements, only)) {
    found.push(fault);
    if (found.length >= limit) break;
  }
  return found;
}

async function* all(world, role, statements, only) {
  const needs = world.needs.filter((need) => need.role === role && (!only || only.has(need.action.split(":")[0])));
  const services = new Set(needs.map(({ action }) => action.split(":")[0]));
  for (const action of statements.flatMap(({ Action }) => Action)) {
    const service = action.split(":")[0];
    if (!services.has(service) && !only) yield `it may call ${action}, and nothing of ${service} is needed`;
  }
  // Beyond its needs a role is judged by itself: a key's policy that stops it would hide that it may too much.
  const may = (action, thing, context) => world.may(role, statements, action, thing, context);
  for (const { action, thing, context, why } of needs) {
    if (!(await world.mayHere(role, statements, action, thing, context))) yield `it may not call ${action} on ${thing.name} (${told(context)}), which it needs: ${why}`;
    for (const other of altered(world, needs, action, thing, context)) {
      if (await may(action, thing, other)) yield `it may call ${action} on ${thing.name} under ${told(other)} too`;
    }
  }
  for (const service of services) yield* beyond(world, needs, service, may);
}

/** A need's context, with one condition key at a time left out or of another value that is not needed either. */
function* altered(world, needs, action, thing, context) {
  const same = needs.filter((need) => need.action === action && need.thing === thing);
  const added = [...CONDITIONS.values()].filter(({ on = [] }) => on.includes(action)).map(({ key }) => key);
  for (const key of new Set([...Object.keys(context), ...added])) {
    const { absent, others = [] } = CONDITIONS.get(key);
    const { [key]: _, ...without } = context;
    const wanted = new Set(same.map((need) => JSON.stringify(need.context[key])));
    if (absent === "denied" && !wanted.has(undefined)) yield without;
    const unwanted = filled(others, world.names).filter((value) => !wanted.has(JSON.stringify(value)));
    yield* unwanted.map((value) => ({ ...context, [key]: value }));
  }
}

/** Every action of a service, on everything of it that there is, under all conditions that anything is needed under. */
async function* beyond(world, needs, service, may) {
  const here = needs.filter(({ action }) => action.startsWith(`${service}:`));
  const needed = new Set(here.map(({ action, thing }) => `${action} ${thing.name}`));
  const things = world.things.filter(({ example }) => example.startsWith(`arn:aws:${service}:`));
  const contexts = generous(world.needs.filter(({ action }) => action.startsWith(`${service}:`)));
  for (const { action, isWildcardOnly, strangers } of await actionsOf(service)) {
    const others = strangers.map((arn) => ({ name: arn, example: arn }));
    for (const thing of isWildcardOnly ? [world.everything] : [...things, ...others]) {
      if (needed.has(`${action} ${thing.name}`)) continue;
      for (const context of contexts) {
        if (await may(action, thing, context)) {
          yield `it may call ${action} on ${thing.name}, which nothing needs`;
          break;
        }
      }
    }
  }
}

/** Contexts that fulfil as many conditions as can be at once: one for each set of values that something is needed with. */
function generous(needs) {
  const merged = Object.assign({}, ...needs.map(({ context }) => context));
  const judged = [...CONDITIONS.values()].filter(({ others }) => others).map(({ key }) => key);
  const sets = needs.map(({ context }) => Object.fromEntries(judged.map((key) => [key, context[key]])));
  const distinct = new Map(sets.map((set) => [JSON.stringify(set), set]));
  return [...distinct.values()].map((set) => {
    const context = { ...merged, ...set };
    return Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
  });
}

const told = (context) => Object.entries(context).map(([key, value]) => `${key}=${value}`).join(", ") || "no condition";
