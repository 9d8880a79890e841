/**
 * A stand-in for Metacontroller in tests. It supports CompositeControllers with hooks of version
 * v2, `generateSelector` and the default apply strategy. Not supported: etag, rolling updates,
 * Recreate, selectors of parents, services as webhooks, DecoratorControllers, metrics and rate
 * limits. Where the two differ, Metacontroller 4.17.2 is right.
 */
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { Client, type Resource } from './client.ts'
import type { CompositeController } from './composite-controller.ts'
import { type ParentController, startParentController } from './controller.ts'
import { createEventRecorder } from './event-recorder.ts'
import { startInformer } from './informer.ts'
import { deepEqual } from './json.ts'
import { type KubeObject, log } from './objects.ts'
import { createQueue } from './queue.ts'

const compositeControllers: Resource = {
  apiVersion: 'metacontroller.k8s.io/v1alpha1',
  name: 'compositecontrollers',
  kind: 'CompositeController',
  namespaced: false,
  hasStatus: true,
}

const { values: options } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    'apply-strategy': { type: 'string', default: 'dynamic-apply' },
    'health-probe-bind-address': { type: 'string' },
    'target-label-selector': { type: 'string', default: '' },
    // Options of Metacontroller without an effect here.
    'client-go-qps': { type: 'string' },
    'client-go-burst': { type: 'string' },
    'discovery-interval': { type: 'string' },
    'metrics-address': { type: 'string' },
  },
})
if (options.kubeconfig === undefined) {
  exit('usage: main.ts --kubeconfig=PATH [--health-probe-bind-address=HOST:PORT]')
}
if (options['apply-strategy'] !== 'dynamic-apply') {
  exit(`the stand-in does not support --apply-strategy=${options['apply-strategy']}`)
}

const client = new Client(options.kubeconfig)
const recordWarning = createEventRecorder(client)
const running = new Map<string, ParentController>()
const queue = createQueue()
const informer = startInformer(client, compositeControllers)
const enqueue = ({ metadata }: KubeObject) => queue.add(metadata.name)
informer.subscribe({ add: enqueue, update: (_old, current) => enqueue(current), delete: enqueue })
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
await informer.synced
serveHealth(options['health-probe-bind-address'])
log('watching CompositeControllers')
for (let name = await queue.get(); name !== undefined; name = await queue.get()) {
  const found = informer.get(name) as CompositeController | undefined
  const controller = found && isTarget(found) ? found : undefined
  try {
    await reconcile(name, controller)
    queue.forget(name)
  } catch (error) {
    const { message } = error as Error
    log(`cannot start CompositeController ${name}: ${message}`)
    if (controller !== undefined) {
      recordWarning(controller, 'CreateError', `Cannot create new controller: ${message}`)
    }
    queue.addRateLimited(name)
  }
  queue.done(name)
}

async function reconcile(name: string, controller: CompositeController | undefined): Promise<void> {
  const started = running.get(name)
  if (started && controller && deepEqual(started.controller.spec, controller.spec)) return
  running.delete(name)
  if (started !== undefined) {
    log(`stopping CompositeController ${name}`)
    await started.stop()
  }
  if (controller === undefined) return
  log(`starting CompositeController ${name}`)
  running.set(name, await startParentController(client, recordWarning, controller))
}

/** Whether this instance runs a CompositeController. The selector is a list of `key=value`. */
function isTarget({ metadata }: CompositeController): boolean {
  const requirements = options['target-label-selector'].split(',').filter(Boolean)
  return requirements.every((requirement) => {
    const [key = '', value] = requirement.split('=')
    return metadata.labels?.[key] === value
  })
}

function serveHealth(address: string | undefined): void {
  if (address === undefined) return
  const { hostname, port } = new URL(`http://${address}`)
  createServer((_request, response) => response.end('ok'))
    .listen(Number(port), hostname)
    .unref()
}

async function stop(): Promise<void> {
  log('stopping')
  queue.shutDown()
  informer.stop()
  await Promise.all([...running.values()].map((controller) => controller.stop()))
  process.exit(0)
}

function exit(message: string): never {
  console.error(message)
  process.exit(2)
}
