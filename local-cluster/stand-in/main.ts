/**
 * A stand-in for Metacontroller in tests. It supports CompositeControllers with hooks of version
 * v2, `generateSelector` and the default apply strategy. It ignores etag. Not supported: rolling
 * updates, Recreate, services as webhooks, DecoratorControllers, metrics and rate limits. Where the
 * two differ, Metacontroller 4.17.2 is right.
 */
import { createServer } from 'node:http'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { Client } from './client.ts'
import type { CompositeController } from './composite-controller.ts'
import { type ParentController, startParentController } from './controller.ts'
import { createEventRecorder } from './event-recorder.ts'
import { Informer } from './informer.ts'
import { log, messageOf } from './log.ts'
import { WorkQueue } from './queue.ts'
import { selects } from './selector.ts'

const { values: options } = parseArgs({
  options: {
    kubeconfig: { type: 'string', default: '' },
    'apply-strategy': { type: 'string', default: 'dynamic-apply' },
    'health-probe-bind-address': { type: 'string', default: '127.0.0.1:0' },
    'target-label-selector': { type: 'string', default: '' },
    // Options of Metacontroller without an effect here.
    'client-go-qps': { type: 'string' },
    'client-go-burst': { type: 'string' },
    'discovery-interval': { type: 'string' },
    'metrics-address': { type: 'string' },
  },
})
if (options['apply-strategy'] !== 'dynamic-apply') {
  throw new Error(`the stand-in does not support --apply-strategy=${options['apply-strategy']}`)
}

const targetLabels = Object.fromEntries(
  options['target-label-selector']
    .split(',')
    .filter(Boolean)
    .map((label) => label.split('=')),
)
const client = new Client(options.kubeconfig)
const recordWarning = createEventRecorder(client)
const running = new Map<string, ParentController>()
const queue = new WorkQueue(reconcile)
const informer = new Informer(client, {
  apiVersion: 'metacontroller.k8s.io/v1alpha1',
  name: 'compositecontrollers',
  kind: 'CompositeController',
  namespaced: false,
})
informer.subscribe(({ metadata }) => queue.add(metadata.name))
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
await informer.synced
const { hostname, port } = new URL(`http://${options['health-probe-bind-address']}`)
createServer((_request, response) => response.end('ok')).listen(Number(port), hostname)
log('watching CompositeControllers')
queue.start(1)

/** Starts, restarts or stops a CompositeController. */
async function reconcile(name: string): Promise<void> {
  const found = informer.get(name) as CompositeController | undefined
  const isTarget = selects({ matchLabels: targetLabels }, found?.metadata.labels)
  const controller = isTarget ? found : undefined
  const started = running.get(name)
  try {
    if (started && isDeepStrictEqual(started.controller.spec, controller?.spec)) return
    running.delete(name)
    if (started) log(`stopping CompositeController ${name}`)
    await started?.stop()
    if (controller !== undefined) {
      log(`starting CompositeController ${name}`)
      running.set(name, await startParentController(client, recordWarning, controller))
    }
    queue.forget(name)
  } catch (error) {
    log(`cannot start CompositeController ${name}: ${messageOf(error)}`)
    if (controller !== undefined) {
      recordWarning(controller, 'CreateError', `Cannot create new controller: ${messageOf(error)}`)
    }
    queue.addRateLimited(name)
  }
}

async function stop(): Promise<void> {
  log('stopping')
  const stopped = queue.stop()
  informer.stop()
  await Promise.all([stopped, ...[...running.values()].map((controller) => controller.stop())])
  process.exit(0)
}
