import { type Client, isNotFound } from './client.ts'
import { type KubeObject } from './kube-object.ts'
import { type Log } from './log.ts'

/** Writes an Event about an object, unless there were too many about it already. */
export type RecordEvent = (
  object: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void

const burst = 25
const refillMilliseconds = 300_000

interface Written {
  path: string
  count: number
}

/**
 * Records Events as client-go does: one that repeats is counted up, and after 25 about one object
 * only one in five minutes is written. (Unlike client-go's, different ones are never combined.)
 */
export function createEventRecorder(client: Client, log: Log): RecordEvent {
  const written = new Map<string, Written>()
  const allowances = new Map<string, { tokens: number; at: number }>()
  let last: Promise<void> = Promise.resolve()

  function isAllowed(about: string): boolean {
    const now = Date.now()
    const { tokens, at } = allowances.get(about) ?? { tokens: burst, at: now }
    const available = Math.min(burst, tokens + (now - at) / refillMilliseconds)
    allowances.set(about, { tokens: available >= 1 ? available - 1 : available, at: now })
    return available >= 1
  }

  async function write(
    object: KubeObject,
    type: string,
    reason: string,
    message: string,
  ): Promise<void> {
    const { name, uid, resourceVersion } = object.metadata
    const namespace = object.metadata.namespace ?? 'default'
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const key = JSON.stringify([uid, type, reason, message])
    const earlier = written.get(key)
    if (earlier !== undefined) {
      earlier.count++
      const repeated = { count: earlier.count, lastTimestamp: now }
      try {
        await client.request(
          'PATCH',
          earlier.path,
          repeated,
          'application/strategic-merge-patch+json',
        )
        return
      } catch (error) {
        // The API server keeps Events for an hour. Then the count restarts.
        if (!isNotFound(error)) throw error
      }
    }
    const events = `/api/v1/namespaces/${namespace}/events`
    const nanoseconds = BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n)
    const eventName = `${name}.${nanoseconds.toString(16)}`
    written.set(key, { path: `${events}/${eventName}`, count: 1 })
    await client
      .request('POST', events, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: eventName, namespace },
        involvedObject: {
          apiVersion: object.apiVersion,
          kind: object.kind,
          namespace: object.metadata.namespace,
          name,
          uid,
          resourceVersion,
        },
        type,
        reason,
        message,
        source: { component: 'metacontroller' },
        reportingComponent: 'metacontroller',
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      })
      .catch((error) => {
        written.delete(key)
        throw error
      })
  }

  return (object, type, reason, message) => {
    if (!isAllowed(object.metadata.uid ?? '')) return
    last = last
      .then(() => write(object, type, reason, message))
      .catch((error) => log(`cannot write an Event: ${(error as Error).message}`))
  }
}
