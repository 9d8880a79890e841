import type { Client, Resource } from './client.ts'
import { parseCustomizeResponse } from './hook-response.ts'
import type { Informer } from './informer.ts'
import { log, messageOf } from './log.ts'
import { type GroupedObjects, groupName, insert, type KubeObject } from './objects.ts'
import { checkRule, matchesRule, type RelatedResourceRule } from './related.ts'

/** The dependencies of `createCustomizer`. */
export interface CustomizeContext {
  client: Client
  /** Resolves to the answer of the hook. */
  callHook: (parent: KubeObject) => Promise<string>
  parents: Informer
  informerFor: (resource: Resource) => Informer
  enqueue: (parent: KubeObject) => void
}

interface ResolvedRule {
  rule: RelatedResourceRule
  resource: Resource
}

/** Metacontroller keeps the answer of a customize hook for 20 minutes. */
const keptMs = 20 * 60_000

/**
 * Returns the function that finds the related objects of a parent. Keeps the answer of the hook per
 * generation. A change of a related object enqueues the parents whose rules select it.
 */
export function createCustomizer(
  context: CustomizeContext,
): (parent: KubeObject) => Promise<GroupedObjects> {
  const { client, callHook, parents, informerFor, enqueue } = context
  const kept = new Map<string, { rules: ResolvedRule[]; until: number }>()
  const subscribed = new Set<Informer>()

  async function rulesOf(parent: KubeObject): Promise<ResolvedRule[]> {
    const key = `${parent.metadata.uid} ${parent.metadata.generation}`
    const answer = kept.get(key)
    if (answer !== undefined && answer.until > Date.now()) return answer.rules
    const rules: ResolvedRule[] = []
    for (const rule of parseCustomizeResponse(await callHook(parent))) {
      rules.push({ rule, resource: await client.resource(rule.apiVersion, rule.resource) })
    }
    const now = Date.now()
    for (const [old, { until }] of kept) if (until <= now) kept.delete(old)
    kept.set(key, { rules, until: now + keptMs })
    return rules
  }

  async function notifyParents(related: KubeObject[]): Promise<void> {
    for (const parent of parents.list()) {
      // If the hook fails, the sync of the parent reports it.
      const rules = await rulesOf(parent).catch(() => [])
      const isRelated = rules.some(({ rule, resource }) =>
        related.some((object) => matchesRule(rule, resource, object)),
      )
      if (isRelated) enqueue(parent)
    }
  }

  function subscribe(informer: Informer): void {
    if (subscribed.has(informer)) return
    subscribed.add(informer)
    // Events are handled in order, so a slow customize hook delays the next events.
    let last: Promise<void> = Promise.resolve()
    informer.subscribe((object, old = object) => {
      last = last
        .then(() => notifyParents([old, object]))
        .catch((error) => log(`cannot find the parents of related objects: ${messageOf(error)}`))
    })
  }

  return async (parent) => {
    const related: GroupedObjects = {}
    for (const { rule, resource } of await rulesOf(parent)) {
      checkRule(rule)
      const informer = informerFor(resource)
      subscribe(informer)
      await informer.synced
      related[groupName(resource)] ??= {}
      for (const object of informer.list()) {
        if (matchesRule(rule, resource, object)) insert(related, object)
      }
    }
    return related
  }
}
