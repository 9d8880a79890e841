import fc from 'fast-check'
import t from 'tap'
import { isDeepStrictEqual } from 'node:util'
import { repairChild } from '../../src/metacontroller/repair.ts'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import { asObserved } from '../../src/metacontroller/last-applied.ts'
import type { KubernetesObject, ObservedObject } from '../../src/metacontroller/protocol.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import { httpRoute } from '../../src/myapp/children/http-route.ts'
import { networkPolicy } from '../../src/myapp/children/network-policy.ts'
import { podDisruptionBudget } from '../../src/myapp/children/pod-disruption-budget.ts'
import { service } from '../../src/myapp/children/service.ts'
import type { ObservedDeployment } from '../../src/myapp/request.ts'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import * as arbitrary from '../support/fixtures/arbitrary.ts'
import {
  apply,
  converge,
  created,
  desiredOf,
  edited,
  living,
  owned,
  paused,
  stored,
  volumeSources,
} from '../support/fixtures/converging.ts'
import { ownersAfter } from '../support/fixtures/field-owners.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const containersOf = (child: ObservedObject) =>
  (
    child.spec as {
      template: { spec: { containers: Array<{ name: string; env?: unknown; ports?: unknown }> } }
    }
  ).template.spec.containers
const spec = (...env: string[]): MyAppSpec => ({
  image: 'nginx',
  port: 8080,
  replicas: 2,
  env: env.map((name) => ({ name, value: name })),
})

t.test('moves a variable to the front with one rollout', async (t) => {
  const { child, answers, rolls } = converge(
    deployment,
    spec('A', 'B', 'C'),
    living(deployment, spec('B', 'C')),
  )
  t.strictSame(containersOf(child)[0]?.env, spec('A', 'B', 'C').env)
  t.strictSame({ answers, rolls }, { answers: 2, rolls: 1 })
})

t.test('needs one answer for a change that the merge can make', async (t) => {
  const { answers, rolls } = converge(
    deployment,
    { ...spec('A', 'B'), image: 'nginx:2' },
    living(deployment, spec('A')),
  )
  t.strictSame({ answers, rolls }, { answers: 1, rolls: 1 })
})

t.test(
  'an intermediate answer keeps the annotations that describe the observed spec',
  async (t) => {
    const autoscaling = { minReplicas: 1, maxReplicas: 9 }
    const observed = living(
      deployment,
      { image: 'nginx', autoscaling, suspend: true, replicas: 5 },
      (child) => {
        child.spec.template.spec.nodeSelector = { stray: 'x' }
      },
    )
    const [desired] = deployment.desired({
      name: 'demo-app',
      namespace: 'default',
      spec: { image: 'nginx', autoscaling, nodeSelector: { disk: 'ssd' } },
      deployment: observed as ObservedDeployment,
    })
    t.match(desired, { spec: { replicas: 5 }, metadata: { annotations: undefined } })
    const { answer } = repairChild(desired as KubernetesObject, observed, deployment.exactFields)
    t.match(answer, {
      spec: { replicas: 0, paused: true },
      metadata: { annotations: { 'example.com/suspended-replicas': '5' } },
    })
  },
)

const withInit = (...names: string[]): MyAppSpec => ({
  ...spec('A'),
  init: names.map((name) => ({ name, command: ['true'] })),
})
const initOf = (child: ObservedObject) =>
  (child.spec as Anything).template.spec.initContainers as Array<Anything> | undefined
const namesOf = (child: ObservedObject) => initOf(child)?.map(({ name }) => name as string)

