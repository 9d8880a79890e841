import { at, isObject } from './json.ts'
import { lastApplied } from './last-applied.ts'
import type { KubernetesObject, ObservedObject } from './protocol.ts'

const places = [['metadata'], ['spec', 'template', 'metadata']]

/**
 * Adds an empty map of annotations to the answer if the last apply had annotations, the answer has
 * none, and the child has foreign annotations. Without the empty map Metacontroller's merge would
 * remove all annotations. Without foreign annotations the empty map is not added: the API server
 * would not store it, and Metacontroller would write it at every sync.
 */
export function keepingForeignAnnotations(
  answer: KubernetesObject,
  observed: ObservedObject | undefined,
): KubernetesObject {
  const applied = observed && lastApplied(observed)
  if (applied === undefined) return answer
  return places.reduce<KubernetesObject>((answer, place) => {
    const path = [...place, 'annotations']
    const [ours, found] = [at(applied, path), at(observed, path)]
    const isRemoved = isObject(ours) && at(answer, path) === undefined
    const hasForeign =
      isObject(ours) &&
      isObject(found) &&
      Object.keys(found).some((key) => !Object.hasOwn(ours, key))
    return isRemoved && hasForeign ? withEmptyAnnotations(answer, place) : answer
  }, answer)
}

const withEmptyAnnotations = <Value>(object: Value, [step, ...rest]: string[]): Value => ({
  ...object,
  ...(step === undefined
    ? { annotations: {} }
    : { [step]: withEmptyAnnotations((object as Record<string, unknown>)[step], rest) }),
})
