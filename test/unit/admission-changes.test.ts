import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { desiredDigestAnnotation } from '../../src/metacontroller/admission-changes.ts'
import {
  type KubernetesObject,
  lastAppliedAnnotation,
  type ObservedObject,
} from '../../src/metacontroller/protocol.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import { childrenIn } from '../../src/myapp/request.ts'
import { sync } from '../../src/myapp/sync.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { context } from '../support/fixtures/context.ts'
import {
  apply,
  created,
  desiredOf,
  edited,
  living,
  owned,
  stored,
} from '../support/fixtures/converging.ts'
import { appliedLast, requestWith } from '../support/fixtures/every-child.ts'
import { ownersAfter } from '../support/fixtures/field-owners.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const spec: MyAppSpec = {
  image: 'nginx:1',
  replicas: 3,
  expose: false,
  probes: { readiness: { tcpSocket: { port: 8080 } } },
  imagePullPolicy: 'IfNotPresent',
  terminationGracePeriodSeconds: 20,
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi', cpu: '2' } },
  nodeSelector: { pool: 'fast' },
  priorityClassName: 'high',
  hostAliases: [{ ip: '192.0.2.1', hostnames: ['a'] }],
  env: [{ name: 'TOKEN', value: 'hunter2' }],
  args: ['--token=hunter2'],
  tolerations: [{ key: 'pool', operator: 'Exists' }],
  volumes: [{ name: 'cache', mountPath: '/cache', emptyDir: { sizeLimit: '2Gi' } }],
}

interface Pods {
  template: Anything
  pods: Anything
  app: Anything
}
type Policy = (pods: Pods) => void

const podsOf = (child: ObservedObject): Pods => {
  const { template } = child.spec as Anything
  const pods = template.spec
  return {
    template,
    pods,
    app: pods.containers.find(({ name }: { name: string }) => name === 'app'),
  }
}
const inPods = 'spec.template.spec'
const inApp = `${inPods}.containers[app]`

/** Changes by admission policies, and the change that the status reports. */
const policies: Record<string, { change: Policy; reports: string }> = {
  'a policy raises requests': {
    change: ({ app }) => Object.assign(app.resources.requests, { cpu: '250m' }),
    reports: `${inApp}.resources.requests.cpu: the MyApp sets 100m, admission changes it to 250m`,
  },
  'a policy redirects the image to a mirror': {
    change: ({ app }) => {
      app.image = `mirror.example.com/${app.image.replace('mirror.example.com/', '')}`
    },
    reports:
      `${inApp}.image: the MyApp sets nginx:1, admission changes it to ` +
      'mirror.example.com/nginx:1',
  },
  'a policy pins the image to a digest': {
    change: ({ app }) => {
      app.image = `${app.image.split('@')[0]}@sha256:0123`
    },
    reports: `${inApp}.image: the MyApp sets nginx:1, admission changes it to nginx:1@sha256:0123`,
  },
  'a policy forces the pull policy': {
    change: ({ app }) => {
      app.imagePullPolicy = 'Always'
    },
    reports:
      `${inApp}.imagePullPolicy: ` + 'the MyApp sets IfNotPresent, admission changes it to Always',
  },
  'a policy raises the grace period': {
    change: ({ pods }) => {
      pods.terminationGracePeriodSeconds = 90
    },
    reports:
      `${inPods}.terminationGracePeriodSeconds: ` + 'the MyApp sets 20, admission changes it to 90',
  },
  'a policy replaces a toleration': {
    change: ({ pods }) => {
      pods.tolerations = [{ key: 'other', operator: 'Exists' }]
    },
    reports:
      `${inPods}.tolerations: the MyApp sets [{"key":"pool","operator":"Exists"}], admission ` +
      'changes it to [{"key":"other","operator":"Exists"}]',
  },
  'a policy adds a toleration': {
    change: ({ pods }) => {
      if (pods.tolerations.length === 1) pods.tolerations.push({ key: 'b', operator: 'Exists' })
    },
    reports:
      `${inPods}.tolerations: the MyApp sets [{"key":"pool","operator":"Exists"}], admission ` +
      'changes it to [{"key":"pool","operator":"Exists"},{"key":"b","operator":"Exists"}]',
  },
  'a policy lowers limits': {
    change: ({ app }) => Object.assign(app.resources.limits, { memory: '96Mi' }),
    reports: `${inApp}.resources.limits.memory: the MyApp sets 128Mi, admission changes it to 96Mi`,
  },
  'a policy forces a node pool': {
    change: ({ pods }) => {
      pods.nodeSelector = { pool: 'shared' }
    },
    reports: `${inPods}.nodeSelector.pool: the MyApp sets fast, admission changes it to shared`,
  },
  'a policy lowers the priority': {
    change: ({ pods }) => {
      pods.priorityClassName = 'low'
    },
    reports: `${inPods}.priorityClassName: the MyApp sets high, admission changes it to low`,
  },
  'a policy allows privilege escalation': {
    change: ({ app }) => Object.assign(app.securityContext, { allowPrivilegeEscalation: true }),
    reports:
      `${inApp}.securityContext.allowPrivilegeEscalation: ` +
      'the MyApp sets false, admission changes it to true',
  },
  'a policy lowers the limit of a volume': {
    change: ({ pods }) => {
      pods.volumes[0].emptyDir = { sizeLimit: '1Gi' }
    },
    reports:
      `${inPods}.volumes[cache].emptyDir.sizeLimit: ` +
      'the MyApp sets 2Gi, admission changes it to 1Gi',
  },
  'a policy changes the port of a probe': {
    change: ({ app }) => {
      app.readinessProbe.tcpSocket.port = 9
    },
    reports:
      `${inApp}.readinessProbe.tcpSocket.port: ` + 'the MyApp sets 8080, admission changes it to 9',
  },
}

