import { readFileSync } from 'node:fs'
import type { HookRequest } from '../src/myapp/request.ts'

const recorded = (): HookRequest =>
  JSON.parse(
    readFileSync(
      new URL('../test/support/fixtures/requests/sync-running.json', import.meta.url),
      'utf8',
    ),
  )

/**
 * Returns a recorded sync of a running MyApp, as compact JSON. The related objects of the recording
 * are removed, because Metacontroller sends none for such a MyApp (docs/observing-pods.md).
 */
export const runningBody = (): string => JSON.stringify({ ...recorded(), related: {} })

/** Returns the recorded sync with 100 variables and 90 pods with managedFields: about 1 MB. */
export function largeBody(): string {
  const request = recorded()
  const env = Array.from({ length: 100 }, (_, index) => ({
    name: `VARIABLE_${index}`,
    value: `value of variable ${index}`,
  }))
  Object.assign(request.parent.spec as object, { env })
  for (const { spec } of Object.values(request.children['Deployment.apps/v1'])) {
    Object.assign(spec.template.spec.containers[0] ?? {}, { env })
  }
  const owners = (request.parent.metadata.managedFields ?? []).concat(
    Object.values(request.children['Deployment.apps/v1']).flatMap(
      ({ metadata }) => metadata.managedFields ?? [],
    ),
  )
  const pods = Array.from({ length: 90 }, (_, index) => {
    const metadata = {
      name: `demo-app-${index}`,
      namespace: 'default',
      uid: `pod-${index}`,
      managedFields: repeated(owners, 10_000),
    }
    return [`default/demo-app-${index}`, { apiVersion: 'v1', kind: 'Pod', metadata }]
  })
  Object.assign(request.related, { 'Pod.v1': Object.fromEntries(pods) })
  return JSON.stringify(request)
}

function repeated<Item>(items: Item[], bytes: number): Item[] {
  const all: Item[] = []
  for (let index = 0; JSON.stringify(all).length < bytes; index++) {
    all.push(items[index % items.length] as Item)
  }
  return all
}
