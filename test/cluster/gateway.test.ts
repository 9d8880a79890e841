/**
 * HTTPRoutes and PodMonitors. The components gateway and pod-monitors enable them. This file also
 * tests invalid stored specs. That test changes the CRD, so it must run alone on its cluster.
 */
import type { Test } from 'tap'
import { httpRoute } from '../../src/myapp/children/http-route.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { installOptionalKinds } from '../../local-cluster/control-plane/optional-kinds.ts'
import { type Cluster, underEachStrategy } from '../support/cluster/cluster.ts'
import { documentsOf, namesIn, putAll } from '../support/cluster/documents.ts'
import { forceSyncs } from '../support/cluster/forced-syncs.ts'
import { pointAt } from '../support/cluster/install.ts'
import { allKinds } from '../support/cluster/kinds.ts'
import { kustomize } from '../support/cluster/kustomize.ts'
import type { Namespace } from '../support/cluster/namespace.ts'
import { grant } from '../support/cluster/rights.ts'
import { type Drift, repairs } from './scenarios/drift.ts'
import { repairsEveryChild } from './scenarios/intrusion.ts'
import { invalidSpec } from './scenarios/invalid-spec.ts'
import { checkResync, checkNoWrites } from './scenarios/no-write.ts'
import { podMonitors } from './scenarios/pod-monitors.ts'
import { departures, routed, untilRouted } from './scenarios/routing.ts'

/** Metacontroller has only the rights of the shipped roles here. */
const user = 'restricted-metacontroller'

async function switchOn({ controlPlane, hook, strategy }: Cluster): Promise<void> {
  const components = [
    ...childKinds.flatMap(({ optional }) => optional?.component ?? []),
    ...(strategy === 'server-side-apply' ? [strategy] : []),
  ]
  const objects = await kustomize(controlPlane, 'metacontroller', components)
  await grant(controlPlane, objects, user)
  const controllers = objects.filter(
    ({ kind }) => kind === 'CompositeController',
  ) as unknown as Parameters<typeof pointAt>[1][]
  // `checkResync` waits for a resync, so the period is short.
  for (const { spec } of controllers) Object.assign(spec, { resyncPeriodSeconds: 20 })
  await controlPlane.kubectl(
    ['apply', '-f', '-'],
    controllers.map((controller) => JSON.stringify(pointAt(hook.port, controller))).join('\n---\n'),
  )
}

const gateway = {
  parentRefs: [
    { name: 'public', namespace: 'infra' },
    { name: 'inner', sectionName: 'https' },
  ],
  hostnames: ['shop.example.com', 'www.example.com'],
}
const shop = { image: 'nginx', port: 80, gateway }
const asIfStored = { group: 'gateway.networking.k8s.io', kind: 'Gateway' }

interface Verdict {
  accepted?: boolean
  resolved?: boolean
  message?: string
}

/** Writes the status of the HTTPRoute as a controller would: the same result for each Gateway. */
async function judge(
  here: Namespace,
  { accepted = true, resolved = true, message = '' }: Verdict,
): Promise<void> {
  const {
    metadata: { generation },
    spec: { parentRefs = [] },
  } = here.get('HTTPRoute', 'shop')
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? 'True' : 'False',
    reason: holds ? type : 'Refused',
    message: holds ? '' : message,
    observedGeneration: generation,
    lastTransitionTime: new Date().toISOString(),
  })
  await here.setStatus('HTTPRoute', 'shop', {
    parents: parentRefs.map((parentRef) => ({
      parentRef,
      controllerName: 'example.com/controller',
      conditions: [condition('Accepted', accepted), condition('ResolvedRefs', resolved)],
    })),
  })
}

const admitted = 'Traffic from outside is routed to the Service'
const unseen = ['public', 'inner']
  .map((name) => `Gateway ${name} has not reported on the current HTTPRoute`)
  .join('; ')