/** Additions that do not conflict with the MyApp. */
const additions: Record<string, Policy> = {
  'a policy injects a sidecar': ({ pods }) => {
    if (pods.containers.length === 1) pods.containers.push({ name: 'proxy', image: 'envoy' })
  },
  'a policy injects a sidecar first': ({ pods }) => {
    if (pods.containers.length === 1) pods.containers.unshift({ name: 'proxy', image: 'envoy' })
  },
  'a policy injects a native sidecar': ({ pods }) => {
    pods.initContainers ??= [{ name: 'proxy', image: 'envoy', restartPolicy: 'Always' }]
  },
  'a policy injects variables': ({ app }) => {
    if (app.env.length === 1) app.env.push({ name: 'HTTP_PROXY', value: 'http://proxy' })
  },
  'a policy injects variables first': ({ app }) => {
    if (app.env.length === 1) app.env.unshift({ name: 'HTTP_PROXY', value: 'http://proxy' })
  },
  'a policy injects a volume': ({ pods, app }) => {
    if (pods.volumes.length > 1) return
    pods.volumes.push({ name: 'ca', configMap: { name: 'ca', defaultMode: 420 } })
    app.volumeMounts.push({ name: 'ca', mountPath: '/ca' })
  },
  'a policy adds pull secrets': ({ pods }) => {
    pods.imagePullSecrets ??= [{ name: 'mirror' }]
  },
  'a policy adds a default resource': ({ app }) => {
    app.resources.limits['ephemeral-storage'] ??= '1Gi'
  },
  'a policy adds labels and annotations': ({ template }) => {
    template.metadata.labels.team ??= 'shop'
    template.metadata.annotations = { ...template.metadata.annotations, injected: 'true' }
  },
}

type Strategy = 'dynamic-apply' | 'server-side-apply'
const strategies: Strategy[] = ['dynamic-apply', 'server-side-apply']

/** The Deployment of a MyApp in a cluster with an admission policy. */
class Child {
  writes = 0
  readonly policy: Policy
  readonly strategy: Strategy
  observed: ObservedObject

