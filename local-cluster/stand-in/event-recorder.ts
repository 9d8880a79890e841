import { hash } from 'node:crypto'
import type { Client } from './client.ts'
import { log, messageOf } from './log.ts'
import type { KubeObject } from './objects.ts'

/** Writes a warning Event about an object. */
export type RecordWarning = (object: KubeObject, reason: string, message: string) => void

/** As in client-go: 25 Events about an object, then one more in every five minutes. */
const burst = 25
const refillMs = 300_000

/** Records Events as client-go does: an Event that repeats gets a higher count. */
export function createEventRecorder(client: Client): RecordWarning {
  const counts = new Map<string, number>()
  const start = Date.now()
  const tokensSpentUntil = new Map<string, number>()
  let last: Promise<void> = Promise.resolve()

  async function write(object: KubeObject, reason: string, message: string): Promise<void> {
    const { apiVersion, kind, metadata } = object
    const { name, uid, resourceVersion, namespace } = metadata
    const digest = hash('sha1', JSON.stringify([start, uid, reason, message]))
    const lastTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const count = (counts.get(digest) ?? 0) + 1
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${digest.slice(0, 16)}`, namespace: namespace ?? 'default' },
      involvedObject: { apiVersion, kind, namespace, name, uid, resourceVersion },
      type: 'Warning',
      reason,
      message,
      source: { component: 'metacontroller' },
      reportingComponent: 'metacontroller',
      firstTimestamp: lastTimestamp,
      lastTimestamp,
      count,
    }
    // If the write fails, for example because the Event expired, the next write creates a new one.
    counts.delete(digest)
    if (count === 1) await client.send('POST', event, event)
    else await client.send('PATCH', event, { count, lastTimestamp })
    counts.set(digest, count)
  }

  return (object, reason, message) => {
    const { uid = '' } = object.metadata
    const now = Date.now()
    const next = Math.max(tokensSpentUntil.get(uid) ?? 0, now - burst * refillMs) + refillMs
    if (next > now) return
    tokensSpentUntil.set(uid, next)
    last = last
      .then(() => write(object, reason, message))
      .catch((error) => log(`cannot write an Event: ${messageOf(error)}`))
  }
}
