import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { pathText } from '../../src/metacontroller/json.ts'
import { repairChild } from '../../src/metacontroller/repair.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { apply, desiredOf, living } from '../support/fixtures/converging.ts'

const page = readFileSync(new URL('../../docs/repair.md', import.meta.url), 'utf8')

/** The example of the page after the comment with this name. */
function example(name: string): unknown {
  const [, yaml] = page.split(`<!-- ${name} -->\n\n\`\`\`yaml\n`)
  return parse(yaml?.split('```')[0] ?? '')
}

/** The fields of a Deployment that the page shows. */
function shown({ spec }: { spec?: unknown }): unknown {
  const { paused, template } = spec as Anything
  const { env, readinessProbe } = template.spec.containers[0]
  const container = { name: 'app', ...(env && { env }), readinessProbe }
  return {
    spec: {
      ...(paused !== undefined && { paused }),
      template: { spec: { containers: [container] } },
    },
  }
}

t.test('docs/repair.md shows the real answers', async (t) => {
  const spec: MyAppSpec = {
    image: 'nginx:1',
    env: [{ name: 'A', value: '1' }],
    probes: { readiness: { httpGet: { path: '/ready' } } },
  }
  const desired = desiredOf(deployment, spec)
  const edited = living(deployment, spec, (child) => {
    const [app] = child.spec.template.spec.containers
    app.env.unshift({ name: 'DEBUG', value: '1' })
    const { httpGet: _httpGet, ...times } = app.readinessProbe
    app.readinessProbe = { tcpSocket: { port: 1 }, ...times }
  })
  t.strictSame(example('desired'), shown(desired))
  t.strictSame(example('edited'), shown(edited))
  const first = repairChild(desired, edited, deployment.exactFields).answer
  t.strictSame(example('first answer'), shown(first))
  const second = repairChild(desired, apply(first, edited), deployment.exactFields).answer
  t.strictSame(example('second answer'), shown(second))
})

t.test('the table of docs/repair.md has every exact field', async (t) => {
  const removals = page
    .split('\n')
    .map((line) => line.split(' | '))
    .filter(([, effect = '']) => effect.includes('foreign'))
    .map(([fields = '']) => fields)
  for (const { kind, exactFields } of childKinds) {
    for (const { path } of exactFields) {
      const field = String(path.at(-1))
      const name = field.endsWith('Probe') ? 'probes' : `\`${field}\``
      // Rows about the pods do not name the Deployment.
      t.ok(
        removals.some((row) => row.includes(name) && (kind === 'Deployment' || row.includes(kind))),
        `${kind} ${pathText(path)}`,
      )
    }
  }
})
