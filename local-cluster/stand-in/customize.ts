import { type CompositeController } from './composite-controller.ts'
import { type Discovery, type Resource } from './discovery.ts'
import { parseCustomizeResponse } from './hook-response.ts'
import { type Informer } from './informer.ts'
import { type KubeObject } from './kube-object.ts'
import { type Log } from './log.ts'
import { type GroupedObjects, createObjectMap } from './object-map.ts'
import { type RelatedResourceRule, checkRule, matchesRule } from './related.ts'
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

/** A rule, and the resource that it is about once that has been looked up. */
interface Asked {
  rule: RelatedResourceRule
  resource?: Resource
}

const isAmong = (objects: KubeObject[], { rule, resource }: Asked): boolean =>
  resource !== undefined && objects.some((object) => matchesRule(rule, resource, object))

const keyOf = ({ metadata: { uid, generation } }: KubeObject): string => `${uid} ${generation}`

const keptMilliseconds = 20 * 60_000

/**
 * Gives the function that finds a parent's related objects. What the hook answered for a parent is
 * kept per generation; changes of related objects queue the parents that requested them.
 */
export function createCustomizer(
  context: CustomizeContext,
): (parent: KubeObject) => Promise<GroupedObjects> {
  const { webhook, controller, discovery, parents, informerFor, enqueue, signal, log } = context
  const kept = new Map<string, { asked: Asked[]; until: number }>()
  const subscribed = new Set<Informer>()

  function keptFor(parent: KubeObject): Asked[] | undefined {
    const answer = kept.get(keyOf(parent))
    return answer !== undefined && answer.until > Date.now() ? answer.asked : undefined
  }

  async function askedBy(parent: KubeObject): Promise<Asked[]> {
    if (webhook === undefined) return []
    const before = keptFor(parent)
    if (before !== undefined) return before
    const now = Date.now()
    const asked = parseCustomizeResponse(await webhook({ controller, parent }, signal)).map(
      (rule): Asked => ({ rule }),
    )
    for (const [old, { until }] of kept) {
      if (until <= now) kept.delete(old)
    }
    kept.set(keyOf(parent), { asked, until: now + keptMilliseconds })
    return asked
  }

  async function resourceOf(asked: Asked): Promise<Resource> {
    asked.resource ??= await discovery.byName(asked.rule.apiVersion, asked.rule.resource)
    return asked.resource
  }

  async function asksForOneOf(parent: KubeObject, related: KubeObject[]): Promise<boolean> {
    for (const asked of await askedBy(parent)) {
      await resourceOf(asked)
      if (isAmong(related, asked)) return true
    }
    return false
  }

  async function notifyParents(related: KubeObject[]): Promise<void> {
    for (const parent of parents.list()) {
      const known = keptFor(parent)
      const asks = known?.every(({ resource }) => resource !== undefined)
        ? // Nearly always, for every parent at every event: not to wait is what keeps this quick.
          known.some((asked) => isAmong(related, asked))
        : // A parent whose hook fails now is left to its own sync, which says what is wrong.
          await asksForOneOf(parent, related).catch(() => false)
      if (asks) enqueue(parent)
    }
  }

  function subscribe(informer: Informer): void {
    if (subscribed.has(informer)) return
    subscribed.add(informer)
    // One after another: a slow customize hook delays the events that come behind.
    let last: Promise<void> = Promise.resolve()
    const notify = (...related: KubeObject[]): void => {
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
    const related = createObjectMap()
    for (const asked of await askedBy(parent)) {
      const [rule, resource] = [asked.rule, await resourceOf(asked)]
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
