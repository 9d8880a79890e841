import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { repairs } from './drift.ts'
import { checkNoWrites } from './no-write.ts'

const shop: MyAppSpec = { image: 'nginx', port: 80, metrics: { port: 9090 } }

/** PodMonitors of MyApps with `metrics`, where the component pod-monitors is installed. */
export function podMonitors(t: Test, cluster: Cluster): void {
  t.test('a PodMonitor follows spec.metrics', async (t) => {
    const here = await cluster.namespace(t)
    const monitored = () =>
      here.get('MyApp', 'shop').status?.conditions?.find(({ type }) => type === 'Monitored')
    await here.create('shop', shop)
    await here.running('shop')
    t.match(here.get('PodMonitor', 'shop').spec, {
      selector: { matchLabels: { app: 'shop' } },
      podMetricsEndpoints: [{ port: 'metrics', path: '/metrics' }],
    })
    t.match(monitored(), { status: 'True' })
    await checkNoWrites(t, here, ['shop'])
    await here.edit('MyApp', 'shop', {
      spec: {
        ports: [{ name: 'admin', port: 9091, expose: false }],
        metrics: { port: 'admin', path: '/stats' },
      },
    })
    await here.until('the PodMonitor names the other port', () => {
      const [endpoint, ...more] = here.get('PodMonitor', 'shop').spec.podMetricsEndpoints ?? []
      return endpoint?.port === 'admin' && endpoint.path === '/stats' && more.length === 0
    })
    await here.running('shop')
    await here.edit('MyApp', 'shop', { spec: { metrics: null } })
    await here.gone('PodMonitor', 'shop')
    await here.running('shop')
    t.equal(monitored(), undefined)
  })

  repairs(t, cluster, { ...shop, replicas: 0 }, [
    {
      what: 'the path of a PodMonitor',
      kind: 'PodMonitor',
      edit: [{ op: 'replace', path: '/spec/podMetricsEndpoints/0/path', value: '/other' }],
    },
    {
      what: 'an endpoint that was added to a PodMonitor',
      kind: 'PodMonitor',
      edit: [{ op: 'add', path: '/spec/podMetricsEndpoints/-', value: { port: 'stray' } }],
    },
    {
      what: 'the selector of a PodMonitor',
      kind: 'PodMonitor',
      edit: { spec: { selector: { matchLabels: { stray: 'x' } } } },
    },
  ])

  t.test('a PodMonitor is deleted with its MyApp', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.running('shop')
    await here.until('the PodMonitor exists', () => here.find('PodMonitor', 'shop'))
    await here.kubectl('delete', 'ma', 'shop')
    await here.gone('MyApp', 'shop')
    await here.gone('PodMonitor', 'shop')
  })
}
