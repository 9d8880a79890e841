/**
 * The roles of metacontroller/. The real Metacontroller uses every right in them and no other
 * right. The rights depend on the program, so these tests need the real Metacontroller.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { requireMetacontroller } from './real.ts'
import t, { type Test } from 'tap'
import {
  type ControlPlane,
  installMetacontrollerCrds,
} from '../../local-cluster/control-plane/boot.ts'
import { installOptionalKinds } from '../../local-cluster/control-plane/optional-kinds.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { type Api, openApi } from '../support/cluster/api.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { installMyAppCrd, pointAt } from '../support/cluster/install.ts'
import { type Replica, startReplica } from '../support/cluster/hook.ts'
import { followJsonLines } from '../support/cluster/json-lines.ts'
import { type Kind, type LiveMyApp, kindPath, type StoredKind } from '../support/cluster/kinds.ts'
import { kustomize } from '../support/cluster/kustomize.ts'
import {
  type ApplyStrategy,
  type RunningMetacontroller,
  startMetacontroller,
} from '../../local-cluster/metacontroller.ts'
import { everything } from '../support/fixtures/every-child.ts'
import { grant, isRole, rightsOf, type Role, without } from '../support/cluster/rights.ts'

t.setTimeout(600_000)
const user = 'restricted-metacontroller'

/** EVERY_RIGHT=1 removes the rights to each kind in turn. Otherwise a sample is removed. */
const everyRight = Boolean(process.env['EVERY_RIGHT'])

requireMetacontroller()
t.test('Metacontroller has exactly the rights that it needs', leastPrivilege)

/** A line of the API server's audit log. */
interface AuditEvent {
  user: { username: string }
  verb: string
  objectRef?: { apiGroup?: string; resource: string; namespace?: string; subresource?: string }
  responseStatus?: { code: number }
}

interface World {
  controlPlane: ControlPlane
  api: Api
  hook: Replica
  roles: Role[]
  /** The rights that Metacontroller has used or been refused since the previous call. */
  requests: () => { right: string; refused: boolean }[]
  start(strategy?: ApplyStrategy): Promise<RunningMetacontroller>
}

async function leastPrivilege(t: Test): Promise<void> {
  const controlPlane = await bootBare(t)
  const { dir, kubectl, kubeconfig, kubeconfigFor, auditLog } = controlPlane
  const components = [
    ...childKinds.flatMap(({ optional }) => optional?.component ?? []),
    'high-availability',
  ]
  const objects = await kustomize(controlPlane, 'metacontroller', components)
  await Promise.all([
    installMetacontrollerCrds(controlPlane),
    installMyAppCrd(controlPlane),
    installOptionalKinds(controlPlane),
    grant(controlPlane, objects, user),
  ])
  const hook = await startReplica({ dir })
  t.teardown(() => hook.stop())
  const api = openApi(kubeconfig)
  t.teardown(() => api.close())
  for (const object of objects.filter(({ kind }) => kind === 'CompositeController')) {
    const controller = pointAt(hook.port, object as unknown as Parameters<typeof pointAt>[1]) as {
      spec: { resyncPeriodSeconds: number }
    }
    // Metacontroller repeats a refused request within a second.
    controller.spec.resyncPeriodSeconds = 1
    await kubectl(['apply', '-f', '-'], JSON.stringify(controller))
  }

  const audit = followJsonLines<AuditEvent>(auditLog)
  let seen = 0
  const world: World = {
    controlPlane,
    api,
    hook,
    roles: objects.filter(isRole),
    requests() {
      const events = audit()
      const fresh = events.slice(seen)
      seen = events.length
      return fresh
        .filter((event) => event.user.username === user && event.objectRef !== undefined)
        .map(({ verb, objectRef, responseStatus }) => {
          const { apiGroup = '', resource = '', subresource } = objectRef ?? {}
          return {
            right: `${verb} ${apiGroup}/${resource}${subresource ? `/${subresource}` : ''}`,
            refused: responseStatus?.code === 403,
          }
        })
    },
    start: (applyStrategy = 'dynamic-apply') =>
      startMetacontroller({
        kubeconfig: kubeconfigFor(user),
        logFile: join(dir, 'metacontroller.log'),
        applyStrategy,
        options: ['--leader-election', '--leader-election-namespace=metacontroller'],
      }),
  }
  await t.test('Metacontroller uses every right, and no other right', (t) => isUsed(t, world))
  await t.test('without a right a task fails', (t) => isNeeded(t, world))
}

/** A MyApp with every kind of child, a ConfigMap and a Secret. */
const full = (name: string) => ({
  apiVersion: 'example.com/v1',
  kind: 'MyApp',
  metadata: { name },
  spec: {
    ...everything,
    envFrom: [
      { configMapRef: { name: 'config', optional: true } },
      { secretRef: { name: 'config', optional: true } },
    ],
    resources: { requests: { cpu: '100m' } },
  },
})