  constructor(policy: Policy, strategy: Strategy) {
    this.policy = policy
    this.strategy = strategy
    this.observed = living(deployment, spec)
    if (strategy === 'server-side-apply') forgetRecord(this.observed, desiredOf(deployment, spec))
    policy(podsOf(this.observed))
    this.observed.metadata.generation = 1
  }

  /** Syncs until the child stops changing, and returns the last status. */
  settle(mySpec: MyAppSpec = spec) {
    for (let answers = 0; answers < 5; answers++) {
      const { children, status } = this.once(mySpec)
      const next = this.#applied(children[0] as KubernetesObject)
      if (isDeepStrictEqual(next, structuredClone(this.observed))) return status
      this.observed = next
      this.writes += 1
    }
    throw new Error('the child never stops changing')
  }

  edit(edit: Policy): void {
    const before = owned(this.observed)
    const { generation = 0 } = this.observed.metadata
    edit(podsOf(this.observed))
    this.observed.metadata.generation = generation + 1
    this.observed.metadata.managedFields = ownersAfter(
      this.observed.metadata.managedFields ?? [],
      'kubectl-edit',
      edited,
      before,
      owned(stored(this.observed)),
    )
  }

  once(mySpec: MyAppSpec = spec) {
    const request = recorded('sync-running')
    request.parent.spec = mySpec
    request.children['Service.v1'] = {}
    const [running] = Object.values(request.children['Deployment.apps/v1'])
    const { generation } = this.observed.metadata
    Object.assign(this.observed, {
      status: { ...running?.status, observedGeneration: generation },
    })
    request.children['Deployment.apps/v1'] = {
      'default/demo-app': structuredClone(this.observed) as Anything,
    }
    return sync(request, context)
  }

  /** The API server records owners before admission changes the object. */
  #applied(answer: KubernetesObject): ObservedObject {
    let noted: unknown
    const applied = apply(answer, this.observed, (child) => {
      noted = owned(child)
      this.policy(podsOf(child))
    })
    const owners = ownersAfter(
      this.observed.metadata.managedFields ?? [],
      'metacontroller',
      edited,
      owned(this.observed),
      noted as object,
    )
    applied.metadata.managedFields = owners
    const { generation = 0 } = this.observed.metadata
    const isChanged = !isDeepStrictEqual(applied.spec, this.observed.spec)
    applied.metadata.generation = isChanged ? generation + 1 : generation
    if (this.strategy === 'server-side-apply') forgetRecord(applied, answer)
    return applied
  }
}

/** Replaces the record of dynamic apply with a server-side apply entry that owns the answer. */
function forgetRecord({ metadata }: ObservedObject, answer: object): void {
  delete metadata.annotations?.[lastAppliedAnnotation]
  const applied = structuredClone(answer) as ObservedObject
  applied.metadata.ownerReferences = [{ uid: 'parent' }]
  const [entry] = ownersAfter([], 'metacontroller', created, {}, owned(applied))
  metadata.managedFields = [
    { ...entry, operation: 'Apply' },
    ...(metadata.managedFields ?? []).filter(({ manager }) => manager !== 'metacontroller'),
  ]
}

type Status = ReturnType<Child['settle']>
const changed = ({ conditions = [] }: Status) =>
  conditions.find(({ type }) => type === 'AdmissionChanged')?.message