t.test('orders init containers with one rollout', async (t) => {
  for (const [before, after] of [
    [['b'], ['a', 'b']],
    [
      ['a', 'b', 'c'],
      ['c', 'a', 'b'],
    ],
  ] as Array<[string[], string[]]>) {
    const podAnnotations = { 'container.apparmor.security.beta.kubernetes.io/b': 'unconfined' }
    const { child, answers, rolls } = converge(
      deployment,
      { ...withInit(...after), podAnnotations },
      living(deployment, { ...withInit(...before), podAnnotations }),
    )
    t.strictSame(namesOf(child), after)
    t.match((child.spec as Anything).template.metadata.annotations, podAnnotations)
    t.strictSame({ answers, rolls }, { answers: 2, rolls: 1 })
  }
})

t.test('never returns an AppArmor annotation without its container', async (t) => {
  const podAnnotations = { 'container.apparmor.security.beta.kubernetes.io/b': 'unconfined' }
  const [desired] = deployment.desired({
    name: 'demo-app',
    namespace: 'default',
    spec: { ...withInit('a', 'b'), podAnnotations },
  })
  const { answer }: { answer: Anything } = repairChild(
    desired as KubernetesObject,
    living(deployment, { ...withInit('b'), podAnnotations }),
    deployment.exactFields,
  )
  t.equal(answer.spec.paused, true)
  t.equal(answer.spec.template.spec.initContainers, undefined)
  t.strictSame(answer.spec.template.metadata.annotations, {})
})

const byHand: Array<[what: string, edit: (containers: Anything[]) => void]> = [
  ['an init container', (containers) => containers.unshift({ name: 'x', image: 'x' })],
  [
    'two init containers',
    (containers) => {
      containers.push({ name: 'x', image: 'x' }, { name: 'y', image: 'y' })
    },
  ],
  ['a variable', ([a]) => a.env.unshift({ name: 'X', value: '1' })],
  ['an argument', ([, b]) => (b.args = ['x'])],
  ['a command', ([, b]) => b.command.push('x')],
  ['a lifecycle hook', ([a]) => (a.lifecycle = { preStop: { exec: { command: ['x'] } } })],
  ['a privilege', ([a]) => (a.securityContext.privileged = true)],
  ['an image', ([a]) => (a.image = 'x')],
  ['a swap', (containers) => containers.reverse()],
]
for (const [what, edit] of byHand) {
  t.test(`restores init containers after a manual edit: ${what}`, async (t) => {
    const own = withInit('a', 'b')
    const before = living(deployment, own)
    const { child } = converge(
      deployment,
      own,
      living(deployment, own, (child: Anything) => edit(child.spec.template.spec.initContainers)),
    )
    t.strictSame(initOf(child), initOf(before))
    t.not(paused(child), true)
  })
}

t.test('keeps an init container that an admission webhook adds', async (t) => {
  const own = withInit('a', 'b')
  const { child, answers } = converge(
    deployment,
    own,
    living(
      deployment,
      own,
      (child: Anything) =>
        child.spec.template.spec.initContainers.unshift({ name: 'mesh', image: 'mesh' }),
      'webhook',
    ),
  )
  t.equal(answers, 0)
  t.strictSame(namesOf(child), ['mesh', 'a', 'b'])
})

t.test('keeps a manually paused rollout paused during a repair', async (t) => {
  const observed = living(deployment, spec('A'), (child) => {
    child.spec.paused = true
    child.spec.template.spec.containers[0].env.unshift({ name: 'X' })
  })
  const { child, rolls } = converge(deployment, spec('A'), observed)
  t.strictSame(containersOf(child)[0]?.env, spec('A').env)
  t.strictSame({ paused: paused(child), rolls }, { paused: true, rolls: 0 })
})

t.test('keeps additions of an admission webhook and writes nothing', async (t) => {
  const inject = (child: Anything) => {
    child.spec.template.spec.containers[0].env.unshift({ name: 'INJECTED', value: '1' })
    child.spec.template.spec.containers.push({ name: 'sidecar', image: 'x' })
  }
  const { child, answers } = converge(
    deployment,
    spec('A'),
    living(deployment, spec('A'), inject, 'webhook'),
  )
  t.equal(answers, 0)
  t.equal(containersOf(child).length, 2)
})

