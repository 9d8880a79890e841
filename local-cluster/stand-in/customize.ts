import type { Client, Resource } from './client.ts'
import type { CompositeController } from './composite-controller.ts'
import { parseCustomizeResponse } from './hook-response.ts'
import type { Informer } from './informer.ts'
import { type GroupedObjects, groupName, insert, type KubeObject, log } from './objects.ts'
import { checkRule, matchesRule, type RelatedResourceRule } from './related.ts'
import type { Webhook } from './webhook.ts'

/** The related objects are not listed yet. */
export class RelatedNotSynced extends Error {}

/** The dependencies of `createCustomizer`. */
export interface CustomizeContext {
  webhook: Webhook
  controller: CompositeController
  client: Client
  parents: Informer
  informerFor: (resource: Resource) => Informer
  enqueue: (parent: KubeObject) => void
  signal: AbortSignal
}

interface ResolvedRule {
  rule: RelatedResourceRule
  resource: Resource
}

/** Metacontroller keeps the answer of a customize hook for so long. */
const keptMs = 20 * 60_000

/**
 * Returns the function that finds the related objects of a parent. Keeps the answer of the hook per
 * generation. A change of a related object enqueues the parents whose rules select it.
 */
export function createCustomizer(
  context: CustomizeContext,
): (parent: KubeObject) => Promise<GroupedObjects> {
  const { webhook, controller, client, parents, informerFor, enqueue, signal } = context
  const kept = new Map<string, { rules: ResolvedRule[]; until: number }>()
  const subscribed = new Set<Informer>()

  async function rulesOf(parent: KubeObject): Promise<ResolvedRule[]> {
    const key = `${parent.metadata.uid} ${parent.metadata.generation}`
    const answer = kept.get(key)
    const now = Date.now()
    if (answer !== undefined && answer.until > now) return answer.rules
    const rules: ResolvedRule[] = []
    for (const rule of parseCustomizeResponse(await webhook({ controller, parent }, signal))) {
      const resource = await client.resource(rule.apiVersion, { name: rule.resource })
      rules.push({ rule, resource })
    }
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
    // In order: a slow customize hook delays the next events.
    let last: Promise<void> = Promise.resolve()
    const notify = (...related: KubeObject[]) => {
      last = last.then(() => notifyParents(related)).catch((error) => log(String(error)))
    }
    informer.subscribe({
      add: notify,
      update(old, current) {
        if (old.metadata.resourceVersion !== current.metadata.resourceVersion) notify(old, current)
      },
      delete: notify,
    })
  }

  return async (parent) => {
    const related: GroupedObjects = {}
    for (const { rule, resource } of await rulesOf(parent)) {
      const informer = informerFor(resource)
      subscribe(informer)
      if (!informer.hasSynced()) throw new RelatedNotSynced(`${resource.name} are not listed yet`)
      checkRule(rule)
      related[groupName(resource)] ??= {}
      for (const object of informer.list()) {
        if (matchesRule(rule, resource, object)) insert(related, object)
      }
    }
    return related
  }
}
