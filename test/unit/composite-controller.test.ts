import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { childKinds } from '../../src/myapp/children/index.ts'
import type { Anything } from '../support/fixtures/anything.ts'

const read = (path: string): Anything =>
  parse(readFileSync(new URL(`../../metacontroller/${path}`, import.meta.url), 'utf8'))

/** The shape of a field: a type, a pattern, an object with these fields, or a list. */
type Shape = 'string' | 'number' | 'boolean' | RegExp | [Shape] | { [field: string]: Shape }

const keyRef = { name: 'string', namespace: 'string', key: 'string' } satisfies Shape
const secretRef = { name: 'string', namespace: 'string' } satisfies Shape
const connection = {
  caBundle: { inline: 'string', secretRef: keyRef, configMapRef: keyRef },
  clientTLS: { secretRef, certKey: 'string', privateKeyKey: 'string' },
  authorization: { type: 'string', secretRef: keyRef },
  basicAuth: { secretRef, usernameKey: 'string', passwordKey: 'string' },
} satisfies Shape
const hook = {
  version: /^v[12]$/,
  webhook: {
    url: 'string',
    timeout: /^(\d+(\.\d+)?(ms|s|m|h))+$/,
    etag: { enabled: 'boolean', cacheTimeoutSeconds: 'number', cacheCleanupSeconds: 'number' },
    path: 'string',
    service: { name: 'string', namespace: 'string', port: 'number', protocol: 'string' },
    responseUnMarshallMode: /^(loose|strict)$/,
    ...connection,
  },
} satisfies Shape
const resource = { apiVersion: 'string', resource: 'string' } satisfies Shape

/** A CompositeController of Metacontroller 4.17. Its CRD drops any other field silently. */
const compositeController: Shape = {
  apiVersion: /^metacontroller\.k8s\.io\/v1alpha1$/,
  kind: /^CompositeController$/,
  metadata: { name: 'string', labels: { 'app.kubernetes.io/name': 'string' } },
  spec: {
    parentResource: {
      ...resource,
      revisionHistory: { fieldPaths: ['string'] },
      labelSelector: {
        matchLabels: {},
        matchExpressions: [{ key: 'string', operator: 'string', values: ['string'] }],
      },
      ignoreStatusChanges: 'boolean',
    },
    childResources: [
      {
        ...resource,
        updateStrategy: {
          method: /^(OnDelete|Recreate|InPlace|RollingRecreate|RollingInPlace)$/,
          statusChecks: { conditions: [{ type: 'string', status: 'string', reason: 'string' }] },
        },
      },
    ],
    hooks: {
      customize: hook,
      sync: hook,
      finalize: hook,
      preUpdateChild: hook,
      postUpdateChild: hook,
    },
    endpointConfigs: [{ host: 'string', ...connection }],
    resyncPeriodSeconds: 'number',
    generateSelector: 'boolean',
  },
}

/** The paths of all parts of a value that do not match a shape. */
function misfits(value: unknown, shape: Shape | undefined, path = ''): string[] {
  if (shape === undefined) return [path]
  const type: string = typeof value
  if (typeof shape === 'string') return type === shape ? [] : [path]
  if (shape instanceof RegExp) return typeof value === 'string' && shape.test(value) ? [] : [path]
  if (Array.isArray(shape)) {
    return Array.isArray(value)
      ? value.flatMap((item, index) => misfits(item, shape[0], `${path}[${index}]`))
      : [path]
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path]
  return Object.entries(value).flatMap(([key, item]) =>
    misfits(item, Object.hasOwn(shape, key) ? shape[key] : undefined, `${path}.${key}`),
  )
}

/** Every field of a value: its object and its name. */
function fieldsOf(value: unknown): Array<[holder: Anything, key: string]> {
  if (typeof value !== 'object' || value === null) return []
  const own = Array.isArray(value)
    ? []
    : Object.keys(value).map((key): [object, string] => [value, key])
  return [...own, ...Object.values(value).flatMap(fieldsOf)]
}

/** The CompositeController after the patches of some components. */
function withComponents(...components: string[]): Anything {
  const controller = read('composite-controller.yaml')
  for (const component of components) {
    const { patches } = read(`${component}/kustomization.yaml`)
    const own = patches.filter(({ target }: Anything) => target.kind === 'CompositeController')
    for (const operation of own.flatMap(({ patch }: Anything) => parse(patch))) {
      apply(controller, operation)
    }
  }
  return controller
}

/** Applies an operation of a JSON patch that sets or removes a field, or appends to a list. */
function apply(object: Anything, { op, path, value }: Anything): void {
  const [last, ...parents] = path.slice(1).split('/').reverse()
  const holder = parents.reverse().reduce((part: Anything, key: string) => part[key], object)
  if (op === 'remove') delete holder[last]
  else if (last === '-') holder.push(value)
  else holder[last] = value
}

const shipped = read('composite-controller.yaml')
/** The components that add an optional kind of child. */
const kindComponents = childKinds.flatMap(({ optional }) => optional?.component ?? [])
const variants: Array<[name: string, controller: Anything]> = [
  ['without components', shipped],
  ...[...kindComponents, 'cert-manager', 'without-secrets'].map((component): [string, Anything] => [
    `with ${component}`,
    withComponents(component),
  ]),
]

t.test('Metacontroller knows every field of the CompositeController', async (t) => {
  for (const [name, controller] of variants) {
    t.strictSame(misfits(controller, compositeController), [], name)
  }
})

t.test('the check of fields finds any misspelled field', async (t) => {
  const controller = withComponents('gateway')
  const fields = fieldsOf(controller)
  t.ok(fields.length > 40)
  for (const [holder, key] of fields) {
    const { [key]: value } = holder
    delete holder[key]
    holder[`${key}s`] = value
    t.match(misfits(controller, compositeController).join(), new RegExp(`${key}s`))
    delete holder[`${key}s`]
    holder[key] = value
  }
})

