import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { parse } from 'yaml'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { validate } from '../../src/api/validate.ts'
import { translate } from '../../src/cli/translate.ts'
import { differences } from '../../src/metacontroller/compare.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import { service } from '../../src/myapp/children/service.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import * as arbitrary from '../support/fixtures/arbitrary.ts'
import { exampleSpecs } from '../support/fixtures/examples.ts'

const children = (spec: MyAppSpec) =>
  [deployment, service].map(
    ({ desired }) => desired({ name: 'shop', namespace: 'default', spec })[0]?.spec,
  )

/** A Deployment as a team writes it, with the defaults of the API server. */
const live = {
  replicas: 2,
  revisionHistoryLimit: 10,
  progressDeadlineSeconds: 600,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  selector: { matchLabels: { 'app.kubernetes.io/name': 'shop' } },
  template: {
    metadata: {
      labels: { 'app.kubernetes.io/name': 'shop', tier: 'web' },
      annotations: { 'kubectl.kubernetes.io/restartedAt': 'now', note: 'x' },
    },
    spec: {
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 60,
      serviceAccountName: 'robot',
      serviceAccount: 'robot',
      securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 },
      initContainers: [
        {
          name: 'migrate',
          image: 'shop:1',
          imagePullPolicy: 'IfNotPresent',
          command: ['migrate'],
          env: [{ name: 'DB', value: 'postgres' }],
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      containers: [
        { name: 'proxy', image: 'proxy:1', imagePullPolicy: 'IfNotPresent', resources: {} },
        {
          name: 'shop',
          image: 'shop:1',
          imagePullPolicy: 'IfNotPresent',
          env: [
            { name: 'DB', value: 'postgres' },
            {
              name: 'POD',
              valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } },
            },
          ],
          ports: [
            { name: 'admin', containerPort: 9090, protocol: 'TCP' },
            { name: 'web', containerPort: 8080, protocol: 'TCP' },
          ],
          readinessProbe: {
            httpGet: { path: '/ready', port: 'web', scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          lifecycle: { preStop: { exec: { command: ['sh', '-c', 'sleep 20'] } } },
          resources: { limits: { memory: '128Mi', 'nvidia.com/gpu': '1' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'data', mountPath: '/a', subPath: 'a' },
            { name: 'data', mountPath: '/b', subPath: 'b' },
            { name: 'config', mountPath: '/config' },
          ],
        },
      ],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'config', configMap: { name: 'shop', defaultMode: 420 } },
      ],
    },
  },
}
const liveService = { ports: [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }] }

