import fc from 'fast-check'
import t from 'tap'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { sentence } from '../../src/api/messages.ts'
import { platformWarnings, warningMaxLength, warnings } from '../../src/api/warnings.ts'
import { acceptedSpec } from '../support/fixtures/arbitrary.ts'

/** A spec without warnings. */
const sound: MyAppSpec = {
  image: 'registry.example.com/team/shop:1.2.3',
  resources: { requests: { cpu: '100m' }, limits: { memory: '128Mi' } },
}
const said = (spec: Partial<MyAppSpec>) =>
  warnings({ spec: { ...sound, ...spec } }).map((warning) =>
    sentence(warning).replace(/^spec\./, ''),
  )
const claim = (more: object = {}) => ({
  volumes: [
    { name: 'data', mountPath: '/data', persistentVolumeClaim: { claimName: 'data' }, ...more },
  ],
})
const written = claim()

const silent: Array<[name: string, spec: Partial<MyAppSpec>]> = [
  ['a spec that works', {}],
  ['a digest', { image: `nginx@sha256:${'a'.repeat(64)}` }],
  ['a moving tag with a digest', { image: `nginx:latest@sha256:${'a'.repeat(64)}` }],
  ['a registry with a port and capitals', { image: 'Registry:5000/a/b_c/d__e--f:v1' }],
  ['a read-only claim', { ...claim({ readOnly: true }), strategy: { type: 'RollingUpdate' } }],
  ['a writable claim with the default strategy', written],
  ['a writable claim with Recreate', { ...written, strategy: { type: 'Recreate' } }],
  [
    'a writable claim with maxSurge 0',
    { ...written, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '0%' } } },
  ],
  ['autoscaling with a request', { autoscaling: { maxReplicas: 3 }, replicas: 3 }],
  [
    'autoscaling by averageValue',
    {
      resources: { limits: { memory: '1Gi' } },
      autoscaling: {
        maxReplicas: 3,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '100m' } },
          },
        ],
      },
    },
  ],
  [
    'autoscaling with limits only',
    {
      resources: { limits: { cpu: 1, memory: '1Gi' } },
      autoscaling: { maxReplicas: 3, targetMemoryUtilizationPercentage: 80 },
    },
  ],
  [
    'a sidecar of another image without Secrets of the app',
    {
      env: [{ name: 'A', value: 'a' }],
      envFrom: [{ configMapRef: { name: 'a' } }],
      sidecars: [{ name: 'proxy', image: 'proxy:1' }],
    },
  ],
  ['a budget of three pods', { replicas: 3, disruption: { minAvailable: '50%' } }],
  ['a budget of no pods', { replicas: 0, disruption: { minAvailable: 1 } }],
  ['a class by annotation', { ingress: { annotations: { 'kubernetes.io/ingress.class': 'a' } } }],
  [
    'a policy that names a namespace',
    {
      ingress: { ingressClassName: 'a' },
      networkPolicy: { from: [{ app: 'a' }, { namespace: 'ingress' }] },
    },
  ],
  ['a policy without routes', { networkPolicy: { from: [] } }],
  ['a policy for egress', { ingress: { ingressClassName: 'a' }, networkPolicy: { to: [] } }],
]

t.test('does not warn of a sound spec', async (t) => {
  for (const [name, spec] of silent) t.strictSame(said(spec), [], name)
})

const upperCase =
  'image: no container runtime pulls a name with upper-case letters: write it in lower case'
const unreadable = 'image: no container runtime can pull this: write [REGISTRY/]NAME[:TAG][@DIGEST]'
const untagged =
  'image: without a tag the image is latest, which changes: add a version or a digest'
const moving = 'image: this tag moves, so pods may differ: use a version or a digest'
const blocked = (pods: number) =>
  `disruption: with ${pods} replicas no pod may be evicted, so drains hang: set maxUnavailable to 1`
const noRequest = (resource: string, name = resource) =>
  `autoscaling: percent of ${name} needs resources.requests.${resource}, or pods are never added`

