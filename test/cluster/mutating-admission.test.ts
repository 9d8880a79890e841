/**
 * Deployments that admission policies change: the MyApp stays Ready and reports the change. Values
 * that the API server refuses in a Deployment are refused in the MyApp.
 */
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlPlane } from '../../local-cluster/control-plane/boot.ts'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { underEachStrategy } from '../support/cluster/cluster.ts'
import type { LiveMyApp } from '../support/cluster/kinds.ts'
import type { Namespace } from '../support/cluster/namespace.ts'
import type { Anything } from '../support/fixtures/anything.ts'

const spec: MyAppSpec = {
  image: 'nginx:1',
  imagePullPolicy: 'IfNotPresent',
  terminationGracePeriodSeconds: 20,
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  env: [{ name: 'A', value: 'a' }],
  tolerations: [{ key: 'pool', operator: 'Exists' }],
}

const pods = 'object.spec.template.spec'
const image = `${pods}.containers[0].image`
const patch = (path: string, value: string, op = 'replace') =>
  `[JSONPatch{op: "${op}", path: "/spec/template/spec/${path}", value: ${value}}]`

interface Policy {
  /** The CEL condition of the mutation. */
  when: string
  mutation: string
  /** The reported change. Undefined if an addition is not a difference. */
  reports?: string
  /** The apply strategy under which it is reported. Undefined for both. */
  under?: string
}

/** The policies by the name of their MyApp. */
const policies: Record<string, Policy> = {
  requests: {
    when: 'true',
    mutation: patch('containers/0/resources/requests/cpu', '"250m"'),
    reports: 'resources.requests.cpu: the MyApp sets 100m, admission changes it to 250m',
  },
  mirror: {
    when: `!${image}.startsWith("mirror.example.com/")`,
    mutation: patch('containers/0/image', `"mirror.example.com/" + ${image}`),
    reports: 'image: the MyApp sets nginx:1, admission changes it to mirror.example.com/nginx:1',
  },
  digest: {
    when: `!${image}.contains("@")`,
    mutation: patch('containers/0/image', `${image} + "@sha256:${'0'.repeat(64)}"`),
    reports: 'image: the MyApp sets nginx:1, admission changes it to nginx:1@sha256:0000',
  },
  'pull-policy': {
    when: 'true',
    mutation: patch('containers/0/imagePullPolicy', '"Always"'),
    reports: 'imagePullPolicy: the MyApp sets IfNotPresent, admission changes it to Always',
  },
  grace: {
    when: 'true',
    mutation: patch('terminationGracePeriodSeconds', '90'),
    reports: 'terminationGracePeriodSeconds: the MyApp sets 20, admission changes it to 90',
  },
  'list-item': {
    when: 'true',
    mutation: patch('tolerations/0/key', '"other"'),
    reports: 'tolerations: the MyApp sets [{"key":"pool","operator":"Exists"}], admission',
  },
  toleration: {
    when: `size(${pods}.tolerations) == 1`,
    mutation: patch(
      'tolerations/-',
      'Object.spec.template.spec.tolerations{key: "more", operator: "Exists"}',
      'add',
    ),
    reports: 'tolerations: the MyApp sets [{"key":"pool","operator":"Exists"}], admission',
  },
  'node-label': {
    when: 'true',
    mutation: patch('nodeSelector/kubernetes.io~1hostname', '"on-paper"', 'add'),
    reports: 'nodeSelector: the MyApp sets {"kubernetes.io/os":"linux"}, admission changes it to',
    under: 'server-side-apply',
  },
  variable: {
    when: `size(${pods}.containers[0].env) == 1`,
    mutation: patch(
      'containers/0/env/0',
      'Object.spec.template.spec.containers.env{name: "HTTP_PROXY", value: "http://proxy"}',
      'add',
    ),
  },
  'native-sidecar': {
    when: `!has(${pods}.initContainers)`,
    mutation: patch(
      'initContainers',
      '[{"name": "proxy", "image": "envoy", "restartPolicy": "Always"}]',
      'add',
    ),
  },
  sidecar: {
    when: `size(${pods}.containers) == 1`,
    mutation: patch(
      'containers/-',
      'Object.spec.template.spec.containers{name: "proxy", image: "envoy"}',
      'add',
    ),
  },
}

const manifests = (name: string, { when, mutation }: Policy) => [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['deployments'],
          },
        ],
      },
      matchConditions: [
        { name: 'name', expression: `object.metadata.name == "${name}"` },
        { name: 'when', expression: when },
      ],
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: mutation } }],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name },
  },
]

/** Installs the policies and waits until each of them is in force. */
async function prepare({ kubectl }: ControlPlane): Promise<void> {
  const objects = Object.entries(policies).flatMap(([name, policy]) => manifests(name, policy))
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n')
  await kubectl(['apply', '-f', '-'], text)
  for (const name of Object.keys(policies)) {
    const deadline = Date.now() + 60_000
    while (!(await isInForce(kubectl, name))) {
      if (Date.now() > deadline) throw new Error(`policy ${name} is not in force after 60 s`)
      await sleep(250)
    }
  }
}

/** Whether admission changes a Deployment of this name. */
async function isInForce(kubectl: ControlPlane['kubectl'], name: string): Promise<boolean> {
  const labels = { app: 'trial' }
  const { image, imagePullPolicy, resources, env, ...more } = spec
  const containers = [{ name: 'app', image, imagePullPolicy, resources, env }]
  const admitted = async (name: string) => {
    const trial = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { ...more, containers } },
      },
    }
    const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-']
    return JSON.parse(await kubectl(args, JSON.stringify(trial))).spec
  }
  return !isDeepStrictEqual(await admitted(name), await admitted('no-policy'))
}

