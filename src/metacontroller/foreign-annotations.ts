import { lastApplied } from './last-applied.ts'
import { isObject } from './merge.ts'
import type { KubernetesObject, ObservedObject } from './protocol.ts'

type Fields = Record<string, unknown>

const places = [['metadata'], ['spec', 'template', 'metadata']]

/**
 * An answer that has no annotations where the one before had some, with an empty map in their place. Without it
 * Metacontroller's merge takes all that are there away with ours, those of others too. (With it, where nobody else has any,
 * it would write at every sync: the API server does not keep an empty map.)
 */
export function keepingForeignAnnotations(
  answer: KubernetesObject,
  observed: ObservedObject | undefined,
): KubernetesObject {
  const applied = observed && lastApplied(observed)
  if (observed === undefined || applied === undefined) return answer
  return places.reduce<KubernetesObject>((answer, place) => {
    const [ours, there] = [annotationsAt(applied, place), annotationsAt(observed, place)]
    const isEmptied =
      ours !== undefined &&
      annotationsAt(answer, place) === undefined &&
      Object.keys(there ?? {}).some((key) => !(key in ours))
    return isEmptied ? withNone(answer, place) : answer
  }, answer)
}

function annotationsAt(object: object, place: string[]): Fields | undefined {
  const found = [...place, 'annotations'].reduce<unknown>(
    (at, step) => (isObject(at) ? at[step] : undefined),
    object,
  )
  return isObject(found) ? found : undefined
}

const withNone = <Value>(object: Value, [step, ...rest]: string[]): Value => ({
  ...object,
  ...(step === undefined
    ? { annotations: {} }
    : { [step]: withNone((object as Fields)[step], rest) }),
})