t.test('restores an edited Service port and nothing else', async (t) => {
  const { service: observed } = {
    service: recorded('sync-service-port-edited-by-hand').children['Service.v1'][
      'default/demo-app'
    ],
  }
  const { child, answers } = converge(
    service,
    { image: 'nginx:1.29', port: 80 },
    observed as ObservedObject,
  )
  const { ports, clusterIP } = child.spec as { ports: unknown; clusterIP: string }
  t.strictSame(ports, [{ name: 'http', port: 80, targetPort: 80, protocol: 'TCP' }])
  t.equal(clusterIP, '10.106.181.187')
  t.equal(answers, 2)
})

t.test('returns the desired child under server-side apply', async (t) => {
  const observed = living(service, spec(), (child) => {
    child.spec.ports[0].port = 1
    delete child.metadata.annotations[lastAppliedAnnotation]
  })
  observed.metadata.managedFields = [
    {
      manager: 'metacontroller',
      operation: 'Apply',
      fieldsV1: { 'f:metadata': { 'f:ownerReferences': {} } },
    },
  ]
  t.strictSame(
    repairChild(desiredOf(service, spec()), observed, service.exactFields).answer,
    desiredOf(service, spec()),
  )
})

const envByHand = fc.uniqueArray(
  fc.oneof(
    fc.record({ name: fc.constantFrom('A', 'B', 'X', 'Y'), value: fc.constantFrom('1', '2') }),
    fc.record({
      name: fc.constantFrom('C', 'Z'),
      valueFrom: fc.constant({ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }),
    }),
  ),
  { selector: ({ name }) => name, maxLength: 5 },
)

const portsByHand = fc
  .uniqueArray(
    fc.record({
      containerPort: fc.constantFrom(80, 81, 8080),
      protocol: fc.constantFrom('TCP', 'UDP'),
    }),
    { selector: (port) => `${port.containerPort}${port.protocol}`, maxLength: 3 },
  )
  .map((ports) =>
    ports.map((port, index) => ({ ...port, name: ['http', 'other', 'third'][index] })),
  )

/**
 * Manual edits of a Deployment that the API server accepts. Without a repair, the API server would
 * refuse the next apply of the desired Deployment, or the pods would differ from the desired pods.
 */
