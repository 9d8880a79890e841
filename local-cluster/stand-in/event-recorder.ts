import { type Client, isNotFound } from './client.ts'
import { type KubeObject, log } from './objects.ts'

/** Writes a warning Event about an object. */
export type RecordWarning = (object: KubeObject, reason: string, message: string) => void

/** The most Events about one object. client-go writes one more in every five minutes. */
const maxEvents = 25

/** Records Events as client-go does: an Event that repeats gets a higher count. */
export function createEventRecorder(client: Client): RecordWarning {
  const written = new Map<string, { path: string; count: number }>()
  const numbers = new Map<string, number>()
  let last: Promise<void> = Promise.resolve()

  async function write(object: KubeObject, reason: string, message: string): Promise<void> {
    const { apiVersion, kind, metadata } = object
    const { name, uid, resourceVersion, namespace } = metadata
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const key = JSON.stringify([uid, reason, message])
    const earlier = written.get(key)
    if (earlier !== undefined) {
      const patch = { count: ++earlier.count, lastTimestamp: now }
      try {
        await client.request('PATCH', earlier.path, patch, 'application/merge-patch+json')
        return
      } catch (error) {
        // The API server keeps Events for an hour.
        if (!isNotFound(error)) throw error
      }
    }
    const events = `/api/v1/namespaces/${namespace ?? 'default'}/events`
    const eventName = `${name}.${process.hrtime.bigint().toString(16)}`
    await client.request('POST', events, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace: namespace ?? 'default' },
      involvedObject: { apiVersion, kind, namespace, name, uid, resourceVersion },
      type: 'Warning',
      reason,
      message,
      source: { component: 'metacontroller' },
      reportingComponent: 'metacontroller',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    })
    written.set(key, { path: `${events}/${eventName}`, count: 1 })
  }

  return (object, reason, message) => {
    const uid = object.metadata.uid ?? ''
    const number = (numbers.get(uid) ?? 0) + 1
    numbers.set(uid, number)
    if (number > maxEvents) return
    last = last
      .then(() => write(object, reason, message))
      .catch((error) => log(`cannot write an Event: ${(error as Error).message}`))
  }
}
