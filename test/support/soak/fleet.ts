import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, RefusedByApi } from '../cluster/api.ts'
import {
  type Deployment,
  type LiveObject,
  type LiveMyApp,
  kindPath,
  type StoredKind,
} from '../cluster/kinds.ts'
import type { Random } from './random.ts'

/** A MyApp that has not reached its expected state. */
export interface Deviation {
  name: string
  /** A sentence. */
  what: string
}

/** A fleet of MyApps in one namespace that changes at random, with its expected state. */
export interface Fleet {
  /** Creates, changes, scales or deletes one MyApp, or edits or deletes one of its children. */
  change(): Promise<void>
  /** Up to `maxReported` deviations from the expected state. */
  differences(): Promise<Deviation[]>
  /** The number of changes of each kind. */
  counts: Record<string, number>
}

interface Expected {
  image: string
  replicas: number
}

const images = ['nginx:1.27', 'nginx:1.28', 'nginx:1.29'] as const
const maxReplicas = 3
const maxReported = 8

/** Changes a fleet of at most `size` MyApps. Retries while the API server is unavailable. */
export function createFleet(api: Api, namespace: string, size: number, random: Random): Fleet {
  const expected = new Map<string, Expected>()
  const counts: Record<string, number> = {}
  const names = Array.from({ length: size }, (_, index) => `app-${index}`)

  async function request<Answer>(
    method: string,
    path: string,
    body?: unknown,
    type?: string,
  ): Promise<Answer | undefined> {
    for (;;) {
      try {
        return await api.request<Answer>(method, path, body, type)
      } catch (error) {
        if (error instanceof RefusedByApi && (error.code === 404 || error.code === 409)) {
          return undefined
        }
        if (error instanceof RefusedByApi && error.code < 500) throw error
        await sleep(250)
      }
    }
  }

  const exists = async (name: string) =>
    (await request('GET', kindPath('MyApp', namespace, name))) !== undefined
  const apply = (name: string, spec: Expected) =>
    request(
      'PATCH',
      `${kindPath('MyApp', namespace, name)}?fieldManager=soak&force=true`,
      { apiVersion: 'example.com/v1', kind: 'MyApp', metadata: { name }, spec },
      'application/apply-patch+yaml',
    )
  const list = async <Item extends LiveObject>(kind: StoredKind): Promise<Item[]> =>
    (await request<{ items: Item[] }>('GET', kindPath(kind, namespace)))?.items ?? []
  const edit = (kind: StoredKind, name: string, patch: object) =>
    request(
      'PATCH',
      `${kindPath(kind, namespace, name)}?fieldManager=person`,
      patch,
      'application/merge-patch+json',
    )

  const changes: Record<string, (name: string, app: Expected) => Promise<unknown>> = {
    image: (name, app) => set(name, { ...app, image: random.oneOf(images) ?? app.image }),
    scale: (name, app) => set(name, { ...app, replicas: 1 + random.below(maxReplicas) }),
    delete: async (name) => {
      expected.delete(name)
      await request('DELETE', kindPath('MyApp', namespace, name))
    },
    drift: (name) =>
      random.below(2) === 0
        ? edit('Deployment', name, { spec: { replicas: 0 } })
        : edit('Service', name, { spec: { selector: { app: 'nobody' } } }),
    'delete a child': (name) =>
      request(
        'DELETE',
        kindPath(random.below(2) === 0 ? 'Deployment' : 'Service', namespace, name),
      ),
  }

  async function set(name: string, app: Expected): Promise<void> {
    expected.set(name, app)
    await apply(name, app)
  }

  return {
    counts,
    async change() {
      const free = names.filter((name) => !expected.has(name))
      const kinds = Object.keys(changes)
      const isGrowing = expected.size < size / 2 || (free.length > 0 && random.below(4) === 0)
      const kind = isGrowing ? 'create' : (random.oneOf(kinds) ?? 'image')
      const name = random.oneOf(isGrowing ? free : [...expected.keys()])
      if (name === undefined) return
      // A MyApp that is still being deleted would accept a new spec, and would then disappear.
      if (isGrowing && (await exists(name))) return
      counts[kind] = (counts[kind] ?? 0) + 1
      const app = expected.get(name) ?? { image: images[0], replicas: 1 }
      await (isGrowing ? set(name, app) : changes[kind]?.(name, app))
    },
    async differences() {
      const [apps, deployments, services, inspections] = [
        await list<LiveMyApp>('MyApp'),
        await list<Deployment>('Deployment'),
        await list<LiveObject>('Service'),
        await list<LiveObject>('MyAppInspection'),
      ]
      const found: Deviation[] = []
      for (const [name, { image, replicas }] of expected) {
        const app = apps.find(({ metadata }) => metadata.name === name)
        const deployment = deployments.find(({ metadata }) => metadata.name === name)
        const isRunning =
          app?.status?.phase === 'Running' &&
          app.status.observedGeneration === app.metadata.generation
        if (app === undefined) {
          found.push({ name, what: `MyApp ${name} is lost` })
        } else if (!isRunning) {
          const { generation } = app.metadata
          const status = app.status ? JSON.stringify(app.status) : 'no status'
          found.push({ name, what: `MyApp ${name}, generation ${generation}, has ${status}` })
        } else if (
          deployment?.spec.replicas !== replicas ||
          deployment.spec.template.spec.containers[0]?.image !== image ||
          !services.some(({ metadata }) => metadata.name === name)
        ) {
          const what = `MyApp ${name} is Running, and its children do not match its spec`
          found.push({ name, what })
        }
      }
      for (const { kind, metadata } of [
        ...apps.map((app) => ({ ...app, kind: 'MyApp' })),
        ...deployments.map((deployment) => ({ ...deployment, kind: 'Deployment' })),
        ...services.map((service) => ({ ...service, kind: 'Service' })),
      ]) {
        const { name } = metadata
        if (!expected.has(name)) found.push({ name, what: `${kind} ${name} remains` })
      }
      for (const {
        metadata: { name },
      } of inspections) {
        found.push({ name, what: `MyAppInspection ${name} remains` })
      }
      return found.slice(0, maxReported)
    },
  }
}