const warned: Array<[spec: Partial<MyAppSpec>, ...says: string[]]> = [
  [{ image: 'nginx' }, untagged],
  [{ image: 'registry:5000/nginx' }, untagged],
  [{ image: 'nginx:latest' }, moving],
  [{ image: 'a.b/c:Main' }, moving],
  [{ image: 'Nginx:1.29' }, upperCase],
  [{ image: 'example.com/Team/app:1' }, upperCase],
  [
    { image: 'https://example.com/app:1' },
    'image: an image has no URL scheme: remove everything up to "//"',
  ],
  [{ image: 'nginx:1:2' }, unreadable],
  [{ image: 'nginx:' }, unreadable],
  [{ image: 'nginx:-1' }, unreadable],
  [{ image: 'nginx@sha256:abc' }, unreadable],
  [{ image: 'a//b:1' }, unreadable],
  [{ image: '/a:1' }, unreadable],
  [{ image: `a:${'1'.repeat(129)}` }, unreadable],
  ...([512, '512m', '64k'] as const).map((memory): (typeof warned)[number] => [
    { resources: { limits: { memory } } },
    'resources.limits.memory: this is less than 1Mi: add a unit, such as Mi',
  ]),
  [
    { resources: { requests: { memory: 256 }, limits: { memory: '1Gi' } } },
    'resources.requests.memory: this is less than 1Mi: add a unit, such as Mi',
  ],
  [
    { resources: {} },
    'resources.limits.memory: without a limit one pod can use up the memory of its node: ' +
      'set a limit',
  ],
  [
    {
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'a' } } }],
      envFrom: [{ secretRef: { name: 'a' } }],
      init: [{ name: 'own' }, { name: 'other', image: 'other:1', env: [] }],
      sidecars: [{ name: 'proxy', image: 'proxy:1' }],
    },
    'init[1].envFrom: another image gets the Secrets of the app: set envFrom, or [] for none',
    'sidecars[0].env: another image gets the Secrets of the app: set env, or [] for none',
    'sidecars[0].envFrom: another image gets the Secrets of the app: set envFrom, or [] for none',
  ],
  [
    { ...written, strategy: { type: 'RollingUpdate' } },
    'strategy.type: a new pod may be unable to mount volumes[0] beside the old one: set Recreate',
  ],
  [
    { resources: { limits: { memory: '1Gi' } }, autoscaling: { maxReplicas: 2 } },
    noRequest('cpu', 'CPU'),
  ],
  [
    {
      resources: { limits: { memory: '1Gi' } },
      autoscaling: {
        maxReplicas: 2,
        metrics: [
          {
            type: 'ContainerResource',
            containerResource: {
              name: 'cpu',
              container: 'app',
              target: { type: 'Utilization', averageUtilization: 50 },
            },
          },
        ],
      },
    },
    noRequest('cpu', 'CPU'),
  ],
  [
    {
      resources: {},
      autoscaling: { maxReplicas: 2, targetMemoryUtilizationPercentage: 50 },
    },
    'resources.limits.memory: without a limit one pod can use up the memory of its node: ' +
      'set a limit',
    noRequest('memory'),
  ],
  [
    { autoscaling: { minReplicas: 2, maxReplicas: 2 } },
    'autoscaling.maxReplicas: maxReplicas equals minReplicas, so nothing scales: raise ' +
      'maxReplicas, or use replicas',
  ],
  [
    { autoscaling: { maxReplicas: 3 }, replicas: 5 },
    'replicas: 5 is more than maxReplicas 3, which wins: remove replicas, or raise maxReplicas',
  ],
  [{ replicas: 3, disruption: { minAvailable: 3 } }, blocked(3)],
  [{ replicas: 2, disruption: { minAvailable: '51%' } }, blocked(2)],
  [{ replicas: 2, disruption: { maxUnavailable: 0 } }, blocked(2)],
  [{ replicas: 2, disruption: { maxUnavailable: '0%' } }, blocked(2)],
  [
    { autoscaling: { minReplicas: 2, maxReplicas: 9 }, disruption: { minAvailable: 2 } },
    blocked(2),
  ],
  [
    { disruption: { minAvailable: 1 } },
    'disruption: with one replica disruption blocks every node drain: set replicas to 2 or ' +
      'more, or remove disruption',
  ],
  [
    { disruption: { maxUnavailable: 1 } },
    'disruption: with one replica disruption protects nothing: set replicas to 2 or more, or ' +
      'remove disruption',
  ],
  [
    { ingress: {} },
    'ingress.ingressClassName: only a default class serves an Ingress without ' +
      'ingressClassName: set a class',
  ],
  [
    { ingress: { ingressClassName: 'a' }, networkPolicy: { from: [{ app: 'a', namespace: 'b' }] } },
    'networkPolicy.from: the Ingress controller may not connect: add the namespace of its pods',
  ],
  [
    { gateway: { parentRefs: [{ name: 'a' }] }, networkPolicy: { from: [] } },
    'networkPolicy.from: the Gateway may not connect: add the namespace of its pods',
  ],
]

t.test('warns of a valid spec that cannot work or is risky, with field and remedy', async (t) => {
  for (const [spec, ...says] of warned) t.strictSame(said(spec), says, JSON.stringify(spec))
})

const unfit: Array<[spec: Partial<MyAppSpec>, ...says: string[]]> = [
  [{}],
  [
    { runAsUser: 0 },
    "spec.runAsUser: the platform's podSecurity Restricted is not applied to root: " +
      'set another runAsUser, or set podSecurity',
  ],
  [{ runAsUser: 0, podSecurity: 'Baseline' }],
  [
    { terminationGracePeriodSeconds: 29 },
    "spec.terminationGracePeriodSeconds: set 30 or more for the platform's drainSeconds 15",
  ],
  [{ terminationGracePeriodSeconds: 30 }],
  [{ terminationGracePeriodSeconds: 29, drainSeconds: 1 }],
  [{ terminationGracePeriodSeconds: 29, expose: false }],
  [{ ingress: {} }],
  [
    { resources: { limits: { memory: 1 } } },
    'spec.resources.limits.memory: this is less than 1Mi: add a unit, such as Mi',
  ],
]

t.test('warns of a spec that contradicts the defaults of the platform', async (t) => {
  const app = { name: 'shop', namespace: 'web' }
  const limits = { memory: '64Mi' }
  for (const [spec, ...says] of unfit) {
    t.strictSame(
      platformWarnings(
        app,
        { image: 'a:1', ...spec },
        {
          podSecurity: 'Restricted',
          drainSeconds: 15,
          resources: { limits },
          ingress: { className: 'nginx' },
        },
      ).map(sentence),
      says,
      JSON.stringify(spec),
    )
  }
  t.strictSame(platformWarnings(app, sound).map(sentence), [])
})

t.test('keeps warnings short enough for kubectl', async (t) => {
  fc.assert(
    fc.property(acceptedSpec, (spec) =>
      warnings({ spec }).every((warning) => sentence(warning).length <= warningMaxLength),
    ),
  )
  for (const [spec] of warned) {
    for (const warning of warnings({ spec: { ...sound, ...spec } })) {
      t.ok(sentence(warning).length <= warningMaxLength, sentence(warning))
    }
  }
})
