import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { httpRoute } from '../../../src/myapp/children/http-route.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'
import { openReference } from '../../support/reference.ts'
import { yamlFiles } from '../../support/yaml-files.ts'
import { readYaml } from '../../../src/cli/yaml/read.ts'

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Runs the built command line, or a script that it printed, with the kubectl of the cluster. */
function runner(cluster: Cluster) {
  const { binDir, kubeconfig, dir } = cluster.controlPlane
  const env = {
    ...process.env,
    PATH: `${binDir}:${process.env['PATH']}`,
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: `${dir}/kubectl`,
  }
  return (command: string, args: string[], cwd?: string) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const child = execFile(command, args, { env, cwd }, (_error, out, err) =>
        resolve({ code: child.exitCode ?? -1, out, err }),
      )
    })
}

interface Applied {
  kind: string
  metadata: { name: string; annotations?: Record<string, string> }
}

/** Argo CD shows every example as synced, and a changed image as out of sync. */
export async function isInSyncForArgo(t: Test, cluster: Cluster, here: Namespace): Promise<void> {
  const argo = await openReference()
  const text = await cluster.controlPlane.kubectl(['-n', here.name, 'get', 'myapps', '-o', 'json'])
  const live = (JSON.parse(text) as { items: Applied[] }).items
  const folder = file('manifests/examples')
  const comparisons = yamlFiles(folder)
    .flatMap((name) => readYaml(readFileSync(`${folder}/${name}`, 'utf8')))
    .map(({ value }) => value as Applied)
    .filter(({ kind }) => kind === 'MyApp')
    .map((app) => {
      const config = { ...app, metadata: { ...app.metadata, namespace: here.name } }
      const found = live.find(({ metadata }) => metadata.name === app.metadata.name)
      if (found === undefined) throw new Error(`MyApp ${app.metadata.name} is not in the cluster`)
      return { original: config, config, live: found }
    })
  t.ok(comparisons.length > 20)
  const answers = argo.compare(comparisons)
  for (const [index, { config }] of comparisons.entries()) {
    t.match(answers[index], { outOfSync: false, error: '' }, config.metadata.name)
  }
  const changed = comparisons.map(({ config, ...others }) => ({
    ...others,
    config: { ...config, spec: { image: 'other:1' } },
  }))
  t.ok(argo.compare(changed).every(({ outOfSync }) => outOfSync))
}

const legacy = `apiVersion: apps/v1
kind: Deployment
metadata: {name: legacy}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/name: legacy}}
  template:
    metadata: {labels: {app.kubernetes.io/name: legacy}}
    spec:
      containers:
        - {name: web, image: 'nginx:1.29', ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: legacy}
spec: {selector: {app.kubernetes.io/name: legacy}, ports: [{port: 80}]}
`