/** Waits until a check returns a value, and returns it. */
async function until<Found>(
  { controlPlane: { dir } }: World,
  what: string,
  look: () => Promise<Found | undefined | false>,
  seconds = 60,
): Promise<Found> {
  for (const deadline = Date.now() + seconds * 1000; ; await sleep(50)) {
    const found = await look().catch(() => undefined)
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) {
      const log = readFileSync(join(dir, 'metacontroller.log'), 'utf8').slice(-1500)
      throw new Error(`not within ${seconds} s: ${what}; the log ends: ${log}`)
    }
  }
}

const myApp = ({ api }: World, name: string) =>
  api.request<LiveMyApp>('GET', kindPath('MyApp', 'default', name))
const patch = ({ api }: World, kind: StoredKind, name: string, body: object) =>
  api.request('PATCH', kindPath(kind, 'default', name), body, 'application/merge-patch+json')
const create = ({ api }: World, name: string) =>
  api.request('POST', kindPath('MyApp', 'default'), full(name))
const remove = ({ api }: World, kind: Kind, name: string) =>
  api.request('DELETE', kindPath(kind, 'default', name))
const exists = async ({ api }: World, kind: StoredKind, name: string) =>
  await api.request<{ metadata: { uid: string } }>('GET', kindPath(kind, 'default', name)).then(
    (object) => object,
    () => undefined,
  )
const kindsOfChildren = childKinds.map(({ kind }) => kind as Kind)

const untilComplete = (world: World, name: string) =>
  until(world, `${name} has every child and a status`, async () => {
    const children = await Promise.all(kindsOfChildren.map((kind) => exists(world, kind, name)))
    return children.every(Boolean) && (await myApp(world, name)).status?.phase !== undefined
  })
const untilGone = (world: World, name: string) =>
  until(world, `${name} is gone`, async () => !(await exists(world, 'MyApp', name)))

const inspectionOf = ({ api }: World, name: string) =>
  api.request<{ spec: { pods: boolean }; status?: { failing?: string } }>(
    'GET',
    kindPath('MyAppInspection', 'default', name),
  )
const isInspected = async (world: World, name: string) =>
  (await inspectionOf(world, name)).status?.failing

/** Changes, adopts and deletes every child, and makes a request fail. */
async function playAll(world: World, strategy: ApplyStrategy): Promise<void> {
  const name = `all-${strategy}`
  const { hook } = world
  await create(world, name)
  await untilComplete(world, name)
  // No node accepts the pods of the MyApp, so the MyApp gets an inspection. Then the inspection is
  // edited by hand.
  await patch(world, 'MyApp', name, { spec: { nodeSelector: { disk: 'none' } } })
  await until(world, `${name} is inspected`, () => isInspected(world, name))
  await patch(world, 'MyAppInspection', name, { spec: { pods: false } })
  await until(
    world,
    'the inspection is repaired',
    async () => (await inspectionOf(world, name)).spec.pods,
  )
  for (const kind of [...kindsOfChildren, 'MyAppInspection' as const]) {
    // A child without its owner is adopted again by its label.
    await patch(world, kind, name, { metadata: { ownerReferences: null } })
    await until(world, `${kind} ${name} is adopted again`, async () => {
      const child = await world.api.request<{ metadata: { ownerReferences?: object[] } }>(
        'GET',
        kindPath(kind, 'default', name),
      )
      return child.metadata.ownerReferences?.length === 1
    })
  }
  await patch(world, 'MyApp', name, { spec: { nodeSelector: null } })
  await until(
    world,
    'the inspection is deleted',
    async () => !(await exists(world, 'MyAppInspection', name)),
  )
  // Server-side apply creates and updates with the same right, `patch`, and does not restore every
  // label.
  for (const kind of strategy === 'dynamic-apply' ? kindsOfChildren : []) {
    await mislabel(world, kind, name)
    await until(world, `${kind} ${name} is repaired`, () => isLabelled(world, kind, name))
  }
  // Metacontroller reports a repeated failure by a patch of the first Event.
  await hook.kill()
  await until(world, 'a failed request is reported twice', async () => {
    const { items } = await world.api.request<{ items: { count?: number; reason: string }[] }>(
      'GET',
      '/api/v1/namespaces/default/events',
    )
    return items.some(({ reason, count = 1 }) => reason === 'SyncError' && count > 1)
  })
  await hook.start()
  await remove(world, 'MyApp', name)
  await untilGone(world, name)
}

/**
 * Rights whose use the audit log of this cluster does not show. The API server checks `update` of
 * `myapps/finalizers` within another request. Metacontroller needs `list` only for an API server
 * without streaming lists (before 1.34).
 */
const isHidden = (right: string) =>
  right === 'update example.com/myapps/finalizers' || right.startsWith('list ')

