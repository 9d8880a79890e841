import { createNoopMeter } from '@opentelemetry/api'
import t from 'tap'
import { instruments, requestMetrics, serverMetrics } from '../../src/telemetry/requests/metrics.ts'
import { seenMyApps } from '../../src/telemetry/requests/seen-myapps.ts'

t.test('creates every instrument that docs/telemetry.md lists', async (t) => {
  const created: string[] = []
  const meter = new Proxy(createNoopMeter(), {
    get: (noop, method) => (name: string, options: object) => {
      created.push(name)
      return Reflect.get(noop, method)(name, options)
    },
  })
  requestMetrics(meter, seenMyApps({ forgetAfterMs: 1000 }))
  serverMetrics(meter)
  t.strictSame(created.sort(), Object.keys(instruments).sort())
})
