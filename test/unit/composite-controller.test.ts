import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import type { Anything } from '../support/fixtures/anything.ts'

const read = (path: string): Anything =>
  parse(readFileSync(new URL(`../../metacontroller/${path}`, import.meta.url), 'utf8'))

/** What a field may hold: a plain value of a type or one of some words, an object with these fields, or a list. */
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

/** A CompositeController as Metacontroller 4.17 knows it. Its CRD drops every other field without a word. */
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

/** Every place of a value that is not of a shape. */
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

/** Every field of a value: the object that has it, and its name. */
function fieldsOf(value: unknown): Array<[holder: Anything, key: string]> {
  if (typeof value !== 'object' || value === null) return []
  const own = Array.isArray(value)
    ? []
    : Object.keys(value).map((key): [object, string] => [value, key])
  return [...own, ...Object.values(value).flatMap(fieldsOf)]
}

/** The CompositeController as a component changes it. */
function withComponent(component: string): Anything {
  const controller = read('composite-controller.yaml')
  const { patches } = read(`${component}/kustomization.yaml`)
  for (const { op, path, value } of patches.flatMap(({ patch }: { patch: string }) =>
    parse(patch),
  )) {
    if (op !== 'add' || path !== '/spec/childResources/-') {
      throw new Error(`this test does not know how to ${op} ${path}`)
    }
    controller.spec.childResources.push(value)
  }
  return controller
}

t.test(
  'the CompositeController has no field that Metacontroller does not know, with the gateway component too',
  async (t) => {
    t.strictSame(misfits(read('composite-controller.yaml'), compositeController), [])
    t.strictSame(misfits(withComponent('gateway'), compositeController), [])
  },
)

t.test('a slip in any name of a field would be found', async (t) => {
  const controller = withComponent('gateway')
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