async function isUsed(t: Test, world: World): Promise<void> {
  for (const strategy of ['dynamic-apply', 'server-side-apply'] as const) {
    const metacontroller = await world.start(strategy)
    try {
      await playAll(world, strategy)
    } finally {
      await metacontroller.stop()
    }
  }
  const requests = world.requests()
  t.strictSame(
    [...new Set(requests.filter(({ refused }) => refused).map(({ right }) => right))],
    [],
    'no request was refused',
  )
  const used = new Set(requests.map(({ right }) => right))
  t.strictSame(
    rightsOf(world.roles).filter((right) => !used.has(right) && !isHidden(right)),
    [],
    'every right was used',
  )
}

/** Rights, the task that needs them, and the effect that proves their use. */
interface Case {
  rights: string[]
  /** Runs while Metacontroller has all rights. */
  before?: (name: string) => Promise<unknown>
  /** Runs without the right. */
  act: (name: string) => Promise<unknown>
  /** Whether the task had its effect. */
  done: (name: string) => Promise<unknown>
  /** Metacontroller uses this right at startup. */
  atStart?: true
}

const nameLabel = 'app.kubernetes.io/name'

/** Changes a label of a child by hand. */
const mislabel = (world: World, kind: Kind, name: string) =>
  patch(world, kind as StoredKind, name, { metadata: { labels: { [nameLabel]: 'other' } } })

async function isLabelled({ api }: World, kind: Kind, name: string): Promise<boolean> {
  const child = await api.request<{ metadata: { labels: Record<string, string> } }>(
    'GET',
    kindPath(kind, 'default', name),
  )
  return child.metadata.labels[nameLabel] === name
}

/**
 * The rights to remove, and their tasks. By default these are the rights to write Deployments and
 * Ingresses, and some rights to read. With EVERY_RIGHT these are the rights to all kinds.
 */
function cases(world: World): Case[] {
  const createApp = (name: string) => create(world, name)
  const complete = async (name: string) => {
    await create(world, name)
    await untilComplete(world, name)
  }
  const hasDeployment = (name: string) => exists(world, 'Deployment', name)
  const writes = childKinds
    .filter(({ kind }) => everyRight || ['Deployment', 'Ingress'].includes(kind))
    .flatMap(({ kind, apiVersion, resource }): Case[] => {
      const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
      return [
        {
          rights: [`create ${group}/${resource}`],
          act: createApp,
          done: (name) => exists(world, kind as Kind, name),
        },
        {
          rights: [`update ${group}/${resource}`],
          before: complete,
          act: (name) => mislabel(world, kind as Kind, name),
          done: (name) => isLabelled(world, kind as Kind, name),
        },
        {
          rights: [`delete ${group}/${resource}`],
          before: complete,
          act: (name) => remove(world, 'MyApp', name),
          done: async (name) => !(await exists(world, 'MyApp', name)),
        },
      ]
    })
  // Without these two rights no task fails. Metacontroller only logs an error repeatedly.
  const optional = /controllerrevisions|namespaces/
  const reads = rightsOf(world.roles)
    .filter((right) => right.startsWith('watch ') && !optional.test(right))
    .filter((right) => everyRight || /myapps|pods|secrets|deployments/.test(right))
    .map((right): Case => {
      const rights = [right, right.replace('watch', 'list')]
      if (right !== 'watch /pods') {
        return { rights, act: createApp, done: hasDeployment, atStart: true }
      }
      const stuck = async (name: string) => {
        await create(world, name)
        await patch(world, 'MyApp', name, { spec: { nodeSelector: { disk: 'none' } } })
      }
      return { rights, act: stuck, done: (name) => isInspected(world, name), atStart: true }
    })
  return [
    { rights: ['update example.com/myapps'], act: createApp, done: hasDeployment },
    {
      rights: ['update example.com/myapps/status'],
      act: createApp,
      done: async (name) => (await myApp(world, name)).status?.phase,
    },
    ...writes,
    ...reads,
  ]
}

async function isNeeded(t: Test, world: World): Promise<void> {
  let metacontroller = await world.start()
  t.teardown(() => metacontroller.stop())
  const restart = async () => {
    await metacontroller.stop()
    metacontroller = await world.start()
  }
  for (const [index, { rights, before, act, done, atStart }] of cases(world).entries()) {
    const name = `case-${index}`
    const what = rights.join(' and ')
    await t.test(`without the right to ${what}`, async (t) => {
      await before?.(name)
      await grant(world.controlPlane, without(world.roles, rights), user)
      world.requests()
      if (atStart) await restart()
      await act(name)
      await until(world, `a request to ${what} is refused`, async () =>
        world.requests().some((requests) => rights.includes(requests.right) && requests.refused),
      )
      t.notOk(await done(name).catch(() => undefined), 'the task is not done')
      await grant(world.controlPlane, world.roles, user)
      if (atStart) await restart()
      await until(world, `the task is done with the right to ${what}`, () => done(name))
      await remove(world, 'MyApp', name).catch(() => undefined)
      await untilGone(world, name)
    })
  }
}
