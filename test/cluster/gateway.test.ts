/** HTTPRoutes: a component switches them on, and from then on MyApps with `gateway` get them. Specs that are stored though they are invalid are tried here too, as it has a cluster. */
import type { Test } from 'tap'
import { httpRoute } from '../../src/myapp/children/http-route.ts'
import { installGatewayApi } from '../../local-cluster/control-plane/more-kinds.ts'
import { type Cluster, underEachStrategy } from '../support/cluster/cluster.ts'
import { pointAt } from '../support/cluster/install.ts'
import { allKinds } from '../support/cluster/kinds.ts'
import { kustomize } from '../support/cluster/kustomize.ts'
import type { Namespace } from '../support/cluster/namespace.ts'
import { grant } from '../support/cluster/rights.ts'
import { type Drift, repairs } from './scenarios/drift.ts'
import { invalidSpec } from './scenarios/invalid-spec.ts'
import { isQuiet } from './scenarios/no-write.ts'
import { departures, routed, untilRouted } from './scenarios/routing.ts'

/** Metacontroller has the rights of the shipped roles here, and no more. */
const user = 'restricted-metacontroller'

async function switchOn({ controlPlane, hook }: Cluster): Promise<void> {
  const objects = await kustomize(controlPlane, 'metacontroller', ['gateway'])
  await grant(controlPlane, objects, user)
  const controllers = objects.filter(
    ({ kind }) => kind === 'CompositeController',
  ) as unknown as Parameters<typeof pointAt>[1][]
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

/** What the controller of the Gateways says of the HTTPRoute, of each Gateway the same. */
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
  await here.say('HTTPRoute', 'shop', {
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
    what: 'a Gateway that was removed',
    kind: 'HTTPRoute',
    edit: [{ op: 'remove', path: '/spec/parentRefs/1' }],
  },
  {
    what: 'a Gateway that was added',
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
    what: 'a rule that was added to the HTTPRoute',
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
    t.test('a MyApp that asks for a gateway, and one that asks for what cannot be', async (t) => {
      await t.test(
        'without the component it runs and says why it is not routed; with the component it is',
        async (t) => {
          const here = await cluster.namespace(t)
          await here.create('shop', shop)
          const { status } = await here.failed('shop', 'GatewayNotEnabled')
          t.equal(status?.message, httpRoute.optional?.message)
          t.match(routed(here.get('MyApp', 'shop')), {
            status: 'False',
            reason: 'GatewayNotEnabled',
            message: httpRoute.optional?.message,
          })
          await here.until('it runs all the same', () =>
            here
              .get('MyApp', 'shop')
              .status?.conditions?.some(
                ({ type, status }) => type === 'Available' && status === 'True',
              ),
          )
          t.strictSame(
            here.list('HTTPRoute'),
            [],
            'nothing is created that nobody would look after',
          )
          await switchOn(cluster)
          await here.running('shop')
          await untilRouted(here, 'shop', 'False', unseen)
        },
      )
      // By itself, since it changes the CRD that all of a cluster have.
      await invalidSpec(t, cluster)
      t.jobs = 24
      withComponent(t, cluster)
    })
  },
  {
    prepare: async (controlPlane) => {
      await Promise.all([
        installGatewayApi(controlPlane),
        grant(controlPlane, await kustomize(controlPlane, 'metacontroller'), user),
      ])
    },
    user,
    watched: allKinds,
  },
)

function withComponent(t: Test, cluster: Cluster): void {
  t.test('nothing is written for one that is as it shall be', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.until('the HTTPRoute is there', () => here.find('HTTPRoute', 'shop'))
    await judge(here, {})
    await untilRouted(here, 'shop', 'True', admitted)
    await isQuiet(t, here, ['shop'])
  })

  t.test('it gets an HTTPRoute with all that the API server would fill in', async (t) => {
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
    await here.until('the HTTPRoute leads to the new port', () =>
      JSON.stringify(here.get('HTTPRoute', 'shop').spec.rules).includes('"port":8080'),
    )
    await here.running('shop')
  })

  t.test('Routed and the URLs follow what the Gateways say', async (t) => {
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
    t.equal(refused.status?.phase, 'Running', 'it is the Gateways that a person must look at')
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

  t.test('taken out of the spec it goes, asked for again it comes back', async (t) => {
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
    await here.until('it is back', () => here.find('HTTPRoute', 'shop'))
    await here.running('shop')
  })

  t.test(
    "an HTTPRoute of the same name that is somebody else's is left alone and named",
    async (t) => {
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
      } = await here.until('it is seen', () => here.find('HTTPRoute', 'shop'))
      await here.create('shop', shop)
      t.match(
        (await here.failed('shop', 'NameConflict')).status?.message,
        /^HTTPRoute shop already exists/,
      )
      t.match(here.get('HTTPRoute', 'shop'), {
        metadata: { uid },
        spec: { parentRefs: [{ name: 'theirs' }] },
      })
      await here.remove('HTTPRoute', 'shop')
      await here.running('shop', 60)
      t.not(here.get('HTTPRoute', 'shop').metadata.uid, uid)
    },
  )

  t.test('one Gateway twice is refused, as Metacontroller could not tell them apart', async (t) => {
    const here = await cluster.namespace(t)
    const parentRefs = ['http', 'https'].map((sectionName) => ({ name: 'public', sectionName }))
    await t.rejects(here.create('shop', { image: 'nginx', gateway: { parentRefs } }), {
      message: /duplicate name; without sectionName it refers to all listeners of the Gateway/,
    })
  })

  t.test('the HTTPRoute is deleted before what it leads to', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.running('shop')
    await here.kubectl('delete', 'ma', 'shop')
    await here.until('nothing is left', () =>
      allKinds.every((kind) => here.list(kind).length === 0),
    )
    const [first, ...rest] = departures(here)
    t.equal(first, 'HTTPRoute')
    t.strictSame(rest.toSorted(), ['Deployment', 'MyApp', 'Service'])
    t.equal(rest.at(-1), 'MyApp')
  })
}