const condition = (app: LiveMyApp) =>
  app.status?.conditions?.find(({ type }) => type === 'AdmissionChanged')?.message

const deploymentWrites = (here: Namespace) =>
  here.writes().filter((write) => write.includes(' deployments/')).length

underEachStrategy(
  (t, cluster) => {
    for (const [name, { reports: says, under }] of Object.entries(policies)) {
      const reports = under === undefined || under === cluster.strategy ? says : undefined
      t.test(`an app runs although admission changes its Deployment: ${name}`, async (t) => {
        const here = await cluster.namespace(t)
        await here.create(name, spec)
        const app = await here.until(`${name} is Running and reports the change`, () => {
          const found = here.find('MyApp', name)
          const isReported = reports === undefined || condition(found as LiveMyApp) !== undefined
          return found?.status?.phase === 'Running' && isReported && found
        })
        if (reports === undefined) t.equal(condition(app), undefined)
        else t.ok(condition(app)?.includes(reports), condition(app) ?? 'no condition')

        // Syncs without a change write nothing.
        await sleep(1000)
        const before = deploymentWrites(here)
        const calls = here.calls(name).length
        for (const value of ['1', '2', '3']) {
          await here.edit('MyApp', name, { metadata: { labels: { value } } })
          await here.until(
            'the hook had a request',
            () => here.calls(name).length >= calls + Number(value),
          )
        }
        await sleep(500)
        t.equal(deploymentWrites(here) - before, 0, `${here.writes()}`)

        // A manual edit of the image is reverted.
        await here.edit('Deployment', name, [
          { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'evil@x' },
        ])
        await here.until('the image is restored', () => !imageOf(here, name).includes('evil'))
        await here.running(name)

        await here.edit('MyApp', name, { spec: { image: 'nginx:2' } })
        await here.until('the new image is applied', () => imageOf(here, name).includes('nginx:2'))
        await here.running(name)
      })
    }

    t.test('refuses values that the API server refuses in a Deployment', async (t) => {
      const here = await cluster.namespace(t)
      for (const [name, [more, says]] of Object.entries(refused)) {
        await t.rejects(here.create(name, { image: 'nginx:1', ...more }), says, name)
      }
      t.strictSame(here.list('Deployment'), [])
      for (const [name, more] of Object.entries(bounds)) {
        await here.create(name, { image: 'nginx:1', ...more })
        await here.running(name)
        await here.edit('MyApp', name, { spec: { image: 'nginx:2' } })
        await here.until('a new image arrives', () => imageOf(here, name) === 'nginx:2')
        await here.running(name)
      }
    })
  },
  { prepare },
)

const tolerating = (tolerationSeconds: number): Partial<MyAppSpec> => ({
  tolerations: [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds }],
})
const spreading = (maxSkew: number): Partial<MyAppSpec> => ({
  topologySpreadConstraints: [
    { maxSkew, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
  ],
})
const annotated = (key: string, value: string): Partial<MyAppSpec> => ({
  podAnnotations: { [key]: value },
})
const appArmor = 'container.apparmor.security.beta.kubernetes.io'
const seccomp = 'seccomp.security.alpha.kubernetes.io/pod'
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'

/** Specs with values that the API server refuses in a Deployment, and their messages. */
const refused: Record<string, [more: Partial<MyAppSpec>, says: RegExp]> = {
  'foreign-container': [annotated(`${appArmor}/shop`, 'runtime/default'), /AppArmor/],
  'unknown-profile': [annotated(`${appArmor}/app`, 'strict'), /AppArmor/],
  seccomp: [annotated(seccomp, 'unconfined'), /the same as the seccompProfile/],
  tolerations: [annotated('scheduler.alpha.kubernetes.io/tolerations', '[{}]'), /spec.tolerations/],
  mirror: [annotated('kubernetes.io/config.mirror', 'a'), /reserved for the kubelet/],
  'deletion-cost': [annotated(deletionCost, '2147483648'), /must be an integer/],
  'toleration-seconds': [tolerating(2 ** 53), /tolerationSeconds.*9007199254740991/],
  'max-skew': [spreading(3_000_000_000), /maxSkew.*2147483647/],
  'grace-period': [{ terminationGracePeriodSeconds: 2 ** 40 }, /terminationGracePeriodSeconds/],
  'run-as-user': [{ runAsUser: 2 ** 31 }, /runAsUser.*2147483647/],
  history: [{ revisionHistoryLimit: 2 ** 31 }, /revisionHistoryLimit/],
}

/** Specs with values at the bounds, which the API server accepts. */
const bounds: Record<string, Partial<MyAppSpec>> = {
  'app-armor': annotated(`${appArmor}/app`, 'runtime/default'),
  'docker-default': annotated(seccomp, 'docker/default'),
  cost: annotated(deletionCost, '-2147483648'),
  seconds: tolerating(Number.MAX_SAFE_INTEGER),
  skew: spreading(2 ** 31 - 1),
  user: { runAsUser: 2 ** 31 - 1, fsGroup: 2 ** 31 - 1 },
}

const imageOf = (here: Namespace, name: string): string => {
  const deployment: Anything = here.get('Deployment', name)
  return deployment.spec.template.spec.containers[0].image
}
