import { childKinds } from './children/index.ts'
import { childMaxBytes } from '../api/fields.ts'
import { type Problem, problem } from '../api/messages.ts'
import type { MyAppSpec } from '../api/myapp.ts'

/** A child that is too large. */
export interface Oversize {
  kind: string
  bytes: number
  /** The field of the spec that contributes most. */
  field: string
}

/**
 * The children of a MyApp that the API server would refuse. All annotations of an object may have
 * 256 KiB together, and one of them contains Metacontroller's copy of the child.
 */
export function oversizes(name: string, spec: MyAppSpec): Oversize[] {
  if (surelyFits(spec)) return []
  return childKinds.flatMap(({ kind, desired }) => {
    const bytesOf = (spec: MyAppSpec) =>
      Math.max(0, ...desired({ name, namespace: '', spec }).map(annotationBytes))
    const bytes = bytesOf(spec)
    if (bytes <= childMaxBytes) return []
    const fields = Object.entries(spec)
      .map(([field, value]) => ({ field, size: JSON.stringify(value).length }))
      .sort((a, b) => b.size - a.size)
    const { field = 'image' } =
      fields.find(
        ({ field }) => field !== 'image' && bytesOf({ ...spec, [field]: undefined }) < bytes,
      ) ?? {}
    return [{ kind, bytes, field }]
  })
}

/**
 * Whether a spec is so small that its children cannot be too large. Each container can have a copy
 * of the same fields, such as env. A character takes at most six bytes in JSON, and a character of
 * an annotation takes at most three more bytes in the annotation itself. The limit leaves enough
 * bytes for the other fields of a child.
 */
function surelyFits(spec: MyAppSpec): boolean {
  const { init = [], sidecars = [] } = spec
  const containers = 1 + init.length + sidecars.length
  return containers * JSON.stringify(spec).length < 24_576
}

interface Annotated {
  metadata: { annotations?: Record<string, string> }
}

/** The size of the annotations of a child: its own, and the copy of the child. */
function annotationBytes(child: object): number {
  const {
    metadata: { annotations = {} },
  } = child as Annotated
  return (
    jsonBytes(child) +
    Object.entries(annotations).reduce(
      (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
      0,
    )
  )
}

/**
 * The number of bytes of a value in Go's JSON, which also escapes `<`, `>`, `&` and two line
 * separators, each as six bytes. A loop counts them, because `match` would make a list of them.
 */
function jsonBytes(value: object): number {
  const json = JSON.stringify(value)
  let bytes = Buffer.byteLength(json)
  for (let index = 0; index < json.length; index++) {
    switch (json[index]) {
      case '<':
      case '>':
      case '&':
        bytes += 5
        break
      case '\u2028':
      case '\u2029':
        bytes += 3
    }
  }
  return bytes
}

/** The problems of a spec with children that are too large. */
export const sizeProblems = (name: string, spec: MyAppSpec): Problem[] =>
  oversizes(name, spec).map(({ kind, bytes, field }) =>
    problem(
      ['spec', field],
      `the ${kind} must have at most ${childMaxBytes} bytes, got ${bytes}; ${field} is its ` +
        'largest field',
    ),
  )
