/** Deployments that admission policies change: the MyApp stays Ready and reports the change. */
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
    while (!(await isInForce(kubectl, name))) await sleep(250)
  }
}

async function isInForce(kubectl: ControlPlane['kubectl'], name: string): Promise<boolean> {
  const labels = { app: name }
  const container = {
    name: 'app',
    image: 'nginx:1',
    imagePullPolicy: 'IfNotPresent',
    resources: { requests: { cpu: '100m' } },
  }
  const sent = {
    terminationGracePeriodSeconds: 20,
    tolerations: [{ key: 'pool', operator: 'Exists' }],
    containers: [container],
  }
  const probe = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: sent },
    },
  }
  const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-']
  const { spec } = JSON.parse(await kubectl(args, JSON.stringify(probe)))
  const { tolerations, terminationGracePeriodSeconds, containers } = spec.template.spec
  const { image, imagePullPolicy, resources } = containers[0]
  const admitted = {
    terminationGracePeriodSeconds,
    tolerations,
    containers: [{ name: 'app', image, imagePullPolicy, resources }, ...containers.slice(1)],
  }
  return JSON.stringify(admitted) !== JSON.stringify(sent)
}

const condition = (app: LiveMyApp) =>
  app.status?.conditions?.find(({ type }) => type === 'AdmissionChanged')?.message

const deploymentWrites = (here: Namespace) =>
  here.writes().filter((write) => write.includes(' deployments/')).length

underEachStrategy(
  (t, cluster) => {
    for (const [name, { reports }] of Object.entries(policies)) {
      t.test(`reports a change by admission, ${name}`, async (t) => {
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

        // A manual edit of the same field is reverted.
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
  },
  { prepare },
)

const imageOf = (here: Namespace, name: string): string => {
  const deployment: Anything = here.get('Deployment', name)
  return deployment.spec.template.spec.containers[0].image
}