const edits: Record<string, (edited: { spec: Anything; pods: Anything; app: Anything }) => void> = {
  'a different handler of each probe': ({ app }) => {
    for (const probe of probesOf(app)) {
      other(probe, {
        tcpSocket: { port: 1 },
        exec: { command: ['true'] },
        httpGet: { path: '/', port: 1, scheme: 'HTTP', httpHeaders: [{ name: 'X', value: '1' }] },
      })
    }
  },
  'different times of each probe': ({ app }) => {
    for (const probe of probesOf(app)) {
      Object.assign(probe, {
        timeoutSeconds: 9,
        periodSeconds: 10,
        initialDelaySeconds: 7,
        terminationGracePeriodSeconds: 3,
      })
    }
  },
  'a different preStop and a postStart': ({ app }) => {
    if (app.lifecycle) {
      app.lifecycle = {
        preStop: { exec: { command: ['true'] } },
        postStart: { exec: { command: ['true'] } },
      }
    }
  },
  'a shorter grace period': ({ app, pods }) => {
    app.lifecycle = { preStop: { sleep: { seconds: 1 } } }
    pods.terminationGracePeriodSeconds = 1
  },
  'a longer grace period': ({ app, pods }) => {
    app.lifecycle = { preStop: { sleep: { seconds: 50 } }, postStart: { sleep: { seconds: 1 } } }
    pods.terminationGracePeriodSeconds = 90
  },
  'a different strategy': ({ spec }) => {
    spec.strategy =
      spec.strategy.type === 'Recreate'
        ? { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } }
        : { type: 'Recreate' }
  },
  'a shorter progress deadline': ({ spec }) => {
    Object.assign(spec, { minReadySeconds: 1, progressDeadlineSeconds: 2 })
  },
  'a hostPath for each volume': ({ pods }) => {
    for (const volume of pods.volumes ?? []) other(volume, { hostPath: { path: '/x' } })
  },
  'more fields in each volume': ({ pods }) => {
    for (const { configMap, secret, emptyDir } of pods.volumes ?? []) {
      if (configMap ?? secret) {
        Object.assign(configMap ?? secret, {
          items: [...((configMap ?? secret).items ?? []), { key: 'stray', path: 'stray' }],
          defaultMode: 256,
        })
      }
      if (emptyDir) emptyDir.sizeLimit = '1Mi'
    }
  },
  'a different path of each file': ({ pods }) => {
    for (const { configMap, secret } of pods.volumes ?? []) {
      for (const item of (configMap ?? secret)?.items ?? []) item.path = 'other'
    }
  },
  'a different profile and users': ({ pods, app }) => {
    for (const holder of [pods, app]) {
      if (holder.securityContext) {
        Object.assign(holder.securityContext, {
          seccompProfile: { type: 'Localhost', localhostProfile: 'x' },
          runAsUser: 7,
        })
      }
    }
  },
  'all privileges of the container': ({ app }) => {
    if (app.securityContext) {
      Object.assign(app.securityContext, {
        privileged: true,
        allowPrivilegeEscalation: true,
        capabilities: { add: ['ALL'], drop: ['X'] },
      })
    }
  },
  'more memory': ({ app }) => {
    if (Object.keys(app.resources).length > 0) {
      app.resources = { limits: { memory: '999999Mi' }, requests: { memory: '999998Mi', cpu: '1' } }
    }
  },
  'another operating system': ({ pods }) => {
    pods.os = { name: 'windows' }
    delete pods.securityContext
    delete pods.nodeSelector
  },
  'resources of the whole pod': ({ pods }) => {
    pods.resources = { limits: { memory: '1Mi' } }
  },
  'a volume as a device': ({ pods, app }) => {
    if (pods.volumes) app.volumeDevices = [{ name: pods.volumes[0].name, devicePath: '/x' }]
  },
  'other nodes': ({ pods }) => {
    if (pods.nodeSelector) pods.nodeSelector.stray = 'x'
    if (pods.affinity) {
      pods.affinity.nodeAffinity = {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [] }],
        },
      }
    }
  },
  'other secrets': ({ pods }) => {
    if (pods.imagePullSecrets) pods.imagePullSecrets.push({ name: 'stray' })
  },
  'another container': ({ pods }) => {
    pods.containers.unshift({ name: 'sidecar', image: 'x' })
  },
  'another volume, mounted': ({ pods, app }) => {
    pods.volumes = [...(pods.volumes ?? []), { name: 'stray', emptyDir: {} }]
    app.volumeMounts = [
      ...(app.volumeMounts ?? []),
      { name: 'stray', mountPath: '/stray' },
      { name: 'stray', mountPath: '/stray/again' },
    ]
  },
}
const probesOf = (app: Anything) =>
  [app.startupProbe, app.readinessProbe, app.livenessProbe].filter(Boolean)
/** Replaces the handler of a probe or the source of a volume with the first one of another type. */
function other(holder: Anything, members: Record<string, unknown>): void {
  const [name, value] = Object.entries(members).find(([name]) => !(name in holder)) ?? [
    '',
    undefined,
  ]
  for (const member of ['httpGet', 'tcpSocket', 'grpc', 'exec', ...volumeSources]) {
    delete holder[member]
  }
  holder[name] = value
}

function edit(child: Anything, name: string): void {
  const pods = child.spec.template.spec
  edits[name]?.({
    spec: child.spec,
    pods,
    app: pods.containers.find(({ name }: { name: string }) => name === 'app'),
  })
}