t.test('every request uses TLS and the credentials of endpointConfigs', async (t) => {
  for (const [name, { spec }] of variants) {
    t.equal(spec.endpointConfigs.length, 1, `${name}: one entry, because the first match wins`)
    const [{ host, caBundle, clientTLS, ...others }] = spec.endpointConfigs
    t.strictSame(others, {})
    t.notMatch(host, /:/, 'with a port the entry would not match the URLs')
    for (const { webhook } of Object.values<Anything>(spec.hooks)) {
      const url = new URL(webhook.url)
      t.equal(url.protocol, 'https:')
      t.equal(url.host, host)
      t.equal(url.username + url.password + url.search, '', 'the URL is a metric label')
      t.strictSame(
        Object.keys(webhook).filter((key) => key in connection),
        [],
        'no field that disables the entry',
      )
    }
    t.equal(Object.keys(caBundle).length, 1)
    t.equal(clientTLS === undefined, name === 'with without-secrets')
  }
})

const manifests = (path: string): Anything[] =>
  parseAllDocuments(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).map(
    (document) => document.toJS(),
  )
const hookPod = manifests('manifests/deployment.yaml')[0].spec.template.spec
const program = manifests('metacontroller/program/stateful-set.yaml')[0].spec.template.spec

t.test('all manifests use the same names for certificates', async (t) => {
  const [{ host, caBundle, clientTLS }] = shipped.spec.endpointConfigs
  const [service] = manifests('manifests/service.yaml')
  const [statefulSet] = manifests('metacontroller/program/stateful-set.yaml')
  const { name, namespace } = service.metadata
  t.equal(host, `${name}.${namespace}.svc`)
  t.strictSame(service.spec.ports, [{ name: 'https', port: 443, targetPort: 'hook' }])
  const credentials = { ...caBundle, ...clientTLS }
  t.equal(credentials.secretRef.namespace, statefulSet.metadata.namespace)
  t.strictSame(
    program.volumes[0].projected.sources,
    [
      { configMap: { name: credentials.configMapRef.name } },
      { secret: { name: credentials.secretRef.name } },
    ],
    'the pod of Metacontroller waits for the objects it reads',
  )
  t.match(hookPod.volumes, [
    {
      projected: {
        sources: [
          { secret: { name: 'myapp-operator-tls' } },
          { configMap: { name: caBundle.configMapRef.name } },
        ],
      },
    },
    { secret: { secretName: 'myapp-operator-config-digest' } },
  ])
})

t.test('the hook mounts every file that its environment names', async (t) => {
  const [container] = hookPod.containers
  const files = container.env.filter(({ name }: Anything) => name.endsWith('_FILE'))
  t.equal(files.length, 4)
  for (const { name, value } of files) {
    t.ok(
      container.volumeMounts.some(({ mountPath }: Anything) => value.startsWith(`${mountPath}/`)),
      `${name}=${value}`,
    )
  }
})

t.test('the webhook configuration points to the admission port', async (t) => {
  const [{ metadata, webhooks }] = manifests(
    'manifests/admission/validating-webhook-configuration.yaml',
  )
  const [{ configMapGenerator }] = manifests('manifests/kustomization.yaml')
  t.not(metadata.name, configMapGenerator[0].name, 'kustomize would rename it in the role')
  t.strictSame(manifests('manifests/admission/role.yaml')[0].rules[0].resourceNames, [
    metadata.name,
  ])
  const [service] = manifests('manifests/admission/service-patch.yaml')
  const [deployment] = manifests('manifests/admission/deployment-patch.yaml')
  const [{ ports, env }] = deployment.spec.template.spec.containers
  const [policy] = manifests('manifests/admission/network-policy.yaml')
  const { port, name } = webhooks[0].clientConfig.service
  t.equal(name, service.metadata.name)
  t.strictSame(service.spec.ports, [{ name: 'admission', port, targetPort: ports[0].name }])
  t.strictSame(env, [{ name: 'ADMISSION_PORT', value: String(ports[0].containerPort) }])
  t.equal(policy.spec.ingress[0].ports[0].port, ports[0].containerPort)
  t.equal(webhooks[0].failurePolicy, 'Ignore')
})

t.test('the CompositeController and the roles have every kind of child', async (t) => {
  const declared = withComponents(...kindComponents).spec.childResources
  const rules = ['watch-role', 'write-role'].map((file) => [
    ...manifests(`metacontroller/program/${file}.yaml`)[0].rules,
    ...rulesOfComponents(file === 'watch-role' ? 'metacontroller' : 'metacontroller-myapps'),
  ])
  const verbsOf = (resource: string) =>
    rules.map((role) =>
      role.flatMap(({ resources, verbs }: Anything) => (resources.includes(resource) ? verbs : [])),
    )
  for (const { kind, apiVersion, resource } of childKinds) {
    t.match(
      declared.find((child: Anything) => child.resource === resource),
      { apiVersion, updateStrategy: { method: 'InPlace' } },
      kind,
    )
    t.strictSame(
      verbsOf(resource),
      [
        ['list', 'watch'],
        ['get', 'create', 'update', 'patch', 'delete'],
      ],
      kind,
    )
  }
  t.equal(declared.length, childKinds.length + 1, 'plus inspections, and no other kind')
})

/** The rules that components of optional kinds add to a role. */
function rulesOfComponents(role: string): Anything[] {
  return kindComponents
    .flatMap((component) => read(`${component}/kustomization.yaml`).patches)
    .filter(({ target }: Anything) => target.name === role)
    .flatMap(({ patch }: Anything) => parse(patch).map(({ value }: Anything) => value))
}
