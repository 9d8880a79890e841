import {
  apiVersion,
  kind,
  MyAppSpec,
  MyAppStatus,
  nameMaxLength,
  namePattern,
} from '../src/api/myapp.ts'

/** A JSON Schema (draft-07) of a whole MyApp, by which editors complete, explain and check. */
export function editorSchema(): object {
  const strings = { type: 'object', additionalProperties: { type: 'string' } }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: kind,
    description:
      'An application: a Deployment that runs it, a Service that it is reached by, and a status that tells how it is.',
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: { const: apiVersion },
      kind: { const: kind },
      metadata: {
        type: 'object',
        required: ['name'],
        properties: {
          name: {
            description: 'Name of the MyApp, its Deployment and its Service.',
            type: 'string',
            pattern: namePattern,
            maxLength: nameMaxLength,
          },
          namespace: { description: 'Namespace that all of it is in.', type: 'string' },
          labels: {
            description: 'Labels of the MyApp itself; podLabels are those of the pods.',
            ...strings,
          },
          annotations: {
            description: 'Annotations of the MyApp itself; podAnnotations are those of the pods.',
            ...strings,
          },
        },
      },
      spec: withoutCrdKeywords(MyAppSpec),
      status: withoutCrdKeywords(MyAppStatus),
    },
  }
}

/** The text of manifests/schema/myapp.schema.json. */
export const editorSchemaText = () => JSON.stringify(editorSchema(), null, 2) + '\n'

/** JSON Schema knows nothing of `x-kubernetes-…`, and of formats other ones. */
function withoutCrdKeywords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCrdKeywords)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([keyword, content]) =>
          !keyword.startsWith('x-kubernetes-') &&
          !(keyword === 'format' && /^int/.test(String(content))),
      )
      .map(([keyword, content]) => [keyword, withoutCrdKeywords(content)]),
  )
}
