import type { KubernetesObject } from '../metacontroller/protocol.ts'
import { childKinds } from './children/index.ts'
import type { HookRequest } from './request.ts'

/**
 * Metacontroller must not apply this answer: Metacontroller has rights that the author of a MyApp
 * lacks.
 */
export class UnsafeAnswerError extends Error {
  override name = 'UnsafeAnswerError'
}

/** The only metadata that a returned child may have. */
const allowedMetadata = new Set(['name', 'namespace', 'labels', 'annotations'])

/**
 * The last check of an answer. Returns the children if each child is in the namespace of the MyApp,
 * has no metadata besides name, namespace, labels and annotations, occurs once, and has a kind that
 * this program knows or that the request contained.
 * @throws {UnsafeAnswerError} The message names the first wrong child.
 */
export function safeAnswer(request: HookRequest, children: KubernetesObject[]): KubernetesObject[] {
  const { namespace } = request.parent.metadata
  const names = new Set<string>()
  for (const child of children) {
    const reject = (why: string): never => {
      throw new UnsafeAnswerError(`internal error: ${describe(child)} ${why}`)
    }
    if ((child as unknown) === null) reject('is null')
    const { kind, apiVersion, metadata } = child
    if (typeof metadata !== 'object') reject('has no metadata')
    if (typeof metadata.name !== 'string' || metadata.name === '') reject('has no name')
    const gvk = `${kind}.${apiVersion}`
    const isKnown = childKinds.some((known) => known.gvk === gvk)
    if (!isKnown && !Object.hasOwn(request.children, gvk)) reject('is of an unknown kind')
    if (metadata.namespace !== namespace) reject('is not in the namespace of the MyApp')
    for (const field of Object.keys(metadata)) {
      if (!allowedMetadata.has(field)) reject('has metadata that a child may not have')
    }
    const name = `${gvk}/${metadata.name}`
    if (names.has(name)) reject('occurs twice')
    names.add(name)
  }
  return children
}

/** Kind and name for a short message. */
const describe = (child: Partial<KubernetesObject> | null) =>
  `child ${cut(child?.kind)} ${cut(child?.metadata?.name)}`

const cut = (text: unknown) => String(text ?? '-').slice(0, 100)