t.test('translates a Deployment with ports, init, sidecars, volumes and security', async (t) => {
  const { spec, untranslated } = translate('shop', live, liveService)
  const claim = { persistentVolumeClaim: { claimName: 'data', accessMode: 'ReadWriteMany' } }
  t.strictSame(spec, {
    image: 'shop:1',
    replicas: 2,
    port: 8080,
    servicePort: 80,
    ports: [{ name: 'admin', port: 9090, expose: false }],
    env: [
      { name: 'DB', value: 'postgres' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    resources: { limits: { memory: '128Mi' }, extended: { 'nvidia.com/gpu': 1 } },
    probes: { readiness: { httpGet: { path: '/ready', port: 8080 } } },
    drainSeconds: 20,
    terminationGracePeriodSeconds: 60,
    serviceAccountName: 'robot',
    automountServiceAccountToken: true,
    runAsUser: 1000,
    fsGroup: 1000,
    podSecurity: 'Restricted',
    volumes: [
      { name: 'data', mountPath: '/a', subPath: 'a', ...claim },
      { name: 'data-2', mountPath: '/b', subPath: 'b', ...claim },
      { name: 'config', mountPath: '/config', configMap: { name: 'shop' } },
    ],
    init: [
      {
        name: 'migrate',
        command: ['migrate'],
        env: [{ name: 'DB', value: 'postgres' }],
        resources: {},
        volumeMounts: [],
      },
    ],
    sidecars: [{ name: 'proxy', image: 'proxy:1', env: [], resources: {}, volumeMounts: [] }],
    podLabels: { tier: 'web' },
    podAnnotations: { note: 'x' },
  })
  t.strictSame(untranslated, [])
  t.strictSame(validate({ metadata: { name: 'shop' }, spec }), [])
})

const losses: Array<[change: (pod: Anything, app: Anything) => void, named: string]> = [
  [(pod) => pod.volumes.push({ name: 'node', hostPath: { path: '/x' } }), 'volume node'],
  [(pod) => pod.volumes.push({ name: 'etc', downwardAPI: { items: [] } }), 'volume etc'],
  [(_pod, app) => (app.volumeMounts[0].subPathExpr = '$(POD)'), 'volume data'],
  [(pod) => (pod.hostNetwork = true), 'spec.hostNetwork'],
  [(pod) => (pod.shareProcessNamespace = true), 'spec.shareProcessNamespace'],
  [(_pod, app) => (app.ports[0].hostPort = 80), 'port 9090'],
  [(_pod, app) => (app.tty = true), 'spec.containers[app].tty'],
  [
    (_pod, app) => (app.lifecycle = { preStop: { exec: { command: ['nginx', '-s', 'quit'] } } }),
    'spec.containers[app].lifecycle.preStop.exec',
  ],
  [
    (pod) => (pod.initContainers[0].securityContext = { runAsUser: 0 }),
    'spec.initContainers[migrate].securityContext.runAsUser',
  ],
  [
    (pod) => (pod.containers[0].lifecycle = { preStop: { sleep: { seconds: 5 } } }),
    'spec.initContainers[proxy].lifecycle',
  ],
  [
    (pod) => (pod.containers[0].ports = [{ containerPort: 9901 }]),
    'spec.initContainers[proxy].ports',
  ],
  [
    (pod) => {
      pod.volumes.push({ name: 'cache', emptyDir: {} })
      pod.containers[0].volumeMounts = [{ name: 'cache', mountPath: '/cache' }]
    },
    'volume cache without a mount in the app',
  ],
  [
    (_pod, app) => app.ports.push({ name: 'web-udp', containerPort: 8080, protocol: 'UDP' }),
    'port 8080/UDP',
  ],
  [(_pod, app) => (app.readinessProbe.terminationGracePeriodSeconds = 5), 'probes'],
]
t.test('names each part that a MyApp cannot have', async (t) => {
  for (const [change, named] of losses) {
    const copy = structuredClone(live)
    change(copy.template.spec, copy.template.spec.containers[1])
    const { spec, untranslated } = translate('shop', copy, liveService)
    t.ok(untranslated.includes(named), `${named}: ${untranslated.join()}`)
    t.strictSame(validate({ metadata: { name: 'shop' }, spec }), [], named)
  }
  t.strictSame(
    translate('shop', live, { ports: [{ name: 'web', port: 80, targetPort: 'web' }] }).untranslated,
    ['port name web'],
  )
  const dns = ['UDP', 'TCP'].map((protocol) => ({ name: `dns-${protocol}`, port: 8080, protocol }))
  t.strictSame(
    translate('shop', live, { ports: dns }).untranslated.filter((part) => part.includes('/')),
    ['port 8080/TCP'],
  )
})

t.test('keeps entries of maps that have the name of a field or of a label', async (t) => {
  const entries = {
    ...{ app: 'a', 'managed-by': 'b', selector: 'c', serviceAccount: 'd' },
    ...{ creationTimestamp: 'e', 'pod-template-hash': 'f', scheme: 'HTTP' },
  }
  const affinity = {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: entries }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  }
  const csi = { driver: 'example.com', volumeAttributes: entries }
  const copy: Anything = structuredClone(live)
  const { metadata, spec: pod } = copy.template
  metadata.annotations = entries
  Object.assign(metadata.labels, { selector: 'c', serviceAccount: 'd', creationTimestamp: 'e' })
  Object.assign(pod, { nodeSelector: entries, affinity })
  pod.volumes.push({ name: 'secrets', csi })
  pod.containers[1].volumeMounts.push({ name: 'secrets', mountPath: '/secrets' })
  const { spec, untranslated } = translate('shop', copy, liveService)
  t.strictSame(untranslated, [])
  t.strictSame(spec['podAnnotations'], entries)
  t.strictSame(spec['podLabels'], {
    ...{ tier: 'web', selector: 'c', serviceAccount: 'd', creationTimestamp: 'e' },
  })
  t.strictSame(spec['nodeSelector'], entries)
  t.strictSame(spec['affinity'], affinity)
  t.match(spec['volumes'], [{}, {}, {}, { csi }])
})

t.test('leaves out labels and annotations that a MyApp does not need', async (t) => {
  const copy: Anything = structuredClone(live)
  Object.assign(copy.template.metadata.labels, {
    ...{ app: 'shop', 'managed-by': 'myapp-operator', 'pod-template-hash': 'f' },
  })
  Object.assign(copy.template.metadata.annotations, {
    'example.com/config-digest': 'a',
    'kubectl.kubernetes.io/default-container': 'shop',
  })
  const { spec, untranslated } = translate('shop', copy, liveService)
  t.strictSame(untranslated, [])
  t.strictSame(spec['podLabels'], { tier: 'web' })
  t.strictSame(spec['podAnnotations'], { note: 'x' })
})

t.test('examples/operator.yaml gives the same pods as the Deployment manifest', async (t) => {
  const read = (path: string): Anything =>
    parse(readFileSync(new URL(`../../manifests/${path}`, import.meta.url), 'utf8'))
  const [expert, service] = [read('deployment.yaml'), read('service.yaml')]
  const [expected] = children(
    translate('myapp-operator', expert.spec, service.spec).spec as MyAppSpec,
  )
  const [found, foundService] = children(read('examples/operator.yaml').spec) as Anything[]
  const withoutOwn = (spec: Anything) => {
    const copy = structuredClone(spec)
    const { template } = copy
    const [app] = template.spec.containers
    delete app.image
    // The names of the container and of the ServiceAccount differ.
    app.env = app.env.filter(({ name }: Anything) => name !== 'POD_RESOURCE_ATTRIBUTES')
    delete template.spec.serviceAccountName
    delete template.spec.serviceAccount
    delete template.metadata.labels['app.kubernetes.io/version']
    return copy
  }
  t.strictSame(withoutOwn(found), withoutOwn(expected))
  t.match(foundService.ports, [{ port: 443, targetPort: 8443 }])
})

t.test('translates every field of the pods of every example', async (t) => {
  // Pods get `files` from annotations by a downwardAPI volume, which is not translated.
  const ofFiles = ['volume files', 'podAnnotations', 'metadata.annotations']
  for (const spec of exampleSpecs) {
    const [deploymentSpec, serviceSpec] = children(spec)
    const { untranslated } = translate('shop', deploymentSpec, serviceSpec)
    t.strictSame(
      untranslated.filter((part) => spec.files === undefined || !ofFiles.includes(part)),
      [],
      'a new field needs a line in src/cli/translate.ts',
    )
  }
})

t.test('any Deployment of a MyApp is translated without loss, or the loss is named', async () => {
  fc.assert(
    fc.property(arbitrary.grownSpec, (grown) => {
      const [deploymentSpec, serviceSpec] = children(grown)
      const { spec, untranslated } = translate('shop', deploymentSpec, serviceSpec)
      if (validate({ metadata: { name: 'shop' }, spec }).length > 0) {
        throw new Error(`invalid: ${JSON.stringify(spec)}`)
      }
      const [again, serviceAgain] = children(spec as MyAppSpec)
      // The API server sets these defaults itself.
      const isDefault = /\.(imagePullPolicy|defaultMode|dnsPolicy)$/
      const lost = differences(again, deploymentSpec).filter((path) => !isDefault.test(path))
      if (untranslated.length === 0 && lost.length > 0) {
        throw new Error(`lost: ${lost.join()} of ${JSON.stringify(spec)}`)
      }
      if (!isDeepStrictEqual(serviceAgain, serviceSpec)) {
        throw new Error(`Service: ${JSON.stringify(serviceAgain)}`)
      }
    }),
    { numRuns: 300 },
  )
})
