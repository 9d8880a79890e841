/**
 * A stand-in for Metacontroller, for tests: it knows CompositeControllers with v2 hooks and the
 * default apply strategy. Left out: etag, rolling updates, namespaceSelector, hook authentication,
 * duplicate fields in an answer (an error for Metacontroller), Events combined from similar ones,
 * DecoratorControllers, metrics and every limit on its queries. Where it behaves otherwise than
 * Metacontroller 4.17.2, Metacontroller is right.
 */
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { openClient } from './client.ts'
import { type CompositeController } from './composite-controller.ts'
import { type Resource, createDiscovery } from './discovery.ts'
import { createEventRecorder } from './event-recorder.ts'
import { startInformer } from './informer.ts'
import { deepEqual } from './json.ts'
import { logToStdout as log } from './log.ts'
import { type Runtime, type ParentController, startParentController } from './parent-controller.ts'
import { createQueue } from './queue.ts'

const compositeControllers: Resource = {
  apiVersion: 'metacontroller.k8s.io/v1alpha1',
  group: 'metacontroller.k8s.io',
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
    'target-label-selector': { type: 'string' },
    // Metacontroller's own, which make no difference here.
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
  exit(
    'the stand-in knows --apply-strategy=dynamic-apply only; ' +
      `${options['apply-strategy']} needs the real Metacontroller`,
  )
}

const client = await openClient(options.kubeconfig)
const environment: Runtime = {
  client,
  discovery: createDiscovery(client),
  recordEvent: createEventRecorder(client, log),
  log,
}
const running = new Map<string, ParentController>()
const queue = createQueue()
const informer = startInformer(client, compositeControllers, log)
informer.subscribe({
  add: ({ metadata }) => queue.add(metadata.name),
  update: (_old, { metadata }) => queue.add(metadata.name),
  delete: ({ metadata }) => queue.add(metadata.name),
})
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
await informer.synced
serveHealth(options['health-probe-bind-address'])
log('watching CompositeControllers')
await work()

async function work(): Promise<void> {
  for (let name = await queue.get(); name !== undefined; name = await queue.get()) {
    const found = informer.get(name) as CompositeController | undefined
    const controller = found && isTarget(found) ? found : undefined
    try {
      await reconcile(name, controller)
      queue.forget(name)
    } catch (error) {
      log(`cannot start CompositeController ${name}: ${(error as Error).message}`)
      if (controller !== undefined) {
        environment.recordEvent(
          controller,
          'Warning',
          'CreateError',
          `Cannot create new controller: ${(error as Error).message}`,
        )
      }
      queue.addRateLimited(name)
    }
    queue.done(name)
  }
}

async function reconcile(name: string, controller: CompositeController | undefined): Promise<void> {
  const started = running.get(name)
  if (
    started !== undefined &&
    controller !== undefined &&
    deepEqual(started.controller.spec, controller.spec)
  ) {
    return
  }
  running.delete(name)
  if (started !== undefined) {
    log(`stopping CompositeController ${name}`)
    await started.stop()
  }
  if (controller === undefined) return
  log(`starting CompositeController ${name}`)
  running.set(name, await startParentController(environment, controller))
}

/** Whether this instance runs a CompositeController. The selector is a list of `key=value`. */
function isTarget({ metadata }: CompositeController): boolean {
  const selector = options['target-label-selector'] ?? ''
  return selector
    .split(',')
    .filter(Boolean)
    .every((requirement) => {
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
