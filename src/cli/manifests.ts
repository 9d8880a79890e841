import { isUtf8 } from 'node:buffer'
import { readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { isObject } from '../metacontroller/json.ts'
import { type Path, type Problem, problem, quoted, sentence, typeName } from '../api/messages.ts'
import { group, kind, MyApp as MyAppSchema, type MyAppSpec } from '../api/myapp.ts'
import type { PlatformDefaults } from '../api/platform-defaults.ts'
import { validate } from '../api/validate.ts'
import { platformWarnings } from '../api/warnings.ts'
import { sizeProblems } from '../myapp/child-size.ts'
import { configReferences } from '../myapp/config-references.ts'
import { keyOf, type ObservedConfig } from '../myapp/request.ts'
import { parsePlatformDefaults } from '../platform-defaults-file.ts'
import { UserError } from './arguments.ts'
import { myAppValidator } from './validators.ts'
import { readYaml } from './yaml/read.ts'
import { codePointText } from './yaml/scalars.ts'

/** A position in a source. Lines and columns count from 1. */
export interface Place {
  source: string
  line: number
  column: number
}

/** A position in the form of compilers: `demo.yaml:3:5`. */
export const placeText = ({ source, line, column }: Place) =>
  `${printable(source)}:${line}:${column}`

/** The name of a file in a message. A name can contain line breaks or commands of a terminal. */
const printable = (name: string) =>
  name.replace(/\p{Cc}/gu, (character) => `\\u${codePointText(character)}`)

/** A finding in a file. A MyApp with an error cannot be applied. */
export interface Finding {
  severity: 'error' | 'warning' | 'note'
  place: Place
  message: string
}

/** A finding in one line: `demo.yaml:3:5: spec.image: must not be empty`. */
export const findingText = ({ severity, place, message }: Finding) =>
  `${placeText(place)}: ${severity === 'warning' ? 'warning: ' : ''}${message}`

/** A Kubernetes object from a source, and the positions of its fields. */
interface Manifest {
  object: Record<string, unknown>
  /** The position of a field, or of its nearest parent. `isKey`: the position of the key. */
  placeOf: (path: Path, isKey?: boolean) => Place
}

/** A MyApp from a file, with the spec that the API server would store. */
export interface FileMyApp {
  metadata: {
    name: string
    namespace: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  /** Whether the file sets the namespace. */
  isPlaced: boolean
  spec: MyAppSpec
}

/** The uid of an object that was not read from a cluster. */
export const noUid = 'unknown'

/**
 * ConfigMaps and Secrets as related objects of a request: by `Kind.version`, then by
 * `namespace/name`.
 */
export type FileConfig = Record<'ConfigMap.v1' | 'Secret.v1', Record<string, ObservedConfig>>

/** The content of files: valid MyApps, their config, and findings. */
export interface ManifestFiles {
  /** The files that were read. */
  sources: string[]
  myApps: FileMyApp[]
  config: FileConfig
  findings: Finding[]
}

/** Reads MyApps, ConfigMaps and Secrets from files, folders, and stdin for `-`. */
export const readFiles = (
  files: string[],
  recursive: boolean,
  defaultNamespace: string,
  defaults?: PlatformDefaults,
): ManifestFiles => filesOf(readSources(files, recursive), defaultNamespace, defaults)

/**
 * Reads sources. `defaultNamespace` is for objects without a namespace. The warnings are about the
 * MyApps with the platform's defaults.
 */
export function filesOf(
  sources: Source[],
  defaultNamespace: string,
  defaults?: PlatformDefaults,
): ManifestFiles {
  const read = sources.map(parseManifests)
  const manifests = read.flatMap(({ manifests }) => manifests)
  const isMyApp = ({ object }: Manifest) =>
    object['kind'] === kind || textOf(object['apiVersion']).startsWith(`${group}/`)
  const { myApps, findings } = checkMyApps(manifests.filter(isMyApp), defaultNamespace, defaults)
  const config: FileConfig = { 'ConfigMap.v1': {}, 'Secret.v1': {} }
  const needed = new Set(
    myApps.flatMap(({ metadata: { namespace }, spec }) =>
      configReferences(spec).map(({ kind, name }) => `${kind}.v1 ${keyOf({ namespace, name })}`),
    ),
  )
  const ignored: Finding[] = []
  for (const { object, placeOf } of manifests.filter((manifest) => !isMyApp(manifest))) {
    const found = configOf(object, defaultNamespace)
    if (found !== undefined) config[found.group][keyOf(found.object.metadata)] = found.object
    if (found === undefined || !needed.has(`${found.group} ${keyOf(found.object.metadata)}`)) {
      ignored.push({
        severity: 'note',
        place: placeOf(['kind']),
        message: `${kindOf(object)} is ignored: it is neither a MyApp nor config of a MyApp`,
      })
    }
  }
  return {
    sources: sources.map(({ name }) => name),
    myApps,
    config,
    findings: [...ignored, ...read.flatMap(({ findings }) => findings), ...findings],
  }
}

/** A kind in a message. Text of a file could contain line breaks or commands of a terminal. */
function kindOf({ kind }: Record<string, unknown>): string {
  if (kind === undefined) return 'an object without a kind'
  const text = textOf(kind)
  return /^[\w.-]{1,63}$/.test(text) ? text : quoted(text)
}

/** A value as text. `String` throws for an object with a field toString. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : String(JSON.stringify(value))

/** A text and its name in messages. */
export interface Source {
  name: string
  text: string
}

function readSources(files: string[], recursive: boolean): Source[] {
  return files.flatMap((file) =>
    file === '-'
      ? [{ name: '<stdin>', text: decoded('stdin', readStdin()) }]
      : expand(file, recursive).map((name) => ({ name, text: readText(name) })),
  )
}

/** The manifests in a folder, ordered by name. Returns a file unchanged. */
function expand(file: string, recursive: boolean): string[] {
  try {
    if (!statSync(file).isDirectory()) return [file]
    return readdirSync(file, { recursive, encoding: 'utf8' })
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => join(file, name))
      .filter((path) => !statSync(path).isDirectory())
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** Reads a file as text. */
export function readText(file: string): string {
  return decoded(file, readBytes(file))
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** Decodes UTF-8, or UTF-16 with a byte order mark, which Windows PowerShell writes. */
function decoded(name: string, bytes: Buffer): string {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  if (!isUtf8(bytes)) throw new UserError(`${printable(name)} is not UTF-8: save it as UTF-8`)
  return bytes.toString('utf8')
}

/** Reads all of stdin. Polls if stdin is a non-blocking pipe. */
function readStdin(): Buffer {
  const chunks: Buffer[] = []
  const buffer = Buffer.alloc(65_536)
  for (;;) {
    try {
      const length = readSync(0, buffer)
      if (length === 0) return Buffer.concat(chunks)
      chunks.push(Buffer.from(buffer.subarray(0, length)))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // On Windows the end of a pipe is an error.
      if (code === 'EOF') return Buffer.concat(chunks)
      if (code !== 'EAGAIN') throw unreadable('stdin', error)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

function unreadable(name: string, error: unknown): UserError {
  const { errno = 0, message, path = name } = error as NodeJS.ErrnoException
  return new UserError(
    `cannot read ${printable(path)}: ${getSystemErrorMap().get(errno)?.[1] ?? message}`,
  )
}

/** Parses a source as kubectl does. Each item of a `List` becomes a manifest. */
export function parseManifests({ name, text }: Source): {
  manifests: Manifest[]
  findings: Finding[]
} {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const at = (offset: number): Place => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { source: name, line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
  const manifests: Manifest[] = []
  const findings: Finding[] = []
  for (const { value, faults, notes, offsetOf } of readYaml(text)) {
    for (const { offset, message } of faults) {
      findings.push({ severity: 'error', place: at(offset), message })
    }
    for (const { offset, message } of notes) {
      findings.push({ severity: 'note', place: at(offset), message })
    }
    if (faults.length > 0) continue
    for (const item of objectsIn(value)) {
      const placeOf: Manifest['placeOf'] = (path, isKey) =>
        at(offsetOf([...item.path, ...path], isKey))
      if (isObject(item.value)) manifests.push({ object: item.value, placeOf })
      else {
        const message = `must be a Kubernetes object, got ${typeName(item.value)}`
        findings.push({ severity: 'error', place: placeOf([]), message })
      }
    }
  }
  return { manifests, findings }
}

/**
 * The objects in a document. A list from `kubectl get -o yaml` contains several objects, and an
 * empty document contains none.
 */
function objectsIn(value: unknown, path: Path = []): Array<{ value: unknown; path: Path }> {
  if (value === null && path.length === 0) return []
  if (
    !isObject(value) ||
    typeof value['kind'] !== 'string' ||
    !value['kind'].endsWith('List') ||
    !Array.isArray(value['items'])
  ) {
    return [{ value, path }]
  }
  return value['items'].flatMap((item, index) => objectsIn(item, [...path, 'items', index]))
}

/** The valid MyApps, and the findings for all MyApps, ordered by line. */
function checkMyApps(
  manifests: Manifest[],
  defaultNamespace: string,
  defaults: PlatformDefaults | undefined,
): { myApps: FileMyApp[]; findings: Finding[] } {
  const earlier = new Map<string, Place>()
  const myApps: FileMyApp[] = []
  const findings = manifests.flatMap(({ object, placeOf }) => {
    const metadata = isObject(object['metadata']) ? object['metadata'] : {}
    const { name } = metadata
    const namespace = metadata['namespace'] || defaultNamespace
    const stored = storedForm(object)
    const spec = stored['spec'] as MyAppSpec
    const problems = validate(stored, myAppValidator)
    if (problems.length === 0) problems.push(...sizeProblems(textOf(name), spec))
    if (object['kind'] === kind && typeof name === 'string') {
      const path = ['metadata', 'name']
      const key = `${textOf(namespace)}/${name}`
      const first = earlier.get(key)
      if (first === undefined) earlier.set(key, placeOf(path))
      else problems.push(problem(path, `duplicate ${quoted(name)}, first at ${placeText(first)}`))
    }
    const warned: Problem[] = []
    if (problems.length === 0) {
      const isPlaced = Boolean(metadata['namespace'])
      const placed = { ...metadata, namespace } as FileMyApp['metadata']
      myApps.push({ metadata: placed, isPlaced, spec })
      warned.push(...platformWarnings(placed, spec, defaults))
    }
    const found = [
      ...problems.map((found) => ({ severity: 'error' as const, found })),
      ...warned.map((found) => ({ severity: 'warning' as const, found })),
    ]
    return found
      .map(({ severity, found }) => ({
        severity,
        place: placeOf(found.path, found.isKey),
        message: sentence(found),
      }))
      .sort(({ place: a }, { place: b }) => a.line - b.line || a.column - b.column)
  })
  return { myApps, findings }
}

/** A ConfigMap or Secret in its stored form. Undefined for any other object. */
function configOf(
  { apiVersion, kind, metadata, data, binaryData, stringData }: Record<string, unknown>,
  defaultNamespace: string,
): { group: keyof FileConfig; object: ObservedConfig } | undefined {
  if (apiVersion !== 'v1' || (kind !== 'ConfigMap' && kind !== 'Secret') || !isObject(metadata)) {
    return undefined
  }
  const { name, namespace } = metadata
  // The API server moves stringData into data as base64.
  const encoded = Object.fromEntries(
    Object.entries(stringData ?? {}).map(([key, value]) => [
      key,
      Buffer.from(textOf(value)).toString('base64'),
    ]),
  )
  return {
    group: `${kind}.v1`,
    object: {
      metadata: {
        name: textOf(name),
        namespace: textOf(namespace || defaultNamespace),
        uid: noUid,
      },
      data: { ...(data as Record<string, string> | undefined), ...encoded },
      ...(isObject(binaryData) && { binaryData: binaryData as Record<string, string> }),
    },
  }
}

interface Schema {
  default?: unknown
  properties?: Record<string, Schema>
  additionalProperties?: unknown
  items?: Schema
}

type Fields = Record<string, unknown>

/**
 * A MyApp in its stored form: without fields that are null, and with defaults.
 */
export const storedForm = (myApp: Fields): Fields => fillIn(myApp, MyAppSchema as Schema) as Fields

function fillIn(value: unknown, { properties, additionalProperties, items }: Schema): unknown {
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((item) => fillIn(item, items))
  }
  const isMap = isObject(additionalProperties)
  if (!isObject(value) || (properties === undefined && !isMap)) return value
  const setFields = Object.entries(value).filter(([, field]) => field !== null)
  const missing = Object.entries(properties ?? {}).filter(
    ([name, { default: fallback }]) => fallback !== undefined && (value[name] ?? null) === null,
  )
  return Object.fromEntries([
    ...setFields.map(([name, field]) => [name, fillIn(field, properties?.[name] ?? {})]),
    ...missing.map(([name, { default: fallback }]) => [name, fallback]),
  ])
}

/** Reads platform defaults from a file, if one is given. */
export async function readDefaults(
  file: string | undefined,
): Promise<PlatformDefaults | undefined> {
  if (file === undefined) return undefined
  const text = readText(file)
  try {
    return await parsePlatformDefaults(text)
  } catch (error) {
    throw new UserError(`${file}: ${(error as Error).message}`)
  }
}

/** Throws a UserError if files contain neither a MyApp nor a problem. */
export function checkNotEmpty({ myApps, findings }: ManifestFiles, names: string[]) {
  if (myApps.length > 0 || findings.some(({ severity }) => severity === 'error')) return
  const where = names.map((name) => (name === '-' ? 'stdin' : printable(name))).join(', ')
  throw new UserError(`no MyApp in ${where}`)
}
