// Measures the bytes and processor time that a ConfigMap or Secret adds to a sync, by its size.
// docs/configuration.md has the results.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { HookRequest } from '../src/myapp/request.ts'
import { sync } from '../src/myapp/sync.ts'
import { hookRequestValidator } from '../src/myapp/compiled.ts'

const running = readFileSync(
  new URL('../test/support/fixtures/requests/sync-running.json', import.meta.url),
  'utf8',
)

/** Returns the recorded sync of a running MyApp with a ConfigMap or a Secret of `bytes` added. */
function reading(kind: 'ConfigMap' | 'Secret', bytes: number): string {
  const request = JSON.parse(running) as HookRequest
  Object.assign(request.parent.spec as object, {
    envFrom: [
      kind === 'Secret' ? { secretRef: { name: 'config' } } : { configMapRef: { name: 'config' } },
    ],
  })
  const data = {
    key:
      kind === 'Secret'
        ? randomBytes(bytes).toString('base64')
        : randomBytes(bytes / 2).toString('hex'),
  }
  const managedFields = [
    {
      manager: 'kubectl-create',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-11-23T12:17:32Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { '.': {}, 'f:key': {} } },
    },
  ]
  const metadata = {
    name: 'config',
    namespace: 'default',
    uid: '3f0c4a7e-3d3a-4f0e-9d55-0d3c6f1c2b1a',
    resourceVersion: '1234',
    creationTimestamp: '2026-11-23T12:17:32Z',
    managedFields,
  }
  Object.assign(request.related, {
    [`${kind}.v1`]: { 'default/config': { apiVersion: 'v1', kind, metadata, data } },
  })
  return JSON.stringify(request)
}

/** The processor time in ms to parse, validate, answer and serialize a body, with GC. */
function milliseconds(body: string, rounds = 300): number {
  let before = process.cpuUsage()
  for (let round = -rounds; round < rounds; round++) {
    if (round === 0) before = process.cpuUsage() // V8 has optimized the code
    const request = JSON.parse(body) as HookRequest
    if (!hookRequestValidator(request)) throw new Error('the recorded request is not valid')
    JSON.stringify(sync(request, { now: Date.now() }))
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / rounds
}

const without = reading('ConfigMap', 0)
milliseconds(without, 3000)
const base = milliseconds(without, 3000)
console.log('| config | additional bytes | additional processor time |\n| --- | --- | --- |')
for (const size of [10, 100, 1024]) {
  for (const kind of ['ConfigMap', 'Secret'] as const) {
    const body = reading(kind, size * 1024)
    const bytes = ((body.length - without.length) / 1024).toFixed(0)
    const time = (milliseconds(body) - base).toFixed(2)
    console.log(`| ${kind}, ${size} KiB | ${bytes} KiB | ${time} ms |`)
  }
}
console.log(`\nA sync without config takes ${base.toFixed(2)} ms`)
