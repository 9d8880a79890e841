import { isObject } from '../metacontroller/merge.ts'
import { annotationKey, type Form, labelKey, labelValue, namespaceName } from '../api/formats.ts'
import type { Problem } from '../api/cross-field.ts'

/** What kubectl lets through: the API server refuses a field that it does not know. */
const fields = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
]

/** What is wrong with the metadata of a MyApp, but for the form of its name. */
export function metadataProblems(metadata: unknown): Problem[] {
  if (metadata !== undefined && metadata !== null && !isObject(metadata)) {
    return [ofType(['metadata'], metadata, 'object')]
  }
  const { name, namespace, labels, annotations, ...others } = metadata ?? {}
  return [
    ...Object.keys(others)
      .filter((field) => !fields.includes(field))
      .map((field) => ({
        path: ['metadata'],
        message: `${JSON.stringify(field)} is not a field of it`,
        stray: field,
      })),
    ...(isGiven(name)
      ? text(['metadata', 'name'], name)
      : [{ path: ['metadata'], message: 'name is missing' }]),
    ...(isGiven(namespace) && namespace !== ''
      ? text(['metadata', 'namespace'], namespace, namespaceName)
      : []),
    ...texts(['metadata', 'labels'], labels, labelKey, labelValue),
    ...texts(['metadata', 'annotations'], annotations, annotationKey),
  ]
}

/** Null is what is not given, and an empty text where there is a key for it. */
const isGiven = (value: unknown) => value !== undefined && value !== null

function texts(path: string[], all: unknown, key: Form, value?: Form): Problem[] {
  if (!isGiven(all)) return []
  if (!isObject(all)) return [ofType(path, all, 'object')]
  return Object.entries(all).flatMap(([name, given]) => [
    ...(key.fits(name) ? [] : [{ path: [...path, name], message: `its name is ${key.words}` }]),
    ...(isGiven(given) ? text([...path, name], given, value, 'its value is ') : []),
  ])
}

function text(path: string[], value: unknown, form?: Form, lead = ''): Problem[] {
  if (typeof value !== 'string') return [ofType(path, value, 'string')]
  return form === undefined || form.fits(value) ? [] : [{ path, message: `${lead}${form.words}` }]
}

const ofType = (path: string[], value: unknown, type: string): Problem => ({
  path,
  message: `${Array.isArray(value) ? 'a list' : isObject(value) ? 'an object' : `a ${typeof value}`} is not of type ${type}`,
})