const drifts: Drift[] = [
  {
    what: 'the host names of the HTTPRoute',
    kind: 'HTTPRoute',
    edit: { spec: { hostnames: ['other.example.com'] } },
  },
  {
    what: 'a removed Gateway',
    kind: 'HTTPRoute',
    edit: [{ op: 'remove', path: '/spec/parentRefs/1' }],
  },
  {
    what: 'an added Gateway',
    kind: 'HTTPRoute',
    edit: [{ op: 'add', path: '/spec/parentRefs/-', value: { name: 'stray' } }],
  },
  {
    what: 'the listener of a Gateway',
    kind: 'HTTPRoute',
    edit: [{ op: 'replace', path: '/spec/parentRefs/1/sectionName', value: 'http' }],
  },
  {
    what: 'the backend of the HTTPRoute',
    kind: 'HTTPRoute',
    edit: [{ op: 'replace', path: '/spec/rules/0/backendRefs/0/port', value: 81 }],
  },
  {
    what: 'an added rule of the HTTPRoute',
    kind: 'HTTPRoute',
    edit: [
      {
        op: 'add',
        path: '/spec/rules/-',
        value: { matches: [{ path: { type: 'PathPrefix', value: '/stray' } }] },
      },
    ],
  },
]

underEachStrategy(
  (t, cluster) => {
    t.test('gateways and invalid specs', async (t) => {
      await t.test('without the component an app runs and reports GatewayNotEnabled', async (t) => {
        const here = await cluster.namespace(t)
        await here.create('shop', shop)
        const { status } = await here.failed('shop', 'GatewayNotEnabled')
        t.equal(status?.message, httpRoute.optional?.message)
        t.match(routed(here.get('MyApp', 'shop')), {
          status: 'False',
          reason: 'GatewayNotEnabled',
          message: httpRoute.optional?.message,
        })
        await here.until('the app is available', () =>
          here
            .get('MyApp', 'shop')
            .status?.conditions?.some(
              ({ type, status }) => type === 'Available' && status === 'True',
            ),
        )
        t.strictSame(here.list('HTTPRoute'), [], 'no HTTPRoute is created')
        await switchOn(cluster)
        await here.running('shop')
        await untilRouted(here, 'shop', 'False', unseen)
      })
      // This runs alone because it changes the CRD of the whole cluster.
      await invalidSpec(t, cluster)
      t.jobs = 24
      withComponent(t, cluster)
      podMonitors(t, cluster)
    })
  },
  {
    prepare: async (controlPlane) => {
      await Promise.all([
        installOptionalKinds(controlPlane),
        grant(controlPlane, await kustomize(controlPlane, 'metacontroller'), user),
      ])
    },
    user,
    watched: allKinds,
  },
)