const grown: MyAppSpec = {
  ...spec('A'),
  probes: { readiness: { httpGet: { path: '/ready' } }, liveness: { tcpSocket: {} } },
  volumes: [
    {
      name: 'files',
      mountPath: '/files',
      configMap: { name: 'files', items: [{ key: 'a', path: 'a' }] },
    },
    { name: 'cache', mountPath: '/cache', emptyDir: {} },
  ],
  resources: { limits: { memory: '128Mi' } },
  strategy: { type: 'Recreate' },
  nodeSelector: { os: 'linux' },
  imagePullSecrets: [{ name: 'registry' }],
}

for (const name of Object.keys(edits)) {
  t.test(`restores the Deployment after a manual edit: ${name}`, async (t) => {
    for (const image of ['nginx', 'nginx:2']) {
      const observed = living(deployment, grown, (child) => edit(child, name))
      const before = structuredClone(observed)
      const { child, answers, rolls } = converge(deployment, { ...grown, image }, observed)
      t.notSame(inOrder(before.spec), inOrder(child.spec), 'the API server stores the edit')
      t.strictSame(
        inOrder(child.spec),
        inOrder(
          stored(
            structuredClone(
              desiredOf(deployment, { ...grown, image }),
            ) as unknown as ObservedObject,
          ).spec,
        ),
      )
      t.equal(answers <= 2 && rolls <= 1, true, `${answers} answers, ${rolls} rolls`)
    }
  })
}

t.test('keeps additions to fields that the MyApp does not set', async (t) => {
  const observed = living(deployment, spec('A'), ({ spec }) => {
    const pods = spec.template.spec
    Object.assign(pods, {
      nodeSelector: { disk: 'ssd' },
      imagePullSecrets: [{ name: 'x' }],
      hostAliases: [{ ip: '::1' }],
    })
    Object.assign(pods.containers[0], {
      livenessProbe: { tcpSocket: { port: 1 }, periodSeconds: 3 },
      resources: { limits: { memory: '1Gi' } },
      stdin: true,
    })
  })
  t.equal(converge(deployment, spec('A'), observed).answers, 0)
})

t.test('keeps additions to unset fields after a pause of the MyApp', async (t) => {
  const observed = living(deployment, spec('A'), ({ spec }) => {
    Object.assign(spec.template.spec.containers[0], {
      image: 'evil',
      livenessProbe: { tcpSocket: { port: 1 } },
    })
  })
  const { child } = converge(deployment, spec('A'), apply(asObserved(observed), observed))
  t.match(containersOf(child)[0], { image: 'nginx', livenessProbe: { tcpSocket: { port: 1 } } })
})

t.test('the API server accepts the repair of handlers and of ports with one number', async (t) => {
  const observed = living(deployment, grown, (child) => {
    edit(child, 'a different handler of each probe')
    child.spec.template.spec.containers[0].ports = ['TCP', 'UDP'].map((protocol) => ({
      name: protocol.toLowerCase(),
      containerPort: 80,
      protocol,
    }))
  })
  const { child, answers } = converge(deployment, { ...grown, expose: false }, observed)
  t.strictSame({ ports: containersOf(child)[0]?.ports, answers }, { ports: undefined, answers: 2 })
})

t.test('keeps explicit values that equal a default of the API server', async (t) => {
  const observed = living(deployment, grown, ({ spec }) => {
    const pods = spec.template.spec
    for (const holder of [pods, pods.containers[0].readinessProbe, pods.volumes[0].configMap]) {
      for (const [field, value] of Object.entries(holder)) {
        if (typeof value === 'number') holder[field] = value + 1
      }
    }
  })
  const again = structuredClone(observed) as Anything
  const pods = again.spec.template.spec
  for (const holder of [pods, pods.containers[0].readinessProbe, pods.volumes[0].configMap]) {
    for (const [field, value] of Object.entries(holder)) {
      if (typeof value === 'number') holder[field] = value - 1
    }
  }
  again.metadata.managedFields = ownersAfter(
    again.metadata.managedFields,
    'kubectl-edit',
    edited,
    owned(observed),
    owned(again),
  )
  t.match(
    JSON.stringify(again.metadata.managedFields.at(-1)),
    /kubectl-edit.*f:timeoutSeconds/,
    'kubectl-edit owns the field',
  )
  t.equal(converge(deployment, grown, again).answers, 0)
})

