import type { Test } from 'tap'
import { lastAppliedAnnotation } from '../../../src/metacontroller/protocol.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const image = 'nginx'
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' } as const
const finalizers = ['example.com/forged']
const owner = { apiVersion: 'v1', kind: 'Node', name: 'forged', uid: 'forged' }

/** The pods that a tenant wants Metacontroller to start elsewhere. */
const rootPods = {
  selector: { matchLabels: { app: 'forged' } },
  template: {
    metadata: { labels: { app: 'forged' } },
    spec: {
      hostPID: true,
      containers: [{ name: 'app', image, securityContext: { privileged: true } }],
    },
  },
}

/**
 * Records that a tenant writes into the last-applied annotation of a Deployment, by the forged
 * part.
 */
const records = (name: string, victim: string): Record<string, object> => {
  const child = { ...deployment, metadata: { name }, spec: rootPods }
  return {
    namespace: { ...child, metadata: { name, namespace: victim, finalizers } },
    kind: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'forged' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'cluster-admin',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'forged' }],
    },
    name: { ...child, metadata: { name: 'forged' } },
    metadata: { ...child, metadata: { name, finalizers, ownerReferences: [owner] } },
  }
}

/** An entry of managedFields in which a tenant claims that Metacontroller applied some fields. */
const forgedOwnership = {
  manager: 'metacontroller',
  operation: 'Apply',
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  fieldsV1: {
    'f:metadata': { 'f:finalizers': {}, 'f:ownerReferences': {}, 'f:namespace': {} },
    'f:spec': { 'f:replicas': {} },
  },
}

/**
 * A usual sync, and the situations in which the hook answers a Deployment as last applied or as
 * observed. Each function puts a MyApp into the situation. It returns the name of the Deployment if
 * the MyApp has another name.
 */
const situations: Record<string, (here: Namespace, name: string) => Promise<string | void>> = {
  'in sync': async () => {},
  'in a copy under another name': async (here, name) => {
    const copy = `${name}-copy`
    // Metacontroller adopts the copy because of its labels.
    const { metadata, spec } = here.get('Deployment', name)
    const object = { ...deployment, metadata: { name: copy, labels: metadata.labels }, spec }
    await here.put(object)
    await here.until(
      'the copy is adopted',
      () => here.find('Deployment', copy)?.metadata.ownerReferences,
    )
    return copy
  },
  'while config is missing': async (here, name) => {
    await here.edit('MyApp', name, { spec: { envFrom: [{ configMapRef: { name: 'missing' } }] } })
    await here.until('the MyApp waits', () => here.get('MyApp', name).status?.phase === 'Pending')
  },
  'while the spec is invalid': async (here, name) => {
    // The CRD cannot check the size of a child.
    await here.edit('MyApp', name, { spec: { args: Array(16).fill('<'.repeat(4000)) } })
    await here.failed(name, 'InvalidSpec')
  },
  'while paused': async (here, name) => {
    await here.edit('MyApp', name, { spec: { paused: true } })
    await here.until(
      'the MyApp is paused',
      () => here.get('MyApp', name).status?.conditions?.[0]?.reason === 'Paused',
    )
  },
  'while the MyApp is deleted': async (here, name) => {
    await here.edit('Deployment', name, [
      { op: 'add', path: '/metadata/finalizers', value: ['example.com/held'] },
    ])
    await here.kubectl('delete', 'ma', name, '--wait=false')
    await here.until(
      'the MyApp is Terminating',
      () => here.get('MyApp', name).status?.conditions?.[0]?.reason === 'Terminating',
    )
  },
}

/** Writes a forged record into a child as a user who may edit the child. */
async function forge(here: Namespace, name: string, what: string, victim: string): Promise<void> {
  const record = records(name, victim)[what]
  const annotations = { [lastAppliedAnnotation]: record ? JSON.stringify(record) : null }
  const forged = record ? {} : { managedFields: [forgedOwnership] }
  await here.edit('Deployment', name, { metadata: { annotations, ...forged } })
}

/**
 * Metacontroller may write in every namespace, and a tenant may write Metacontroller's records. No
 * record moves a child, adds a child or sets its metadata.
 */
export function forgedRecords(t: Test, cluster: Cluster): void {
  for (const [situation, bring] of Object.entries(situations)) {
    t.test(`forged records of children change no other object: ${situation}`, async (t) => {
      const here = await cluster.namespace(t)
      const victim = `${here.name}-victim`
      await cluster.controlPlane.kubectl(['create', 'namespace', victim])
      const names = [...Object.keys(records('', '')), 'fields']
      await Promise.all(names.map((name) => here.create(name, { image })))
      await Promise.all(names.map((name) => here.running(name)))
      const forged = await Promise.all(
        names.map(async (what) => ({ what, name: (await bring(here, what)) ?? what })),
      )
      const uids = () => forged.map(({ name }) => here.get('Deployment', name).metadata.uid)
      const before = uids()

      await Promise.all(forged.map(({ what, name }) => forge(here, name, what, victim)))
      await Promise.all(names.map((name) => forceSyncs(here, name, 2)))
      await waitUntilIdle(here)

      t.strictSame(uids(), before, 'every Deployment is the same object')
      for (const { what, name } of forged) {
        t.equal(here.calls(what).at(-1)?.msg, 'hook call', `${what}: the hook answers`)
        const { metadata } = here.get('Deployment', name)
        const owners = metadata.ownerReferences?.map(({ kind }) => kind)
        t.strictSame(owners, ['MyApp'], `${what}: the Deployment has one owner`)
        t.notOk(
          metadata.finalizers?.includes('example.com/forged'),
          `${what}: no finalizer was added`,
        )
      }
      const known = new Set([...names, ...forged.map(({ name }) => name)])
      const written = here.writes().flatMap((write) => /\/([^/ ]+)/.exec(write)?.[1] ?? [])
      t.strictSame(
        written.filter((name) => !known.has(name)),
        [],
        'Metacontroller writes no object of another name',
      )
      const elsewhere = cluster
        .audit(victim)
        .filter(({ user }) => user.username.endsWith('metacontroller'))
      t.strictSame(elsewhere, [], 'Metacontroller writes nothing in another namespace')
      const bindings = await cluster.controlPlane.kubectl(['get', 'clusterrolebindings'])
      t.notMatch(bindings, /^forged/m)
    })
  }
}
