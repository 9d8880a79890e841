import {
  group,
  kind,
  MyAppSpec,
  MyAppStatus,
  nameMaxLength,
  namePattern,
  version,
} from './myapp.ts'

type Schema = Record<string, unknown>

/**
 * The CustomResourceDefinition of MyApp as a plain object, made from schema.ts. scripts/generate.ts writes it to
 * manifests/crd.yaml.
 */
export function customResourceDefinition(): object {
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
          additionalPrinterColumns: [
            {
              name: 'Ready',
              type: 'string',
              jsonPath: '.status.ready',
              description: 'Ready pods of those wanted.',
            },
            { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
            { name: 'Image', type: 'string', jsonPath: '.spec.image' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
            { name: 'Port', type: 'integer', jsonPath: '.spec.port', priority: 1 },
            { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description:
                'An application: a Deployment that runs it, a Service that it is reached by, and a status that tells how it is.',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: {
                  type: 'object',
                  properties: {
                    name: {
                      type: 'string',
                      description:
                        'Names the children too, so it must be one that a Service can have.',
                    },
                  },
                },
                spec: structural(MyAppSpec),
                status: structural(MyAppStatus),
              },
              'x-kubernetes-validations': [
                {
                  // On creation only: a name never changes, and one that an older CRD let in must not keep its finalizer for ever.
                  rule: `oldSelf.hasValue() || (self.metadata.name.matches('${namePattern}') && size(self.metadata.name) <= ${nameMaxLength})`,
                  optionalOldSelf: true,
                  fieldPath: '.metadata.name',
                  messageExpression: `'"' + self.metadata.name + '" cannot name a Service: use at most ${nameMaxLength} lower-case letters, digits and "-", starting with a letter and not ending with "-"'`,
                },
              ],
            },
          },
        },
      ],
    },
  }
}

/**
 * A schema of schema.ts as the API server takes it. Unknown fields are pruned there, so additionalProperties goes, and a map
 * has its values' schema in its place; a number or text is int-or-string; and where a rule says a bound in words, from the first
 * version on, the bare bound goes, or the API server would refuse a value twice, once in words and once not. A pattern goes where any rule
 * has it.
 */
function structural(schema: object): Schema {
  const { additionalProperties, patternProperties, anyOf, oneOf, patternErrorMessage, ...kept } =
    JSON.parse(JSON.stringify(schema)) as Schema
  if (kept['x-kubernetes-int-or-string'] === true) {
    const { pattern, maxLength } = (anyOf as Schema[]).find(({ type }) => type === 'string') ?? {}
    return {
      ...kept,
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      ...(!hasRuleWith(kept, pattern) && { pattern }),
      ...(maxLength !== undefined && { maxLength }),
    }
  }
  if (hasRuleWith(kept, kept.pattern)) delete kept.pattern
  if (patternProperties !== undefined) {
    return {
      ...kept,
      additionalProperties: structural(
        Object.values(patternProperties as Record<string, Schema>)[0] ?? {},
      ),
    }
  }
  if (hasWordsForBounds(kept)) {
    for (const bound of ['minimum', 'maximum', 'minLength', 'pattern']) delete kept[bound]
  }
  if (kept.properties !== undefined) {
    kept.properties = Object.fromEntries(
      Object.entries(kept.properties as Record<string, Schema>).map(([name, property]) => [
        name,
        structural(property),
      ]),
    )
  }
  if (kept.items !== undefined) kept.items = structural(kept.items as Schema)
  return kept
}

const hasRuleWith = ({ 'x-kubernetes-validations': rules = [] }: Schema, pattern: unknown) =>
  (rules as Array<{ rule: string }>).some(({ rule }) => rule.includes(JSON.stringify(pattern)))

const hasWordsForBounds = ({ type, 'x-kubernetes-validations': rules = [] }: Schema) =>
  type !== 'object' &&
  type !== 'array' &&
  (rules as Array<{ optionalOldSelf?: boolean }>).some(({ optionalOldSelf }) => !optionalOldSelf)