const injections: Array<[what: string, inject: (pods: Anything) => void]> = [
  [
    'a node label',
    (pods) => {
      pods.nodeSelector = { ...pods.nodeSelector, pool: 'blue' }
    },
  ],
  [
    'a variable',
    ({ containers: [app] }) => {
      app.env = [
        { name: 'INJECTED', value: '1' },
        ...(app.env ?? []).filter(({ name }: { name: string }) => name !== 'INJECTED'),
      ]
    },
  ],
  [
    'a volume',
    (pods) => {
      pods.volumes = [
        ...pods.volumes.filter(({ name }: { name: string }) => name !== 'injected'),
        { name: 'injected', emptyDir: {} },
      ]
    },
  ],
]
for (const [what, inject] of injections) {
  t.test(`stops writing when a webhook always adds ${what}`, async (t) => {
    const webhook = (child: Anything) => inject(child.spec.template.spec)
    const { child, answers } = converge(
      deployment,
      grown,
      living(deployment, grown, webhook),
      webhook,
    )
    t.equal(answers <= 3, true, `${answers} answers`)
    t.equal(paused(child), false)
    const later = converge(deployment, { ...grown, image: 'nginx:2' }, child, webhook)
    t.equal(
      later.answers <= 3 && later.rolls === 1 && !paused(later.child),
      true,
      `${later.answers} answers, ${later.rolls} rolls`,
    )
  })
}

t.test('reverts an edit made in the same second as the last write', async (t) => {
  const observed = living(deployment, grown, (child) => edit(child, 'other nodes'))
  for (const owner of observed.metadata.managedFields ?? []) owner.time = created
  t.equal(converge(deployment, grown, observed).answers, 2)
})

t.test('ignores the order of volumes and does not leave the rollout paused', async (t) => {
  const { child, answers, rolls } = converge(
    deployment,
    { ...grown, volumes: (grown.volumes ?? []).toReversed() },
    living(deployment, grown),
  )
  t.equal(paused(child), false)
  t.strictSame({ answers, rolls }, { answers: 2, rolls: 1 }, 'the mounts are reordered')
})

t.test('reverts an older copy of the Deployment that a person restores', async (t) => {
  const observed = living(deployment, grown, (child) => {
    edit(child, 'a different handler of each probe')
    child.metadata.annotations[lastAppliedAnnotation] = JSON.stringify({
      ...desiredOf(deployment, grown),
      older: true,
    })
  })
  t.equal(converge(deployment, grown, observed).answers <= 3, true)
})

/** A spec without equal keys in a list: the merge cannot distinguish items with the same key. */
const mergeable = arbitrary.grownSpec
  .map((spec) => structuredClone(spec))
  .filter(({ volumes = [], imagePullSecrets = [] }) =>
    [
      imagePullSecrets.map(({ name }) => name),
      ...volumes.map(({ configMap, secret }) =>
        ((configMap ?? secret)?.items ?? []).map(({ path }) => path),
      ),
    ].every((keys) => new Set(keys).size === keys.length),
  )

/** The spec of a Deployment with its unordered lists sorted, without the metadata of the pods. */
function inOrder(spec: Anything): unknown {
  const sorted = structuredClone(spec)
  const pods = sorted.template.spec
  const by = (key: string) => (a: Anything, b: Anything) => (a[key] < b[key] ? -1 : 1)
  for (const list of [pods.volumes, pods.imagePullSecrets]) list?.sort(by('name'))
  for (const { configMap, secret, downwardAPI } of pods.volumes ?? []) {
    ;(configMap ?? secret ?? downwardAPI)?.items?.sort(by('path'))
  }
  delete sorted.template.metadata
  return sorted
}