for (const strategy of strategies) {
  for (const [what, { change, reports }] of Object.entries(policies)) {
    t.test(`stays Ready and reports when ${what}, ${strategy}`, async (t) => {
      const child = new Child(change, strategy)
      const status = child.settle()
      t.match(status, { phase: 'Running' })
      t.match(changed(status), reports)
      t.ok(child.writes <= 2, `${child.writes} writes`)

      child.writes = 0
      const later = child.settle({ ...spec, image: 'nginx:2', minReadySeconds: 5 })
      t.match(later, { phase: 'Running' })
      t.match((child.observed.spec as Anything).minReadySeconds, 5, 'a later change is applied')
      t.match(podsOf(child.observed).app.image, 'nginx:2')
      t.ok(child.writes <= 3, `${child.writes} writes for one change`)
    })
  }

  for (const [what, change] of Object.entries(additions)) {
    t.test(`reports nothing when ${what}, ${strategy}`, async (t) => {
      const child = new Child(change, strategy)
      const status = child.settle()
      t.strictSame([status.phase, changed(status)], ['Running', undefined])
      t.ok(child.writes <= 1, `${child.writes} writes`)
    })
  }

  t.test(`keeps a node label that a policy adds, ${strategy}`, async (t) => {
    const child = new Child(({ pods }) => {
      pods.nodeSelector = { 'kubernetes.io/arch': 'arm64', ...pods.nodeSelector }
    }, strategy)
    t.match(child.settle(), { phase: 'Running' })
    t.ok(child.writes <= 2, `${child.writes} writes`)
    child.settle({ ...spec, nodeSelector: { pool: 'slow' } })
    t.strictSame(podsOf(child.observed).pods.nodeSelector, {
      'kubernetes.io/arch': 'arm64',
      pool: 'slow',
    })
  })

  t.test(`restores a field that a person removes, ${strategy}`, async (t) => {
    const raisesGrace = policies['a policy raises the grace period']?.change ?? (() => {})
    for (const policy of [() => {}, raisesGrace]) {
      const child = new Child(policy, strategy)
      for (const time of ['first', 'second']) {
        child.settle()
        child.edit(({ app, pods }) => {
          delete app.resources.requests.memory
          delete pods.hostAliases
        })
        t.match(child.settle(), { phase: 'Running' }, time)
        t.equal(podsOf(child.observed).app.resources.requests.memory, '64Mi', time)
        t.strictSame(podsOf(child.observed).pods.hostAliases, spec.hostAliases, time)
      }
    }
  })

  t.test(`names a field that a policy removes, and stops writing, ${strategy}`, async (t) => {
    const child = new Child(({ app }) => {
      delete app.resources.limits.cpu
    }, strategy)
    const { phase, message } = child.settle()
    t.equal(phase, 'Pending')
    t.match(message, `to match the spec: ${inApp}.resources.limits.cpu`)
    t.ok(child.writes <= 1, `${child.writes} writes`)
  })

  t.test(`reverts a manual change in a cluster with a policy, ${strategy}`, async (t) => {
    const child = new Child(({ pods }) => {
      pods.terminationGracePeriodSeconds = 90
    }, strategy)
    child.settle()
    child.edit(({ app }) => {
      app.image = 'evil'
    })
    const status = child.settle()
    t.equal(podsOf(child.observed).app.image, 'nginx:1')
    t.match(status, { phase: 'Running' })
  })

  t.test(`never reports values that can be secret, ${strategy}`, async (t) => {
    for (const change of [
      ({ app }: Pods) => Object.assign(app.env[0], { value: 'other' }),
      ({ app }: Pods) => Object.assign(app, { args: ['other'] }),
    ]) {
      const child = new Child(change, strategy)
      const { children, status } = child.once()
      t.equal(status.phase, 'Pending')
      t.match(
        status.message,
        /^Updating Deployment demo-app .*: spec\.template\.spec\.containers\[app\]\.(env|args)/,
      )
      t.notMatch(JSON.stringify(status), /hunter2/)
      const annotation = children[0]?.metadata.annotations?.[desiredDigestAnnotation]
      t.equal(annotation, undefined)
    }
  })
}

t.test('answers a child without a spec that has the annotation', async (t) => {
  const request = requestWith(['Deployment', 'Service', 'ServiceAccount'])
  const kind = 'ServiceAccount'
  const account = childrenIn(request, `${kind}.v1`)?.['default/demo-app'] as ObservedObject
  Object.assign(account.metadata.annotations ?? {}, { [desiredDigestAnnotation]: 'x' })
  const answer = sync(request, context).children.find((child) => child.kind === kind)
  t.strictSame(answer, appliedLast(kind))
})

t.test('adds no annotation without a policy', async (t) => {
  const child = new Child(() => {}, 'server-side-apply')
  child.settle()
  t.equal(child.observed.metadata.annotations?.[desiredDigestAnnotation], undefined)
})
