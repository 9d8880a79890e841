import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { ensureControlPlane, ensurePromtool } from '../../local-cluster/control-plane/build.ts'
import { kubectlRunner } from '../../local-cluster/control-plane/kubectl.ts'
import { freePort, runProgram } from '../../local-cluster/control-plane/processes.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { missing, seriesIn, seriesOf, together } from '../support/monitoring/series.ts'
import { startExportingHook } from '../support/otlp/hook.ts'
import { manifest } from '../support/cluster/install.ts'
import type { LiveObject } from '../support/cluster/kinds.ts'
import { kustomize } from '../support/cluster/kustomize.ts'

t.setTimeout(900_000)

interface Rules {
  spec: {
    groups: Array<{
      rules: Array<{
        alert: string
        expr: string
        labels: { severity: string }
        annotations: { runbook: string }
      }>
    }>
  }
}
interface Dashboard {
  panels: Array<{ title: string; targets: Array<{ expr: string }> }>
}

const read = (path: string) => readFileSync(manifest(path), 'utf8')
const rules = parse(read('manifests/monitoring/rules.yaml')) as Rules
const alerts = rules.spec.groups.flatMap(({ rules }) => rules)
const dashboard = JSON.parse(read('manifests/monitoring/myapp-operator.json')) as Dashboard
/** The environment variables that the component monitoring sets for the hook. */
const patch = parse(read('manifests/monitoring/deployment-patch.yaml')) as {
  spec: { template: { spec: { containers: [{ env: Array<{ name: string; value: string }> }] } } }
}
const patched = Object.fromEntries(
  patch.spec.template.spec.containers[0].env.map(({ name, value }) => [name, value]),
)
const expressions = [
  ...alerts.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')),
  ),
]

t.test('every alert fires when it should and only then', async (t) => {
  const promtool = join(await ensurePromtool((line) => t.comment(line)), 'promtool')
  const dir = t.testdir({
    'rules.yaml': stringify(rules.spec),
    'alerts.yaml': read('test/support/monitoring/alerts.yaml'),
  })
  for (const args of [
    ['check', 'rules', 'rules.yaml'],
    ['test', 'rules', 'alerts.yaml'],
  ]) {
    const { code, stdout, stderr } = await runProgram({ command: promtool, args, cwd: dir })
    t.equal(code, 0, `promtool ${args.join(' ')}: ${stdout}${stderr}`)
  }
  const tried = parse(read('test/support/monitoring/alerts.yaml')) as {
    tests: Array<{ alert_rule_test: Array<{ alertname: string; exp_alerts?: object[] }> }>
  }
  const tests = tried.tests.flatMap(({ alert_rule_test: tests }) => tests)
  for (const { alert } of alerts) {
    t.ok(
      tests.some(({ alertname, exp_alerts: fires }) => alertname === alert && fires !== undefined),
      `a case in which ${alert} fires`,
    )
    t.ok(
      tests.some(({ alertname, exp_alerts: fires }) => alertname === alert && fires === undefined),
      `a case in which ${alert} does not fire`,
    )
  }
})

t.test('the runbook has a section for every alert', async (t) => {
  const sections = [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map(([, title]) => title)
  t.same(
    sections,
    alerts.map(({ alert }) => alert),
  )
  for (const { alert, annotations } of alerts) {
    t.equal(annotations.runbook, `docs/runbook.md#${alert.toLowerCase()}`)
  }
})

t.test(
  'the hook or Metacontroller has every metric and label of rules and dashboard',
  async (t) => {
    const port = await freePort()
    const hook = await startExportingHook(t, {
      ...patched,
      OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    })
    await hook.post('/customize', recorded('customize-new'))
    await hook.post('/sync', recorded('sync-new'))
    await hook.post('/sync', {})
    await hook.post('/finalize', recorded('finalize-children-present'))
    let page = ''
    // These two metrics need time and work: the event loop delay and the garbage collector.
    const late = ['nodejs_eventloop_delay_p99', 'v8js_gc_duration_sum']
    const deadline = Date.now() + 60_000
    while (!late.every((name) => page.includes(`\n${name}`))) {
      if (Date.now() > deadline) throw new Error(`no ${late.join(' or ')} after 60 s: ${page}`)
      for (let call = 0; call < 20; call++) await hook.post('/sync', recorded('sync-running'))
      page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    }
    const present = together([
      seriesOf(page),
      // Only a hook with TLS has this metric.
      seriesOf('operator_certificate_expiry{certificate="server"} 1\n'),
      seriesOf(read('test/support/fixtures/metacontroller-metrics.txt')),
    ])
    for (const expression of expressions) {
      t.same(missing(seriesIn(expression), present), [], expression)
    }
    t.same(
      missing(
        seriesIn(
          'sum by (nonsense) (rate(operator_hook_calls{hook="sync"}[5m])) + sum by ' +
            '(nonsense) (operator_myapps)',
        ),
        present,
      ),
      ['operator_hook_calls', 'operator_myapps{nonsense}'],
      'finds an unknown metric and label',
    )
  },
)

t.test('the component adds PodMonitors, rules, a dashboard and the metrics port', async (t) => {
  const kubectl = kubectlRunner({
    command: join(await ensureControlPlane((line) => t.comment(line)), 'kubectl'),
    kubeconfig: '',
    cacheDir: t.testdir(),
  })
  const build = async (components: string[]) =>
    (await kustomize({ dir: t.testdirName, kubectl }, 'manifests', components)) as Built[]
  const usual = await build([])
  const objects = await build(['monitoring'])
  const isUsual = ({ kind, metadata: { name } }: Built) =>
    usual.some((object) => object.kind === kind && object.metadata.name === name)
  const added = objects.filter((object) => !isUsual(object))
  t.same(
    added.map(({ kind, metadata: { namespace, name } }) => `${kind} ${namespace}/${name}`).sort(),
    [
      'ConfigMap myapp-operator/myapp-operator-dashboard',
      'NetworkPolicy myapp-operator/myapp-operator-metrics',
      'PodMonitor myapp-operator/metacontroller',
      'PodMonitor myapp-operator/myapp-operator',
      'PrometheusRule myapp-operator/myapp-operator',
    ],
  )
  const configMap = added.find(({ kind }) => kind === 'ConfigMap')
  t.same(JSON.parse(configMap?.data?.['myapp-operator.json'] ?? ''), dashboard)
  const deployment = objects.find(({ kind }) => kind === 'Deployment')
  const hook = deployment?.spec?.template?.spec.containers[0]
  t.match(hook?.ports, [
    { name: 'metrics', containerPort: 9464 },
    { name: 'hook', containerPort: 8443 },
    { name: 'probes', containerPort: 8081 },
  ])
  const env = Object.fromEntries(hook?.env.map(({ name, value }) => [name, value]) ?? [])
  t.match(env, {
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_HOST: '::',
    OTEL_EXPORTER_PROMETHEUS_PORT: '9464',
    HOST: '::',
  })
})

/** An object that kustomize built, with the fields that this test reads. */
interface Built extends LiveObject {
  data?: Record<string, string>
  spec?: {
    template?: {
      spec: { containers: Array<{ ports: object[]; env: Array<{ name: string; value: string }> }> }
    }
  }
}
