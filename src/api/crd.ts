import { celOf, type Format, formatOf, formats } from './formats.ts'
import { group, kind, MyApp, version } from './myapp.ts'

type Schema = Record<string, unknown>

/**
 * The CustomResourceDefinition of MyApp as a plain object. scripts/generate.ts writes it to
 * manifests/crd.yaml.
 */
export function customResourceDefinition(): object {
  const { metadata, spec, status } = MyApp.properties
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `myapps.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural: 'myapps',
        singular: 'myapp',
        shortNames: ['ma'],
        categories: ['all'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: printerColumns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: descriptionOf(MyApp),
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: {
                  type: 'object',
                  properties: {
                    name: {
                      type: 'string',
                      description: descriptionOf(metadata.properties.name),
                    },
                  },
                },
                spec: structural(spec),
                status: structural(status),
              },
              'x-kubernetes-validations': [nameRule],
            },
          },
        },
      ],
    },
  }
}

const descriptionOf = (schema: object) => (schema as { description?: string }).description

const printerColumns = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: '.status.ready',
    description: 'Ready pods of the desired number.',
  },
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    description: 'Reason of the condition Ready.',
  },
  {
    name: 'URL',
    type: 'string',
    jsonPath: '.status.urls[0]',
    description: 'First URL outside the cluster.',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Image', type: 'string', jsonPath: '.spec.image', priority: 1 },
  { name: 'Port', type: 'integer', jsonPath: '.spec.port', priority: 1 },
  { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
]

/**
 * The rule for the name applies only when a MyApp is created. If it also applied to updates, no
 * update could remove the finalizer of a MyApp whose invalid name an older CRD accepted.
 */
const nameRule = {
  rule: `oldSelf.hasValue() || (${celOf(formats.myAppName, 'self.metadata.name')})`,
  optionalOldSelf: true,
  fieldPath: '.metadata.name',
  message: formats.myAppName.message,
}

/**
 * Converts a schema for the API server. The API server prunes unknown fields itself, so
 * `additionalProperties: false` is dropped. A named format becomes a rule in CEL, or is dropped if
 * it is `hookOnly`. Combinations such as oneOf have an equivalent rule in CEL and are dropped.
 */
export function structural(schema: object): Schema {
  const node = JSON.parse(JSON.stringify(schema)) as Schema
  const { additionalProperties, propertyNames, anyOf, oneOf, format, ...kept } = node
  const isHookOnly = kept['x-hook-only'] === true
  delete kept['x-hook-only']
  const rules = [...((kept['x-kubernetes-validations'] as object[] | undefined) ?? [])]
  const named = formatOf(format)
  if (named === undefined) {
    if (format !== undefined) kept['format'] = format
  } else if (!isHookOnly) rules.push(formatRule(named, 'self'))
  const keys = formatOf((propertyNames as Schema | undefined)?.['format'])
  if (keys !== undefined && !isHookOnly) {
    const { rule, message } = formatRule(keys, 'key')
    rules.unshift({ rule: `self.all(key, ${rule})`, message })
  }
  if (kept['x-kubernetes-int-or-string'] === true) {
    const [integer, string] = anyOf as [Schema, Schema]
    kept['anyOf'] = [{ type: 'integer' }, { type: 'string' }]
    kept['maxLength'] = string['maxLength']
    rules.push(eitherRule(integer, formatOf(string['format'])))
  }
  if (typeof additionalProperties === 'object' && additionalProperties !== null) {
    kept['additionalProperties'] = structural(additionalProperties)
  }
  if (kept['properties'] !== undefined) {
    kept['properties'] = Object.fromEntries(
      Object.entries(kept['properties'] as Record<string, Schema>).map(([name, property]) => [
        name,
        structural(property),
      ]),
    )
  }
  if (kept['items'] !== undefined) kept['items'] = structural(kept['items'] as Schema)
  if (rules.length > 0) kept['x-kubernetes-validations'] = rules
  return kept
}

const formatRule = (format: Format, expression: string) => ({
  rule: celOf(format, expression),
  message: format.message,
})

/**
 * The bounds of the integer and the format of the string in one rule. In a CRD the two branches of
 * an int-or-string cannot contain them.
 */
function eitherRule({ minimum, maximum }: Schema, format: Format | undefined): object {
  if (format === undefined) throw new Error('the string of an int-or-string needs a named format')
  const bounds = [
    ...(minimum === undefined ? [] : [`self >= ${minimum}`]),
    ...(maximum === undefined ? [] : [`self <= ${maximum}`]),
  ].join(' && ')
  return {
    rule: `type(self) == int ? ${bounds} : ${celOf(format, 'self')}`,
    message: format.message,
  }
}