/** The commands of `adopt` turn a Deployment into a MyApp. Its Service never loses endpoints. */
export function adoption(t: Test, cluster: Cluster): void {
  t.test('adopt turns a Deployment into a MyApp without downtime', async (t) => {
    const here = await cluster.namespace(t)
    const run = runner(cluster)
    const { kubectl } = cluster.controlPlane
    await here.apply(legacy)
    const endpoints = async () => {
      const selector = 'kubernetes.io/service-name=legacy'
      const slices = JSON.parse(
        await kubectl(['-n', here.name, 'get', 'endpointslices', '-l', selector, '-o', 'json']),
      ) as {
        items: Array<{
          endpoints?: Array<{
            conditions?: { ready?: boolean }
            targetRef?: { name: string }
          }> | null
        }>
      }
      const ready = slices.items
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready)
      return new Set(ready.map(({ targetRef }) => targetRef?.name)).size
    }
    await here.eventually('the Service has 2 endpoints', async () => (await endpoints()) === 2)

    const folder = t.testdir({})
    const printed = await run(
      process.execPath,
      [file('dist/cli.js'), 'adopt', 'deployment/legacy', '-n', here.name],
      folder,
    )
    t.match(printed, { code: 0, err: '' })
    const samples: number[] = []
    const sampling = new AbortController()
    const sampled = (async () => {
      while (!sampling.signal.aborted) {
        samples.push(await endpoints())
        await sleep(50)
      }
    })()
    const done = await run('sh', ['-c', printed.out], folder)
    t.equal(done.code, 0, done.err)
    await here.running('legacy')
    await here.eventually('only pods of the MyApp remain', async () => {
      const pods = JSON.parse(await kubectl(['-n', here.name, 'get', 'pods', '-o', 'json'])) as {
        items: unknown[]
      }
      return pods.items.length === 2
    })
    await here.eventually('these pods are the endpoints', async () => (await endpoints()) === 2)
    sampling.abort()
    await sampled
    t.ok(samples.length >= 5, `${samples.length} samples`)
    t.equal(Math.min(...samples), 2, 'never fewer endpoints')
    t.match(here.get('Service', 'legacy').spec, {
      selector: { app: 'legacy', 'managed-by': 'myapp-operator' },
    })

    const { uid } = here.get('Deployment', 'legacy').metadata
    const repeated = await run('sh', ['-c', printed.out], folder)
    t.equal(repeated.code, 0, repeated.err)
    t.equal(here.get('Deployment', 'legacy').metadata.uid, uid, 'the same Deployment')
  })

  t.test('deleting a MyApp with --cascade=orphan keeps its children unchanged', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('leaving', { image: 'nginx:1.29', replicas: 2 })
    await here.running('leaving')
    const { uid } = here.get('Deployment', 'leaving').metadata
    await cluster.controlPlane.kubectl([
      '-n',
      here.name,
      'delete',
      'myapp',
      'leaving',
      '--cascade=orphan',
    ])
    await here.gone('MyApp', 'leaving')
    for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget'] as const) {
      await here.until(
        `${kind} has no owner`,
        () => (here.find(kind, 'leaving')?.metadata.ownerReferences ?? []).length === 0,
      )
    }
    t.equal(here.get('Deployment', 'leaving').metadata.uid, uid)
  })
}

/** The command line finds no difference for applied examples, and predicts what a change does. */
export async function checkDiffs(t: Test, cluster: Cluster, here: Namespace): Promise<void> {
  const start = runner(cluster)
  const run = (...args: string[]) => start(process.execPath, [file('dist/cli.js'), ...args])
  await isInSyncForArgo(t, cluster, here)

  const args = [
    'render',
    '--diff',
    '--live',
    '-o',
    'json',
    '-n',
    here.name,
    '-R',
    '-f',
    file('manifests/examples'),
  ]
  const answer = await run(...args)
  t.equal(answer.out, '[]\n')
  t.strictSame(
    answer.err.split('\n').filter((line) => line !== '' && !line.includes('is ignored')),
    [`${here.name}/gateway: ${httpRoute.optional?.message}`],
  )

  const changed = `${t.testdir({})}/demo-app.yaml`
  writeFileSync(
    changed,
    readFileSync(file('manifests/examples/demo-app.yaml'), 'utf8')
      .replace('replicas: 3', 'replicas: 1')
      .replace('nginx:latest', 'nginx:1.29'),
  )
  const diff = await run('render', '--diff', '--live', '-o', 'json', '-n', here.name, '-f', changed)
  t.equal(diff.code, 1)
  const changes = JSON.parse(diff.out) as Array<{
    action: string
    kind: string
    podsRoll: boolean
    fields: string[]
  }>
  t.strictSame(changes.map(({ action, kind, podsRoll }) => [action, kind, podsRoll]).sort(), [
    ['delete', 'PodDisruptionBudget', false],
    ['update', 'Deployment', true],
  ])
  const fields = changes.find(({ kind }) => kind === 'Deployment')?.fields ?? []
  for (const field of ['spec.replicas', 'spec.template.spec.containers[app].image']) {
    t.ok(fields.includes(field), field)
  }
  await here.apply(readFileSync(changed, 'utf8'))
  await here.eventually(
    'there is no difference',
    async () =>
      (await run('render', '--diff', '--live', '-n', here.name, '-f', changed)).code === 0,
  )
}