t.test(
  'makes any Deployment exactly as desired in at most three answers and one rollout',
  async () => {
    fc.assert(
      fc.property(
        mergeable,
        mergeable,
        fc.option(fc.tuple(envByHand, portsByHand)),
        fc.subarray(Object.keys(edits), { maxLength: 6 }),
        fc.constantFrom('kept', 'kept', 'none', 'without lists'),
        (before, after, lists, names, copy) => {
          // Without the record of the last apply, the fields of an earlier spec are unknown.
          const observed = living(deployment, copy === 'kept' ? before : after, (child) => {
            const { containers } = child.spec.template.spec
            if (lists) Object.assign(containers[0], { env: lists[0], ports: lists[1] })
            for (const name of names) edit(child, name)
            if (copy === 'none') delete child.metadata.annotations[lastAppliedAnnotation]
            if (copy === 'without lists') {
              child.metadata.annotations[lastAppliedAnnotation] = JSON.stringify({
                kind: 'Deployment',
                metadata: { name: 'demo-app' },
                spec: {},
              })
            }
          })
          const desired = stored(
            structuredClone(desiredOf(deployment, after)) as unknown as ObservedObject,
          )
          const { answers, rolls, child } = converge(deployment, after, observed)
          if (answers > 3 || rolls > 1) throw new Error(`${answers} answers, ${rolls} rolls`)
          if (!isDeepStrictEqual(inOrder(child.spec), inOrder(desired.spec))) {
            throw new Error(
              [
                'ended as',
                JSON.stringify(inOrder(child.spec)),
                'instead of',
                JSON.stringify(inOrder(desired.spec)),
              ].join(' '),
            )
          }
        },
      ),
      { numRuns: 150 },
    )
  },
)

const servicePortsByHand = fc
  .uniqueArray(
    fc.record({
      port: fc.constantFrom(80, 81, 8080),
      protocol: fc.constantFrom('TCP', 'UDP'),
      targetPort: fc.constantFrom(80, 8080),
    }),
    { selector: (port) => `${port.port}${port.protocol}`, minLength: 1, maxLength: 3 },
  )
  .chain((ports) =>
    fc
      .shuffledSubarray(['http', 'other', 'third'], {
        minLength: ports.length,
        maxLength: ports.length,
      })
      .map((names) => ports.map((port, index) => ({ ...port, name: names[index] }))),
  )

/** A MyApp with one or two ports in its Service. */
const portsOfSpec = fc
  .record({
    servicePort: fc.constantFrom(80, 81, 8080),
    others: fc.constantFrom([], [9090], [9091]),
  })
  .map(({ servicePort, others }): MyAppSpec => ({
    image: 'nginx',
    port: 8080,
    servicePort,
    ports: others.map((servicePort) => ({ name: 'other', port: 9090, servicePort })),
  }))

/** The spec of a Service with its ports by name: their order has no meaning. */
function byPortName(child: { spec?: unknown }): object {
  const { ports, ...rest } = child.spec as { ports: Array<{ name: string }> }
  return { ...rest, ports: Object.fromEntries(ports.map((port) => [port.name, port])) }
}

/**
 * Whether two ports have the same number, one with TCP and one with UDP, and both have names that
 * the MyApp uses. The merge uses the number as the key, so the API server refuses every answer.
 */
function areMixed(ports: Array<{ port: number; name?: string | undefined }>): boolean {
  const numbers = ports.filter(({ name }) => name !== 'third').map(({ port }) => port)
  return new Set(numbers).size < numbers.length
}

