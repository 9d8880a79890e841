import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { httpRoute } from '../../../src/myapp/children/http-route.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Of a namespace with every example the command line tells no difference; of a change it tells what then happens. */
export async function tellsWhatHappens(t: Test, cluster: Cluster, here: Namespace): Promise<void> {
  const { binDir, kubeconfig, dir } = cluster.controlPlane
  const run = (...args: string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const env = {
        ...process.env,
        PATH: `${binDir}:${process.env['PATH']}`,
        KUBECONFIG: kubeconfig,
        KUBECACHEDIR: `${dir}/kubectl`,
      }
      const child = execFile(
        process.execPath,
        [file('dist/cli.js'), ...args],
        { env },
        (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
      )
    })

  const args = [
    'render',
    '--diff',
    '--live',
    '-o',
    'json',
    '-n',
    here.name,
    '-f',
    file('manifests/examples'),
  ]
  const answer = await run(...args)
  t.equal(answer.out, '[]\n')
  t.strictSame(
    answer.err.split('\n').filter((line) => line !== '' && !line.includes('is left out')),
    [`${here.name}/gateway: ${httpRoute.optional?.message}`],
  )

  const changed = `${t.testdir({})}/demo-app.yaml`
  writeFileSync(
    changed,
    readFileSync(file('manifests/examples/demo-app.yaml'), 'utf8')
      .replace('replicas: 3', 'replicas: 1')
      .replace('nginx:latest', 'nginx:1.29'),
  )
  const told = await run('render', '--diff', '--live', '-o', 'json', '-n', here.name, '-f', changed)
  t.equal(told.code, 1)
  const changes = JSON.parse(told.out) as Array<{
    action: string
    kind: string
    podsRoll: boolean
    fields: string[]
  }>
  t.strictSame(changes.map(({ action, kind, podsRoll }) => [action, kind, podsRoll]).sort(), [
    ['delete', 'PodDisruptionBudget', false],
    ['update', 'Deployment', true],
    ['update', 'Service', false],
  ])
  const fields = changes.find(({ kind }) => kind === 'Deployment')?.fields ?? []
  for (const field of ['spec.replicas', 'spec.template.spec.containers[app].image']) {
    t.ok(fields.includes(field), field)
  }
  await here.apply(readFileSync(changed, 'utf8'))
  await here.eventually(
    'it is so',
    async () =>
      (await run('render', '--diff', '--live', '-n', here.name, '-f', changed)).code === 0,
  )
}
