import { apiVersion, kind } from '../api/myapp.ts'
import type { KubernetesObject } from '../metacontroller/protocol.ts'
import { childKinds } from '../myapp/children/index.ts'
import type { Context } from '../myapp/context.ts'
import type { HookRequest } from '../myapp/request.ts'
import { stateOf } from '../myapp/state.ts'
import type { Streams, Task } from './arguments.ts'
import { changeText, diff, openBaseline, unknownDigest, withDigest } from './diff.ts'
import {
  checkNotEmpty,
  type FileConfig,
  type FileMyApp,
  findingText,
  noUid,
  readDefaults,
  readFiles,
} from './manifests.ts'
import { objectsText } from './yaml/print.ts'

/** Prints children, or their changes. Returns the exit code. */
export async function renderFiles(
  { files, recursive, namespace, output, defaults, baseline }: Extract<Task, { command: 'render' }>,
  { out, err }: Streams,
): Promise<number> {
  const existing = baseline && openBaseline(baseline, namespace)
  const defaultNamespace = namespace ?? existing?.namespace() ?? 'default'
  const manifests = readFiles(files, recursive, defaultNamespace)
  const { myApps, config, findings } = manifests
  const print = (lines: string[]) => {
    for (const line of lines) err(`${line}\n`)
  }
  print(findings.filter(({ severity }) => severity !== 'warning').map(findingText))
  checkNotEmpty(manifests, files)
  if (findings.some(({ severity }) => severity === 'error')) return 2

  const context = { platformDefaults: await readDefaults(defaults) }
  if (existing === undefined) {
    const rendered = myApps.map((app) => render(app, config, context))
    print(rendered.flatMap(({ notes }) => notes))
    const children = rendered.flatMap(({ children }) => children)
    const printed = children.map((child) => withDigest(child, unknownDigest))
    out(objectsText(printed, output))
    return 0
  }
  const diffs = existing.requestsFor(myApps).map((request) => diff(request, config, context))
  print(diffs.flatMap(({ notes }) => notes))
  const changes = diffs.flatMap(({ changes }) => changes)
  const asJson = output === 'json'
  out(asJson ? `${JSON.stringify(changes, null, 2)}\n` : changes.map(changeText).join('\n'))
  return changes.length === 0 ? 0 : 1
}

/**
 * The children of a new MyApp, with notes for the user. Replace their config digest before
 * printing, because it is not the digest in a cluster.
 */
export interface Rendered {
  children: KubernetesObject[]
  notes: string[]
}

/** Renders a MyApp that is not in any cluster yet. */
export function render(app: FileMyApp, config: FileConfig, context: Context): Rendered {
  const {
    children,
    config: { missing },
  } = stateOf(newRequest(app, config), app.spec, context)
  const desired = children.filter((child) => child.desired !== undefined)
  const fullName = `${app.metadata.namespace}/${app.metadata.name}`
  return {
    children: desired.flatMap(({ desired }) => desired ?? []),
    notes: [
      ...missing.map(
        (what) => `${fullName}: ${what} is not in the files: no pod starts without it`,
      ),
      ...desired.flatMap(({ kind: { kind, optional } }) =>
        optional
          ? [`${fullName}: the ${kind} needs the ${optional.component} component of the operator`]
          : [],
      ),
      ...(app.spec.paused ? [`${fullName}: nothing is created while paused is true`] : []),
    ],
  }
}

/** The request that Metacontroller sends for a new MyApp, with every kind of child installed. */
export function newRequest({ metadata, spec }: FileMyApp, config: FileConfig): HookRequest {
  const children = Object.fromEntries(
    childKinds.map(({ gvk }) => [gvk, {}]),
  ) as unknown as HookRequest['children']
  return {
    parent: { apiVersion, kind, metadata: { ...metadata, uid: noUid, generation: 1 }, spec },
    children,
    related: { ...config },
    finalizing: false,
  }
}