function withComponent(t: Test, cluster: Cluster): void {
  t.test('examples with an optional child settle, and their children are repaired', async (t) => {
    const here = await cluster.namespace(t)
    const documents = documentsOf('manifests/examples').filter(
      ({ kind, spec }) =>
        kind === 'MyApp' &&
        childKinds.some(({ optional }) => optional && Object.hasOwn(spec ?? {}, optional.field)),
    )
    await putAll(here, documents)
    const names = namesIn(documents)
    t.ok(names.length > 3, names.join())
    await Promise.all(names.map((name) => here.running(name)))
    await repairsEveryChild(t, cluster, here, names)
    await checkNoWrites(t, here, names, (name) => here.running(name), 3)
    await checkResync(t, here, names)
  })

  t.test('writes nothing for a settled HTTPRoute', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.until('the HTTPRoute exists', () => here.find('HTTPRoute', 'shop'))
    await judge(here, {})
    await untilRouted(here, 'shop', 'True', admitted)
    await checkNoWrites(t, here, ['shop'])
  })

  t.test('creates an HTTPRoute with the defaults of the API server', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.running('shop')
    t.strictSame(here.get('HTTPRoute', 'shop').spec, {
      parentRefs: gateway.parentRefs.map((parentRef) => ({ ...asIfStored, ...parentRef })),
      hostnames: gateway.hostnames,
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [{ group: '', kind: 'Service', name: 'shop', port: 80, weight: 1 }],
        },
      ],
    })
    await here.edit('MyApp', 'shop', { spec: { port: 8080 } })
    await here.until('the HTTPRoute has the new port', () =>
      JSON.stringify(here.get('HTTPRoute', 'shop').spec.rules).includes('"port":8080'),
    )
    await here.running('shop')
  })

  t.test('Routed and the URLs follow the status of the HTTPRoute', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.running('shop')
    t.notOk((await untilRouted(here, 'shop', 'False', unseen)).status?.urls)
    await judge(here, {})
    t.strictSame((await untilRouted(here, 'shop', 'True', admitted)).status?.urls, [
      'https://shop.example.com/',
      'https://www.example.com/',
    ])
    await judge(here, { resolved: false, message: 'there is no Service shop' })
    t.notOk(
      (
        await untilRouted(
          here,
          'shop',
          'False',
          ['public', 'inner']
            .map(
              (name) =>
                `Gateway ${name} cannot resolve references of the HTTPRoute: there is no ` +
                'Service shop',
            )
            .join('; '),
        )
      ).status?.urls,
    )
    await judge(here, { accepted: false, message: 'no listener takes routes from here' })
    const refused = await untilRouted(
      here,
      'shop',
      'False',
      ['public', 'inner']
        .map(
          (name) =>
            `Gateway ${name} does not accept the HTTPRoute: no listener takes routes from here`,
        )
        .join('; '),
    )
    t.equal(refused.status?.phase, 'Running', 'the app itself runs')
    await judge(here, {})
    await untilRouted(here, 'shop', 'True', admitted)
    await here.edit('MyApp', 'shop', { spec: { gateway: { hostnames: ['new.example.com'] } } })
    await untilRouted(here, 'shop', 'False', unseen)
    await judge(here, {})
    t.strictSame((await untilRouted(here, 'shop', 'True', admitted)).status?.urls, [
      'https://new.example.com/',
    ])
  })

  repairs(t, cluster, shop, drifts)

  t.test('the HTTPRoute exists only while spec.gateway is set', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.running('shop')
    await here.edit('MyApp', 'shop', { spec: { gateway: null } })
    await here.gone('HTTPRoute', 'shop')
    const { status } = await here.running('shop')
    t.notOk(status?.urls)
    t.strictSame(
      status?.conditions?.map(({ type }) => type),
      ['Ready', 'Reconciling', 'Stalled', 'Available'],
    )
    await here.edit('MyApp', 'shop', { spec: { gateway } })
    await here.until('the HTTPRoute exists again', () => here.find('HTTPRoute', 'shop'))
    await here.running('shop')
  })

  t.test('reports and does not change a foreign HTTPRoute of the same name', async (t) => {
    const here = await cluster.namespace(t)
    await here.apply(
      JSON.stringify({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { name: 'shop' },
        spec: { parentRefs: [{ name: 'theirs' }] },
      }),
    )
    const {
      metadata: { uid },
    } = await here.until('the foreign HTTPRoute is observed', () => here.find('HTTPRoute', 'shop'))
    await here.create('shop', shop)
    t.match(
      (await here.failed('shop', 'NameConflict')).status?.message,
      /^HTTPRoute shop already exists/,
    )
    await forceSyncs(here, 'shop', 2)
    t.match(here.get('HTTPRoute', 'shop'), {
      metadata: { uid },
      spec: { parentRefs: [{ name: 'theirs' }] },
    })
    await here.remove('HTTPRoute', 'shop')
    await here.running('shop', 60)
    t.not(here.get('HTTPRoute', 'shop').metadata.uid, uid)
  })

  t.test('refuses a duplicate Gateway, which Metacontroller could not merge', async (t) => {
    const here = await cluster.namespace(t)
    const parentRefs = ['http', 'https'].map((sectionName) => ({ name: 'public', sectionName }))
    await t.rejects(here.create('shop', { image: 'nginx', gateway: { parentRefs } }), {
      message:
        /duplicate name; to use all listeners of a Gateway, list it once without sectionName/,
    })
  })

  t.test('deletes the HTTPRoute before the Service', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.running('shop')
    await here.kubectl('delete', 'ma', 'shop')
    await here.until('all children are gone', () =>
      allKinds.every((kind) => here.list(kind).length === 0),
    )
    const [first, ...rest] = departures(here)
    t.equal(first, 'HTTPRoute')
    t.strictSame(rest.toSorted(), ['Deployment', 'MyApp', 'Service'])
    t.equal(rest.at(-1), 'MyApp')
  })
}