t.test('makes any Service exactly as desired in at most three answers', async (t) => {
  fc.assert(
    fc.property(
      portsOfSpec,
      portsOfSpec,
      servicePortsByHand,
      fc.dictionary(fc.constantFrom('app', 'x', 'y'), fc.constantFrom('demo-app', '1')),
      fc.boolean(),
      (before, after, ports, selector, copy) => {
        fc.pre(!areMixed(ports))
        const observed = living(service, before, (child) => {
          Object.assign(child.spec, { ports, selector })
          if (!copy) delete child.metadata.annotations[lastAppliedAnnotation]
        })
        const { answers, child } = converge(service, after, observed)
        t.equal(answers <= 3, true, `${answers} answers`)
        t.strictSame(byPortName(child), byPortName(desiredOf(service, after)))
      },
    ),
    { numRuns: 500 },
  )
})

t.test('removes a sidecar of the MyApp together with a foreign sidecar', async (t) => {
  const withSidecars = (...names: string[]): MyAppSpec => ({
    ...spec(),
    sidecars: names.map((name) => ({ name, image: name })),
  })
  const observed = living(deployment, withSidecars('proxy', 'log'), (child) => {
    child.spec.template.spec.initContainers.push({ name: 'stray', image: 'stray' })
  })
  const { child, answers } = converge(deployment, withSidecars('log'), observed)
  t.strictSame(namesOf(child), ['log'])
  t.equal(answers, 2)
})

t.test('changes the number of one of two Service ports in one answer', async (t) => {
  fc.assert(
    fc.property(portsOfSpec, portsOfSpec, (before, after) => {
      const { answers, child } = converge(service, after, living(service, before))
      t.ok(answers <= 1, `${answers} answers`)
      t.strictSame(byPortName(child), byPortName(desiredOf(service, after)))
    }),
  )
})

t.test('restores the bound and selector of a PodDisruptionBudget in two answers', async (t) => {
  const observed = living(podDisruptionBudget, spec(), (child) => {
    child.spec = {
      minAvailable: 2,
      selector: {
        matchLabels: { ...child.spec.selector.matchLabels, stray: 'x' },
        matchExpressions: [{ key: 'a', operator: 'Exists' }],
      },
    }
  })
  const { child, answers } = converge(podDisruptionBudget, spec(), observed)
  t.strictSame(child.spec, desiredOf(podDisruptionBudget, spec()).spec)
  t.equal(answers, 2)
})

t.test('closes a manually opened NetworkPolicy in two answers', async (t) => {
  const closed: MyAppSpec = { ...spec(), networkPolicy: { from: [] } }
  const observed = living(networkPolicy, closed, (child) => {
    Object.assign(child.spec, {
      ingress: [{}],
      podSelector: { matchLabels: { ...child.spec.podSelector.matchLabels, stray: 'x' } },
    })
  })
  const { child, answers } = converge(networkPolicy, closed, observed)
  t.strictSame(child.spec, desiredOf(networkPolicy, closed).spec)
  t.equal(answers, 2)
})

t.test('removes foreign Gateways and host names of an HTTPRoute', async (t) => {
  const withGateways = (...names: string[]): MyAppSpec => ({
    ...spec(),
    gateway: { parentRefs: names.map((name) => ({ name })) },
  })
  const observed = living(httpRoute, withGateways('a', 'b'), (child) => {
    child.spec.parentRefs = [
      { name: 'stray', sectionName: 'x' },
      ...child.spec.parentRefs.toReversed(),
    ]
    child.spec.hostnames = ['stray.example.com']
  })
  const { child, answers } = converge(httpRoute, withGateways('a', 'b', 'c'), observed)
  const { parentRefs, hostnames } = child.spec as {
    parentRefs: Array<{ name: string }>
    hostnames: unknown
  }
  t.strictSame(
    { names: parentRefs.map(({ name }) => name), hostnames, answers },
    { names: ['b', 'a', 'c'], hostnames: undefined, answers: 2 },
  )
})
