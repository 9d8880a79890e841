import { isObject } from '../metacontroller/merge.ts'
import { configReferences } from '../myapp/config-references.ts'
import { keyOf } from '../myapp/request.ts'
import { type Problem, problem, quoted, sentence } from '../api/messages.ts'
import { group, kind, type MyAppSpec } from '../api/myapp.ts'
import { validate } from '../api/validate.ts'
import { sizeProblems } from '../myapp/child-size.ts'
import { type Config, readConfig } from './config.ts'
import {
  type Manifest,
  type Place,
  type PlacedProblem,
  placeText,
  readManifests,
} from './manifest.ts'
import type { Source } from './source.ts'
import { storedForm } from './stored-form.ts'
import { myAppValidator } from './validators.ts'

/** A MyApp from a file, with a spec as the API server would store it. */
export interface MyApp {
  metadata: {
    name: string
    namespace: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  /** Whether it names its namespace itself. */
  isPlaced: boolean
  spec: MyAppSpec
}

/** What the files hold: MyApps that are valid, the config that comes with them, what is wrong, and what is worth knowing. */
export interface Files {
  myApps: MyApp[]
  config: Config
  problems: string[]
  notes: string[]
}

/** Reads MyApps, and the ConfigMaps and Secrets that come with them. */
export function readMyApps(sources: Source[], defaultNamespace: string): Files {
  const files: Files = {
    myApps: [],
    config: { 'ConfigMap.v1': {}, 'Secret.v1': {} },
    problems: [],
    notes: [],
  }
  const read = sources.map(readManifests)
  const manifests = read.flatMap(({ manifests }) => manifests)
  const isMyApp = ({ object }: Manifest) =>
    object['kind'] === kind || String(object['apiVersion']).startsWith(`${group}/`)
  const judged = judge(manifests.filter(isMyApp), defaultNamespace)
  files.myApps = judged.myApps
  files.problems = [
    ...read.flatMap(({ syntaxProblems }) => syntaxProblems),
    ...judged.problems,
  ].map(({ place, message }) => `${placeText(place)}: ${message}`)
  const needed = new Set(
    files.myApps.flatMap(({ metadata: { namespace }, spec }) =>
      configReferences(spec).map(({ kind, name }) => `${kind}.v1 ${keyOf({ namespace, name })}`),
    ),
  )
  for (const manifest of manifests.filter((manifest) => !isMyApp(manifest))) {
    const config = readConfig(manifest.object, defaultNamespace)
    if (config !== undefined) {
      files.config[config.group][keyOf(config.object.metadata)] = config.object
    }
    if (config === undefined || !needed.has(`${config.group} ${keyOf(config.object.metadata)}`)) {
      files.notes.push(
        `${placeText(manifest.placeOf(['kind']))}: ${manifest.object['kind'] ?? 'an object without a kind'} is left out: it is neither a MyApp nor config of one`,
      )
    }
  }
  return files
}

/** Those of some MyApps that are valid, and all that is wrong with the others, in the order of the lines. */
function judge(
  manifests: Manifest[],
  defaultNamespace: string,
): { myApps: MyApp[]; problems: PlacedProblem[] } {
  const earlier = new Map<string, Place>()
  const myApps: MyApp[] = []
  const placed = manifests.flatMap(({ object, placeOf }) => {
    const metadata = isObject(object['metadata']) ? object['metadata'] : {}
    const { name } = metadata
    const namespace = metadata['namespace'] || defaultNamespace
    const stored = storedForm(object)
    const { spec } = stored
    const key = `${namespace}/${name}`
    const found = validate(stored, myAppValidator)
    if (found.length === 0) found.push(...sizeProblems(String(name), spec as MyAppSpec))
    if (object['kind'] === kind) found.push(...repetition(name, earlier.get(key)))
    earlier.set(key, placeOf(['metadata', 'name']))
    if (found.length === 0) {
      myApps.push({
        metadata: { ...metadata, namespace } as MyApp['metadata'],
        isPlaced: Boolean(metadata['namespace']),
        spec: spec as MyAppSpec,
      })
    }
    return found
      .map((problem) => ({
        place: placeOf(problem.path, problem.isKey),
        message: sentence(problem),
      }))
      .sort(({ place: a }, { place: b }) => a.line - b.line || a.column - b.column)
  })
  return { myApps, problems: placed }
}

const repetition = (name: unknown, first: Place | undefined): Problem[] =>
  first === undefined
    ? []
    : [
        problem(
          ['metadata', 'name'],
          `duplicate ${quoted(String(name))}, first at ${placeText(first)}`,
        ),
      ]
