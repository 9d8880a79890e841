import { type CompositeController } from './composite-controller.ts'
import { type Discovery, type Resource } from './discovery.ts'
import { parseCustomizeResponse } from './hook-response.ts'
import { type Informer } from './informer.ts'
import { type KubeObject } from './kube-object.ts'
import { type Log } from './log.ts'
import { type ObjectMap, createObjectMap } from './object-map.ts'
import { type RelatedRule, checkRule, matchesRule } from './related.ts'
import { type Webhook } from './webhook.ts'

/** The related objects are not listed yet: try again in a moment. */
export class RelatedNotSynced extends Error {}

/** What finding related objects needs. */
export interface CustomizeContext {
  /** The customize hook, if there is one. */
  webhook: Webhook | undefined
  controller: CompositeController
  discovery: Discovery
  parents: Informer
  informerFor(resource: Resource): Informer
  enqueue(parent: KubeObject): void
  signal: AbortSignal
  log: Log
}

const keptMilliseconds = 20 * 60_000

/**
 * Gives the function that finds a parent's related objects. What the hook answered for a parent is
 * kept per generation; changes of related objects queue the parents that asked for them.
 */
export function createCustomizer (context: CustomizeContext): (parent: KubeObject) => Promise<ObjectMap> {
  const { webhook, controller, discovery, parents, informerFor, enqueue, signal, log } = context
  const kept = new Map<string, { rules: RelatedRule[], until: number }>()
  const subscribed = new Set<Informer>()

  async function rulesOf (parent: KubeObject): Promise<RelatedRule[]> {
    if (webhook === undefined) return []
    const now = Date.now()
    const key = `${parent.metadata.uid} ${parent.metadata.generation}`
    const answer = kept.get(key)
    if (answer !== undefined && answer.until > now) return answer.rules
    const rules = parseCustomizeResponse(await webhook({ controller, parent }, signal))
    for (const [old, { until }] of kept) {
      if (until <= now) kept.delete(old)
    }
    kept.set(key, { rules, until: now + keptMilliseconds })
    return rules
  }

  async function asksForOneOf (parent: KubeObject, related: KubeObject[]): Promise<boolean> {
    for (const rule of await rulesOf(parent)) {
      const resource = await discovery.byName(rule.apiVersion, rule.resource)
      if (related.some(object => matchesRule(rule, resource, object))) return true
    }
    return false
  }

  async function notifyParents (related: KubeObject[]): Promise<void> {
    for (const parent of parents.list()) {
      // A parent whose hook fails now is left to its own sync, which says what is wrong.
      if (await asksForOneOf(parent, related).catch(() => false)) enqueue(parent)
    }
  }

  function subscribe (informer: Informer): void {
    if (subscribed.has(informer)) return
    subscribed.add(informer)
    // One after another: a slow customize hook delays the events that come behind.
    let last: Promise<void> = Promise.resolve()
    const notify = (...related: KubeObject[]): void => {
      last = last.then(() => notifyParents(related)).catch(error => log(String(error)))
    }
    informer.subscribe({
      add: notify,
      update (old, current) {
        if (old.metadata.resourceVersion !== current.metadata.resourceVersion) notify(old, current)
      },
      delete: notify,
    })
  }

  return async parent => {
    const related = createObjectMap()
    for (const rule of await rulesOf(parent)) {
      const resource = await discovery.byName(rule.apiVersion, rule.resource)
      const informer = informerFor(resource)
      subscribe(informer)
      if (!informer.hasSynced()) throw new RelatedNotSynced(`${resource.name} are not listed yet`)
      checkRule(rule)
      related.group(resource.apiVersion, resource.kind)
      for (const object of informer.list()) {
        if (matchesRule(rule, resource, object)) related.insert(object)
      }
    }
    return related
  }
}
